"""A model as a folder for others: its files, and a card with its results."""
