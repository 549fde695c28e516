"""Exchange with MTEB: its published result files beside ours, and ours as its files."""
