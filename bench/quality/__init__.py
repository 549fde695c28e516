"""Quality: exact search, metrics for every query or pair, and their intervals."""
