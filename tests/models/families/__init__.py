"""Makers of tiny models with random weights in the form in which folders of well-known families have them."""
