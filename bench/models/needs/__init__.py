"""What public models need, by the metadata of the installed mteb."""

from bench.models.needs.missing import missing_needs
from bench.models.needs.record import ModelNeeds, known_models, known_needs, known_tasks, mteb_version

__all__ = ["ModelNeeds", "known_models", "known_needs", "known_tasks", "missing_needs", "mteb_version"]
