"""What the gate says: for people, for pull requests, for programs."""
