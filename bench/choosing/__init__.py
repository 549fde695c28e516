"""Choosing: the best view of a task under limits on quality, latency, memory and storage, from results alone."""
