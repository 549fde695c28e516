"""Tiny models in the form of well-known families: bench's vectors are those of mteb's own wrapper of each family."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from models.families import data, reference
from models.families.catalog import FAMILIES, reference_of
from models.families.uses import USES
from running import run, values

from bench.errors import BenchError
from bench.models.encoder import SentenceEncoder
from bench.models.loading import load_encoder
from bench.models.prompts import text_context
from bench.models.registry import ModelEntry
from bench.models.source import locate
from bench.tasks.catalog import select_tasks
from bench.tasks.mteb_bridge import contained, import_mteb
from bench.tasks.unit import TaskUnit
from bench.vectors.quantise import fit
from bench.views import View

BY_NAME = {family.name: family for family in FAMILIES}
CLOSE = 1e-6
TASKS = ("SciFact", "STSBenchmark", "Banking77Classification")


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
        patch.setenv("BENCH_CACHE", str(root / "cache"))
        patch.delenv("BENCH_DATA", raising=False)
        data.write_tasks(root / "tasks")
        # What mteb has in memory makes each of the many collections take a second.
        gc.freeze()
        yield Folders(root)
        gc.unfreeze()
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
            found, right = unit(encode(USES[use].texts)), unit(expected[use])
            if found.shape == right.shape:
                assert (found * right).sum(axis=1).max() < 1 - 1e-4, (trap.name, use)


@families()
def test_texts_differ(folders, name):
    for use, vectors in folders.expected(name).items():
        cosines = unit(vectors) @ unit(vectors).T - np.eye(len(vectors))
        assert cosines.max() < 1 - 1e-4, use


@families()
def test_vectors_are_the_reference_s(folders, name):
    for together in (True, False):
        for use, found in folders.found(name, together=together).items():
            expected = folders.expected(name)[use]
            assert (found.dtype, found.shape) == (np.float32, expected.shape)
            np.testing.assert_allclose(unit(found), unit(expected), atol=CLOSE, rtol=0, err_msg=use)


@families(cut=True)
def test_vectors_are_the_reference_s_at_a_cut(folders, name):
    cut = BY_NAME[name].cut
    with contained():
        encode = reference_of(BY_NAME[name], folders.folder(name), cut)
    for use, found in folders.found(name, together=True).items():
        wanted = USES[use]
        with contained():
            expected = encode(wanted.texts, wanted.task or BY_NAME[name].retrieval, wanted.role)
        quantiser = fit(View(cut), "cosine", iter([found]))
        kept = quantiser.values(quantiser.codes(found))
        assert kept.shape == (len(wanted.texts), cut)
        np.testing.assert_allclose(unit(kept), unit(expected), atol=CLOSE, rtol=0, err_msg=use)


def test_a_run_over_all_scores_each_as_mteb_does(folders, monkeypatch, tmp_path):
    from mteb.abstasks import AbsTaskClassification

    monkeypatch.setattr(AbsTaskClassification, "n_experiments", 2)
    names = [family.name for family in FAMILIES if family.name != "M2V_base_output"]
    entries = [folders.entry(name) for name in names]
    _, failures, _ = run(entries, [folders.card(task) for task in TASKS], tmp_path)
    assert [str(failure.error) for failure in failures] == []
    main = {f"local {task}": (task, folders.unit(task).main_metric) for task in TASKS}
    found = {
        (model, main[task][0]): value
        for (model, _, (task, *_), _, metric), value in values(tmp_path).items()
        if metric == main[task][1]
    }
    assert len(found) == len(names) * len(TASKS)
    sources = {task: folders.card(task).with_suffix("") for task in TASKS}
    for name in names:
        with contained():
            encode = reference_of(BY_NAME[name], folders.folder(name))
            expected = reference.scores(encode, sources, tmp_path / "arrow")
        for task, score in expected.items():
            # mteb rounds scores of rankings to 5 decimals.
            assert found[name, task] == pytest.approx(score, abs=1e-5), (name, task)


@pytest.mark.parametrize("name", ["jina-embeddings-v3", "jina-embeddings-v5-text-small"])
def test_a_model_with_tasks_of_its_own_asks_for_them(folders, name):
    entry = folders.entry(name).model_copy(update={"task": {}})
    with pytest.raises(BenchError, match="Unsupported task 'query'") as caught:
        load_encoder(entry, locate(entry, download=False))
    assert "`task: {query: ..., document: ...}`" in caught.value.hint
