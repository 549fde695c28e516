"""Folders of the families with the reference's vectors and those that bench gives."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench.models.encoder import SentenceEncoder
from bench.models.loading import load_encoder
from bench.models.prompts import text_context
from bench.models.registry import ModelEntry
from bench.models.source import locate
from bench.tasks.catalog import select_tasks
from bench.tasks.mteb_bridge import contained, import_mteb
from bench.tasks.unit import TaskUnit

from . import data
from .catalog import FAMILIES, reference_of
from .traps import Vectors
from .uses import USES

BY_NAME = {family.name: family for family in FAMILIES}


def unit(vectors: Vectors) -> Vectors:
    """Vectors of length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Folders:
    """Folders of the families, each made when it is first asked for, with what is known of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = cache(self._folder)
        self.expected = cache(self._expected)
        self.encoder = cache(self._encoder)
        self.unit = cache(self._unit)

    def _folder(self, name: str) -> Path:
        return BY_NAME[name].build(self.root / name)

    def _expected(self, name: str) -> dict[str, np.ndarray]:
        """The reference's vectors of each use."""
        family = BY_NAME[name]
        with contained():
            encode = reference_of(family, self.folder(name))
            return {
                use: encode(wanted.texts, wanted.task or family.retrieval, wanted.role) for use, wanted in USES.items()
            }

    def entry(self, name: str) -> ModelEntry:
        return ModelEntry(name=name, source=[str(self.folder(name))], device="cpu", **BY_NAME[name].entry)

    def _encoder(self, name: str) -> SentenceEncoder:
        entry = self.entry(name)
        return load_encoder(entry, locate(entry, download=False))

    def card(self, task: str) -> Path:
        return self.root / "tasks" / f"{task}.yaml"

    def _unit(self, task: str) -> TaskUnit:
        (found,) = select_tasks([str(self.card(task))], [])
        (unit,) = found.units(download=False)
        return unit

    def found(self, name: str, *, together: bool) -> dict[str, np.ndarray]:
        """Bench's vectors of each use, the texts of a use encoded together or each alone."""
        encoder, entry = self.encoder(name), self.entry(name)
        vectors = {}
        for use, wanted in USES.items():
            task = self.unit(wanted.task or BY_NAME[name].retrieval).prompt_task
            context = text_context(entry, encoder.profile, task, wanted.role or "text")
            batches = [wanted.texts] if together else [[text] for text in wanted.texts]
            vectors[use] = np.concatenate([encoder.embed(batch, context) for batch in batches])
        return vectors

    def difference(self, name: str) -> float:
        """The largest difference of a number in any vector of length 1, whatever texts are encoded together."""
        expected = self.expected(name)
        return max(
            float(np.abs(unit(found) - unit(expected[use])).max())
            for together in (True, False)
            for use, found in self.found(name, together=together).items()
        )


@contextmanager
def opened(root: Path) -> Iterator[Folders]:
    """Folders below a root, with one torch thread, and caches of the Hub and of bench below it too."""
    import torch
    from huggingface_hub import constants

    import_mteb()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        # Code of other repositories lies in the Hub's cache.
        patch.setattr(constants, "HF_HUB_CACHE", str(root / "hub"))
        patch.setenv("BENCH_CACHE", str(root / "cache"))
        patch.delenv("BENCH_DATA", raising=False)
        data.write_tasks(root / "tasks")
        # What mteb has in memory makes each of the many collections take a second.
        gc.freeze()
        try:
            yield Folders(root)
        finally:
            gc.unfreeze()
            torch.set_num_threads(threads)
