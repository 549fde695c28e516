"""Writing entries of models.yaml, from a model's folder and from mteb's metadata of public models."""
