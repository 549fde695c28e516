"""Tiny models in the form of well-known families: bench's vectors are those of mteb's own wrapper of each family."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import yaml
from models.families import reference
from models.families.catalog import FAMILIES, reference_of
from models.families.compared import BY_NAME, Folders, opened, unit
from models.families.table import PAGE, differences, lines, shown, table
from models.families.uses import USES
from running import run, values

from bench.errors import BenchError
from bench.models.loading import load_encoder
from bench.models.prompts import Instruction, PromptTask, text_context
from bench.models.source import locate
from bench.tasks.mteb_bridge import contained, mteb_instruction
from bench.vectors.quantise import fit
from bench.views import View

CLOSE = 1e-6
TASKS = ("SciFact", "STSBenchmark", "Banking77Classification")
# One of each type of mteb's, with the roles in which it encodes texts.
TYPES = {
    "NFCorpus": ("query", "document"),
    "CosQA": ("query", "document"),
    "AskUbuntuDupQuestions": ("query", "document"),
    "IFIRScifact": ("query", "document"),
    "Core17InstructionRetrieval": ("query", "document"),
    "TwentyNewsgroupsClustering.v2": (None,),
    "SprintDuplicateQuestions": (None,),
    "BUCC.v2": (None,),
    "SummEvalSummarization.v2": (None,),
    "STS17": (None,),
    "DBpediaClassification": (None,),
    "BrazilianToxicTweetsClassification": (None,),
    "RuSciBenchCitedCountRegression": (None,),
}
# mteb has prompts of these for types of tasks, or asks the task.
BY_TYPE = (
    "multilingual-e5-large-instruct", "Qwen3-Embedding-0.6B", "BMRetriever-410M", "stella_en_400M_v5",
    "KaLM-embedding-mini-instruct-v1", "embeddinggemma-300m", "nomic-embed-text-v1.5", "modernbert-embed-base",
    "ruri-v3-30m", "jina-embeddings-v3", "jina-embeddings-v5-text-small", "FRIDA",
)  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Iterator[Folders]:
    with opened(tmp_path_factory.mktemp("families")) as found:
        yield found


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
                assert (found * right).sum(axis=1).max() < 1 - 1e-5, (trap.name, use)


@families()
def test_texts_differ(folders, name):
    for use, vectors in folders.expected(name).items():
        cosines = unit(vectors) @ unit(vectors).T - np.eye(len(vectors))
        assert cosines.max() < 1 - 1e-4, use


@families()
def test_vectors_are_the_reference_s(folders, name):
    for use, found in folders.found(name, together=True).items():
        assert (found.dtype, found.shape) == (np.float32, folders.expected(name)[use].shape)
    assert folders.difference(name) <= CLOSE


@families()
def test_the_table_of_families_is_up_to_date(folders, name):
    """`PYTHONPATH=tests python -m models.families` writes it."""
    text = shown(PAGE.read_text(encoding="utf-8"))
    stated = differences(text)
    assert text == table(stated)
    assert (yaml.safe_load("\n".join(lines(BY_NAME[name]))) or {}) == BY_NAME[name].entry
    # Rounding differs between machines.
    assert folders.difference(name) <= max(10 * float(stated[name]), CLOSE / 2)


@pytest.mark.parametrize("name", BY_TYPE)
def test_every_type_of_tasks_has_the_prompt_of_mteb(folders, name):
    import mteb

    texts, entry, encoder = USES["query"].texts[:2], folders.entry(name), folders.encoder(name)
    with contained():
        encode = reference_of(BY_NAME[name], folders.folder(name))
    for task, roles in TYPES.items():
        with contained():
            kind = mteb.get_task(task).metadata.type

        def stated(role, task=task):
            text = mteb_instruction(task, role)
            return None if text is None else Instruction(text, "mteb")

        for role in roles:
            with contained():
                expected = encode(texts, task, role)
            context = text_context(entry, encoder.profile, PromptTask((task,), kind, stated), role or "text")
            found = encoder.embed(texts, context)
            np.testing.assert_allclose(unit(found), unit(expected), atol=CLOSE, rtol=0, err_msg=f"{task} {role}")


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


def test_a_run_over_all_scores_as_mteb_does_or_refuses(folders, monkeypatch, tmp_path):
    from mteb.abstasks import AbsTaskClassification

    monkeypatch.setattr(AbsTaskClassification, "n_experiments", 2)
    names = [family.name for family in FAMILIES]
    entries = [folders.entry(name) for name in names]
    without_trust = [
        entry.model_copy(update={"name": f"{entry.name} without trust", "trust_remote_code": False})
        for entry in entries
        if entry.trust_remote_code
    ]
    _, failures, _ = run([*entries, *without_trust], [folders.card(task) for task in TASKS], tmp_path)
    assert [failure.model for failure in failures] == [entry.name for entry in without_trust]
    assert all("trust_remote_code" in str(failure.error.hint) for failure in failures)
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
