"""What public models need, by the metadata of the installed mteb."""

from bench.models.entries.needs.missing import missing_needs
from bench.models.entries.needs.record import ModelNeeds, known_models, known_needs, known_tasks, mteb_version

__all__ = ["ModelNeeds", "known_models", "known_needs", "known_tasks", "missing_needs", "mteb_version"]
