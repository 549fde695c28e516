"""Results: the records a run writes and everything later reads."""
