"""Comparing two models, views or results folders, query by query, from results alone."""
