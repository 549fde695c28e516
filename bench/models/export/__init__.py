"""A loaded model as a folder that needs nothing else."""
