"""Pairs of query and document whose labels would decide between two models: proposed, written, read back."""
