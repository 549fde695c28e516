"""Making models from recipes: data, losses, identity, training, and the store of what was made."""
