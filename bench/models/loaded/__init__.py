"""A model while and after sentence-transformers loads it: what was logged, its settings, what trying it shows."""
