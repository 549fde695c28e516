"""Models: the registry, where their files come from, their identity, and how they encode."""
