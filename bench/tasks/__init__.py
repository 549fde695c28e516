"""Tasks: cards, where their data is, and its shape in memory."""
