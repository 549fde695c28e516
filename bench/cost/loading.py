"""Loading a model in a probe process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cost.devices import require_free
from bench.models.keys import Role
from bench.models.profile import ModelProfile, TextContext
from bench.models.registry import ModelEntry
from bench.models.source import Located

if TYPE_CHECKING:
    from bench.models.encoder import SentenceEncoder


@dataclass(frozen=True)
class ModelFiles:
    """A model as a probe process needs it.

    Attributes:
        entry: Its entry in the registry.
        located: Its files.
        space: The fingerprint that its files must have.
        profile: What is known of it, so that loading it for a measurement tries nothing out.
        contexts: What texts of each role are encoded with.
    """

    entry: ModelEntry
    located: Located
    space: str
    profile: ModelProfile
    contexts: Mapping[Role, TextContext]

    def to_job(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "entry": self.entry.model_dump(mode="json", exclude_unset=True),
            "by_default": sorted(self.entry.by_default),
            "base_dir": str(self.entry.base_dir),
            "located": {**asdict(self.located), "path": str(self.located.path)},
            "space": self.space,
            "profile": self.profile.model_dump(mode="json"),
            "contexts": {role: context.model_dump(mode="json") for role, context in self.contexts.items()},
        }

    @classmethod
    def from_job(cls, job: dict[str, Any]) -> ModelFiles:
        """From what `to_job` gave."""
        unread = {"base_dir": Path(job["base_dir"]), "by_default": frozenset(job["by_default"])}
        entry = ModelEntry.model_validate(job["entry"]).model_copy(update=unread)
        return cls(
            entry,
            Located(**{**job["located"], "path": Path(job["located"]["path"])}),
            job["space"],
            ModelProfile.model_validate(job["profile"]),
            {role: TextContext.model_validate(context) for role, context in job["contexts"].items()},
        )

    def load(self) -> SentenceEncoder:
        """The loaded model.

        Raises:
            BenchError: It cannot be loaded, its files are no longer those that were planned, or another process uses
                the GPU.
        """
        from bench.models.loading import check_device, load_verified

        where = f"model `{self.entry.name}`"
        require_free(check_device(self.entry.device, where), where)
        return load_verified(self.entry, self.located, self.space, self.profile)
