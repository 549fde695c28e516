"""What a repository needs to be benchmarked and gated: found out where it can be, and written where it is not there."""
