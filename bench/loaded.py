"""Loaded models, and the vectors of a job's texts from the store or from them."""

from __future__ import annotations

import gc
from collections.abc import Mapping

from bench.errors import BenchError
from bench.listener import Listener
from bench.models.keys import Role
from bench.models.profile import ModelProfile
from bench.models.prompts import text_context
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.plan import Job
from bench.vectors.drawn import DrawnVectors
from bench.vectors.encode import EncodeReport, encode_missing, missing_texts
from bench.vectors.pipeline import Encoder
from bench.vectors.store import Vectors, VectorSpace, text_keys
from bench.vectors.texts import TextGroup

_DRAWN_BATCH = 256


class LoadedModels:
    """Loads a model when its first text has to be encoded, and keeps it until the next one is wanted."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._name: str | None = None
        self._encoder: Encoder | None = None

    def get(self, entry: ModelEntry, located: Located, space: VectorSpace) -> Encoder:
        """The loaded model of an entry.

        Raises:
            BenchError: It cannot be loaded, or its files are no longer those that the plan saw.
        """
        if self._encoder is None or self._name != entry.name:
            self.drop()
            self._listener.loading(entry.name)
            from bench.models.loading import load_verified

            self._encoder = load_verified(entry, located, space.folder.name, space.profile())
            self._name = entry.name
        return self._encoder

    def profile(self, entry: ModelEntry, located: Located, space: VectorSpace) -> ModelProfile:
        """A model's profile, stored or loaded."""
        stored = space.profile()
        tell_damage(space, entry.name, self._listener)
        if stored is None:
            # A model that was loaded before its profile was lost has one in memory.
            stored = self.get(entry, located, space).profile
            space.save_profile(stored, entry.name)
            if stored.batching != "any":
                self._listener.batching(entry.name, stored.batching)
        return stored

    def drop(self) -> None:
        """Free the model's memory."""
        self._encoder = self._name = None
        gc.collect()


class JobVectors:
    """The vectors of jobs' texts.

    Args:
        models: Where loaded models come from.
        listener: Told how encoding goes on.
    """

    def __init__(self, models: LoadedModels, listener: Listener) -> None:
        self._models = models
        self._listener = listener

    def encode(
        self, job: Job, profile: ModelProfile, roles: Mapping[Role, list[str]], reports: list[EncodeReport]
    ) -> dict[Role, Vectors]:
        """The vectors of texts; what the store lacks is encoded first.

        Args:
            job: Its model encodes.
            profile: The model's profile.
            roles: Texts by role.
            reports: Where the report of what was encoded is put.

        Raises:
            BenchError: The model cannot be loaded or cannot encode them, or is a baseline.
        """
        model = job.model
        if model.space is None or model.located is None:
            raise BenchError("a baseline has no vectors", where=f"model `{model.entry.name}`")
        groups = {
            role: TextGroup(texts, text_context(model.entry, profile, job.unit.prompt_task, role))
            for role, texts in roles.items()
        }
        missing = missing_texts(model.space, list(groups.values()))
        tell_damage(model.space, model.entry.name, self._listener)
        if missing:
            drawn = model.entry.drawn
            encoder: Encoder = DrawnVectors(profile, model.entry.name)
            if not drawn:
                encoder = self._models.get(model.entry, model.located, model.space)
            if encoder.profile.width != model.width:
                raise BenchError(
                    f"its configuration states {model.width} dimensions, but it gives {encoder.profile.width}",
                    where=f"model `{model.entry.name}`",
                )
            name, task = model.entry.name, job.unit.label
            report = encode_missing(
                model.space,
                encoder,
                list(groups.values()),
                batch_size=_batch_size(model.entry),
                on_progress=lambda progress: None if drawn else self._listener.encoding(name, task, progress),
                on_wait=lambda: self._listener.waiting(name),
            )
            reports.append(report)
        return {role: model.space.vectors(text_keys(group.texts, group.context)) for role, group in groups.items()}


def tell_damage(space: VectorSpace, model: str, listener: Listener) -> None:
    """Report, once, the files of a vector space that were damaged."""
    if space.damaged:
        listener.damaged(model, list(space.damaged))
        space.damaged.clear()


def _batch_size(entry: ModelEntry) -> int | None:
    """Texts a batch; None where the size is to be found, which drawing vectors tells nothing about."""
    if entry.batch_size != "auto":
        return entry.batch_size
    return _DRAWN_BATCH if entry.drawn else None
