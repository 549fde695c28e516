"""What a model's folder holds, judged by its files alone; nothing is loaded and no code runs."""
