"""Probes: each module's `probe(job)` runs in a fresh process and returns an Answer."""
