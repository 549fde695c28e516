"""The gate: whether the results of a change are worse than those before it, by rules; reads results only."""
