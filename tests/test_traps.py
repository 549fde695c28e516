"""The traps of docs/mteb.md that have no test of their own beside the code, and that each trap there has a test."""

import ast
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from mteb_folders import OWN_SCORING, TASKS, load, vectors_of
from support import ROOT, FakeEncoder

from bench.cost.process import run_probe
from bench.quality.mteb_engine import StoredEncoder, score_mteb
from bench.quality.pairs import similarities, spearman
from bench.tasks.data import RetrievalData
from bench.vectors.quantise import fit
from bench.views import View

PAGE = ROOT / "docs" / "mteb.md"


def test_every_dim_and_every_model_has_a_score_of_its_own(tmp_path, monkeypatch):
    """With mteb's cache of results, all dims of all models that it calls no_model_name/available share one score."""
    monkeypatch.setenv("MTEB_CACHE", str(tmp_path / "mteb"))
    data = load("SummEvalSummarization.v2", tmp_path / "hub")
    views = [View(dim) for dim in (32, 24, 16, 8)]
    found = [
        scores.metrics["cosine_spearman"].value
        for salt in ("one model", "other weights")
        for _, scores in score_mteb(data, vectors_of(FakeEncoder(32, salt)), views, "cosine")
    ]
    assert len(set(found)) == 8
    assert not list(Path(os.environ["MTEB_CACHE"]).rglob("*.json"))


def test_mteb_gets_a_new_dictionary_of_arguments_each_time(tmp_path):
    """It changes the one it is given."""
    data = load("SprintDuplicateQuestions", tmp_path / "hub")
    given = []

    def evaluate(self, model, split, subsets, *, encode_kwargs):
        given.append(dict(encode_kwargs))
        encode_kwargs.clear()
        return {"default": {"max_ap": 0.5}}

    class Spy(type(data.task)):
        pass

    Spy.evaluate = evaluate
    data.task.__class__ = Spy
    list(score_mteb(data, vectors_of(FakeEncoder(16)), [View(16), View(8)], "cosine"))
    assert len(given) > 1
    assert all(arguments == given[0] for arguments in given)
    # Precision is no argument of mteb's: views are made before it sees a vector.
    assert set(given[0]) == {"batch_size", "show_progress_bar"}


def test_binary_is_compared_by_its_signs_not_by_packed_bytes(tmp_path):
    """The average precision of a pair task is that of 1 - 2 * Hamming distance / dimensions."""
    from sklearn.metrics import average_precision_score

    data, encoder = load("SprintDuplicateQuestions", tmp_path / "hub"), FakeEncoder(16)
    ((_, found),) = score_mteb(data, vectors_of(encoder), [View(16, "binary")], "cosine")
    row = data.task.dataset["test"][0]
    first, second = ([encoder.vector(text) > 0 for text in row[name]] for name in ("sentence1", "sentence2"))
    scores = [1 - 2 * np.count_nonzero(a != b) / 16 for a, b in zip(first, second, strict=True)]
    expected = average_precision_score(row["labels"], scores)
    assert found.metrics["cosine_ap"].value == pytest.approx(expected)
    assert len(set(scores)) > 3


def test_int8_is_compared_by_the_values_of_its_codes():
    """Cosines of int8 values follow those of float32; those of raw codes, each side calibrated apart, do not."""
    rng = np.random.default_rng(0)
    first = (rng.normal(size=(300, 16)) * rng.uniform(0.1, 2, 16) + rng.normal(size=16)).astype(np.float32)
    second = (first[rng.permutation(300)] + rng.normal(size=(300, 16))).astype(np.float32)
    texts = {f"a{row}": first[row] for row in range(300)} | {f"b{row}": second[row] for row in range(300)}

    def lookup(names, role):
        return np.stack([texts[name] for name in names])

    whole = StoredEncoder(lookup, "cosine")
    whole.encode([{"text": list(texts)}])
    encoder = StoredEncoder(lookup, "cosine", fit(View(16, "int8"), "cosine", whole.ranges_from()))
    sides = [encoder.encode([{"text": [name for name in texts if name[0] == side]}]) for side in "ab"]
    exact = similarities(first, second)["cosine"]
    assert spearman(similarities(*sides)["cosine"], exact) > 0.99
    raw = [np.rint((side - side.min(0)) / (side.max(0) - side.min(0)) * 255 - 128) for side in (first, second)]
    assert spearman(similarities(*raw)["cosine"], exact) < 0.97


def test_a_title_stands_once_before_its_text(tmp_path):
    """What mteb's loader hands over, with candidates to rank, is what bench's own scoring of the corpus takes."""
    plain, ranked = load("SciFact", tmp_path / "plain"), load("AskUbuntuDupQuestions", tmp_path / "ranked")
    assert isinstance(plain, RetrievalData)
    seen = {}

    def keep(texts, role):
        seen.setdefault(role, set()).update(texts)
        return vectors_of(FakeEncoder(8))(texts, role)

    list(score_mteb(ranked, keep, [View(8)], "cosine"))
    assert seen["document"] == set(plain.documents)
    assert seen["query"] == set(plain.queries)


@pytest.fixture
def probe(tmp_path, monkeypatch):
    """Writes a probe module and returns its name."""

    def write(name, body):
        (tmp_path / f"{name}.py").write_text(
            "from bench.cost.answer import Answer\nfrom bench.cost.memory import peak_rss_mib\nimport time\n"
            f"def probe(job):\n    {body}\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return name

    return write


@pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")
def test_a_childs_peak_memory_is_not_its_parents(probe):
    """ru_maxrss of a child starts at its parent's peak, VmHWM does not."""
    name = probe("memory_probe", "return Answer(settings={'peak': peak_rss_mib()})")
    alone = run_probe(name, {}).settings["peak"]
    block = np.ones(400 << 17)
    beside = run_probe(name, {}).settings["peak"]
    assert block.nbytes >> 20 == 400
    assert beside == pytest.approx(alone, abs=40)


@pytest.mark.skipif(not hasattr(os, "WNOHANG"), reason="how Windows waits cannot be seen")
def test_waiting_for_a_probe_takes_no_processor_time(probe, monkeypatch):
    """A parent that polls slows its child's calls down: this one is woken by the system when the child has ended."""
    waited = []
    waitpid = os.waitpid

    def listening(pid, options):
        waited.append(options)
        return waitpid(pid, options)

    monkeypatch.setattr(os, "waitpid", listening)
    run_probe(probe("idle_probe", "return Answer()"), {})
    assert waited
    assert not any(options & os.WNOHANG for options in waited)


def named_tests():
    """(trap, file, test) of every row of the page's table of traps."""
    table = PAGE.read_text(encoding="utf-8").split("## Traps")[1]
    rows = [line.strip("| \n").split(" | ") for line in table.splitlines() if line.startswith("| ")][2:]
    return [
        (trap, *reference)
        for trap, tests in rows
        for reference in re.findall(r"`([\w/.]+)::(\w+)`", tests) or [("", "")]
    ]


def test_every_trap_names_tests_that_exist():
    found = named_tests()
    assert len({trap for trap, _, _ in found}) >= 18
    for trap, file, name in found:
        assert file, f"no test named: {trap}"
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"


def test_every_type_in_the_page_is_tested():
    """The page's table of types against the tasks that the parity tests run."""
    table = PAGE.read_text(encoding="utf-8").split("## Which scoring")[1].split("##")[0]
    named = set(re.findall(r"`([\w.-]+)`", table))
    assert set(TASKS) <= named
    assert set(OWN_SCORING) <= set(TASKS)
