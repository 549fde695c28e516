"""Vectors: the store of encoded texts, encoding what it lacks, and cutting views out of it."""
