"""Statistics on arrays: what differences between models are worth, and which choices no other beats."""
