"""Tiny models in the form of well-known families: bench's vectors are those of mteb's own wrapper of each family."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from models.families.catalog import FAMILIES, reference_of
from models.families.uses import USES

from bench.tasks.mteb_bridge import contained, import_mteb

BY_NAME = {family.name: family for family in FAMILIES}


class Folders:
    """Folders of the families, each made when it is first asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = cache(self._folder)
        self.expected = cache(self._expected)

    def _folder(self, name: str) -> Path:
        return BY_NAME[name].build(self.root / name)

    def _expected(self, name: str) -> dict[str, np.ndarray]:
        """The reference's vectors of each use, of unit length."""
        family = BY_NAME[name]
        with contained():
            encode = reference_of(family, self.folder(name))
            return {
                use: unit(encode(wanted.texts, wanted.task or family.retrieval, wanted.role))
                for use, wanted in USES.items()
            }


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Iterator[Folders]:
    import torch
    from huggingface_hub import constants

    import_mteb()
    root = tmp_path_factory.mktemp("families")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        # Code of other repositories lies in the Hub's cache.
        patch.setattr(constants, "HF_HUB_CACHE", str(root / "hub"))
        yield Folders(root)
    torch.set_num_threads(threads)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def families(*, cut: bool = False) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", [family.name for family in FAMILIES if family.cut or not cut])


@families()
def test_other_ways_to_encode_give_other_vectors(folders, name):
    expected = folders.expected(name)
    for trap in BY_NAME[name].traps:
        encode = trap.open(folders.folder(name))
        for use in trap.uses:
            found = unit(encode(USES[use].texts))
            if found.shape == expected[use].shape:
                cosines = (found * expected[use]).sum(axis=1)
                assert cosines.max() < 1 - 1e-4, (trap.name, use)


@families()
def test_texts_differ(folders, name):
    for use, vectors in folders.expected(name).items():
        cosines = vectors @ vectors.T - np.eye(len(vectors))
        assert cosines.max() < 1 - 1e-4, use
