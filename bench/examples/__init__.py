"""The texts behind differences of scores, and what each side finds for them; no text is encoded."""
