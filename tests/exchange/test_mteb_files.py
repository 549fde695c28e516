"""What we write as MTEB's files, read back by mteb itself."""

import json
import random

import numpy as np
import pytest
from support import ROOT, quality_record

from bench.errors import BenchError
from bench.exchange.collect import collect
from bench.exchange.mteb_files import UNKNOWN_LANGUAGE, write_exports
from bench.exchange.published import find_publications, read_task
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.views import View

COMMIT = "8b3219a92973c328a8e22fadcfa821b5dc75636a"


@pytest.fixture
def results(tmp_path):
    """A results folder and the way to add records to it."""
    store = ResultStore(tmp_path / "results")

    def add(model="mini", *, source=None, revision=None, task=None, **record):
        found = quality_record(model, **record)
        info = {"source": source or found.model.source, "revision": revision, "similarity": "cosine"}
        found = found.model_copy(
            update={
                "model": found.model.model_copy(update=info),
                "task": found.task.model_copy(update=task or {}),
            }
        )
        store.write_quality(found, {"value": [1.0]})

    add.store = store
    return add


def export(results, output, **chosen):
    overwrite = chosen.pop("overwrite", False)
    index = ResultIndex(results.store.records())
    return write_exports(collect(index, **chosen), output, overwrite=overwrite)


def loaded(output, **arguments):
    """By model, revision and experiment, the task results that mteb finds."""
    from bench.mteb_import import import_mteb

    mteb = import_mteb()
    found = mteb.ResultCache(output).load_results(**{"load_experiments": "match_name"} | arguments)
    return {
        (result.model_name, result.model_revision, result.model_meta.experiment_name): {
            task.task_name: task for task in result.task_results
        }
        for result in found.model_results
    }


def test_main_scores_come_back(results, tmp_path):
    views = {(8, "float32"): 0.123456, (4, "float32"): 0.2, (8, "int8"): 0.3, (4, "binary"): 0.4}
    results(views=views, width=8)
    export(results, tmp_path / "out")
    found = loaded(tmp_path / "out")
    revision = "f" * 32
    assert {key: tasks["shop"].main_score for key, tasks in found.items()} == pytest.approx(
        {
            ("bench/mini", revision, None): 0.123456,
            ("bench/mini", revision, "embed_dim_4"): 0.2,
            ("bench/mini", revision, "output_dtypes_int8"): 0.3,
            ("bench/mini", revision, "embed_dim_4__output_dtypes_binary"): 0.4,
        }
    )
    task = found["bench/mini", revision, None]["shop"]
    assert task.evaluation_time is None
    assert task.dataset_revision == "d" * 32
    assert task.scores["test"][0]["languages"] == [UNKNOWN_LANGUAGE]
    assert task.scores["test"][0]["ndcg_at_10"] == 0.123456
    assert task.date.isoformat() == "2026-01-01T00:00:00+00:00"


def test_an_experiment_is_asked_for_as_mteb_asks(results, tmp_path):
    results(views={(8, "float32"): 0.5, (4, "int8"): 0.25}, width=8)
    export(results, tmp_path / "out")
    wanted = {"embed_dim": 4, "output_dtypes": "int8"}
    (tasks,) = loaded(tmp_path / "out", load_experiments="match_kwargs", experiment_kwargs=wanted).values()
    assert tasks["shop"].main_score == 0.25


def test_splits_and_subsets_are_one_file(results, tmp_path):
    scores = {("test", "en-en"): 0.5, ("test", "ko-ko"): 0.25, ("train", "en-en"): 0.75}
    for number, ((split, subset), value) in enumerate(scores.items()):
        task = {"split": split, "subset": subset, "mteb": "STS17", "revision": "abc"}
        results(
            metric="cosine_spearman", views={(8, "float32"): value}, task=task, data=str(number) * 32,
            created=f"2026-01-0{number + 1}T00:00:00+00:00",
        )  # fmt: skip
    written = export(results, tmp_path / "out")
    assert sorted(path.name for path in written) == ["STS17.json", "model_meta.json"]
    (tasks,) = loaded(tmp_path / "out").values()
    task = tasks["STS17"]
    found = {(split, row["hf_subset"]): row["main_score"] for split, rows in task.scores.items() for row in rows}
    assert found == scores
    assert task.dataset_revision == "abc"
    assert {row["hf_subset"]: row["languages"] for row in task.scores["test"]} == {
        "en-en": ["eng-Latn"],
        "ko-ko": ["kor-Hang"],
    }
    # mteb keeps the split that its STS17 evaluates, whose mean over both subsets is (0.5 + 0.25) / 2.
    assert task.get_score(splits=["test"]) == 0.375


def test_data_without_a_revision_is_known_by_its_content(results, tmp_path):
    def revision(folder):
        return json.loads(next((tmp_path / folder).rglob("shop.json")).read_text())["dataset_revision"]

    results(task={"subset": "a"})
    export(results, tmp_path / "one")
    results(task={"subset": "b", "fingerprint": "e" * 32})
    export(results, tmp_path / "two")
    results(task={"subset": "b", "fingerprint": "c" * 32}, created="2027-01-01T00:00:00+00:00")
    export(results, tmp_path / "three")
    assert revision("one") == "d" * 32
    assert len({revision("one"), revision("two"), revision("three")}) == 3


def test_a_hub_model_keeps_its_name(results, tmp_path):
    results(source="hub:owner/mini-L6", revision=COMMIT)
    export(results, tmp_path / "out")
    assert (tmp_path / "out" / "results" / "owner__mini-L6" / COMMIT / "shop.json").is_file()
    assert set(loaded(tmp_path / "out", models=["owner/mini-L6"])) == {("owner/mini-L6", COMMIT, None)}


def test_two_models_never_share_a_folder(results, tmp_path):
    # One repository with two sets of prompts, say, and two names that one file name stands for.
    results("plain", source="hub:owner/mini", revision=COMMIT, fingerprint="a" * 32)
    results("prompted", source="hub:owner/mini", revision=COMMIT, fingerprint="b" * 32)
    results("odd name", fingerprint="c" * 32)
    results("odd/name", fingerprint="e" * 32)
    export(results, tmp_path / "out")
    assert set(loaded(tmp_path / "out")) == {
        ("bench/plain", "a" * 32, None),
        ("bench/prompted", "b" * 32, None),
        ("bench/odd_name", "c" * 32, None),
        ("bench/odd_name", "e" * 32, None),
    }


def test_odd_names_stay_inside_the_folder(results, tmp_path):
    results("../../mo:del ü", source="hub:../..", revision="../..", task={"name": "../ta sk"})
    written = export(results, tmp_path / "out")
    assert all(path.resolve().is_relative_to(tmp_path / "out" / "results") for path in written)
    ((name, _, _),) = loaded(tmp_path / "out")
    (tasks,) = loaded(tmp_path / "out", models=[name], tasks=["ta_sk"]).values()
    assert tasks["ta_sk"].main_score == 0.5


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("ta sk", "ta/sk", "the same file"),
        ("shop", "model_meta", "keeps the name model_meta.json"),
    ],
)
def test_two_tasks_never_share_a_file(results, tmp_path, first, second, words):
    for task in (first, second):
        results(task={"name": task})
    with pytest.raises(BenchError, match=words):
        export(results, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    export(results, tmp_path / "out", tasks=[first])
    assert (tmp_path / "out").exists()


def test_only_current_results(results, tmp_path):
    results(fingerprint="a" * 32, views={(8, "float32"): 0.1})
    results(fingerprint="b" * 32, views={(8, "float32"): 0.2}, created="2026-02-01T00:00:00+00:00")
    export(results, tmp_path / "out")
    ((key, tasks),) = loaded(tmp_path / "out").items()
    assert key[1] == "b" * 32
    assert tasks["shop"].main_score == 0.2


def test_only_what_is_asked_for(results, tmp_path):
    for model in ("mini", "maxi"):
        for task in ("shop", "talk"):
            results(model, task={"name": task}, fingerprint=model[:2] * 16)
    export(results, tmp_path / "out", models=["mini"], tasks=["talk"])
    ((key, tasks),) = loaded(tmp_path / "out").items()
    assert key[0] == "bench/mini"
    assert set(tasks) == {"talk"}


def test_nothing_is_overwritten_silently(results, tmp_path):
    results()
    assert all(export(results, tmp_path / "out").values())
    assert not any(export(results, tmp_path / "out").values())
    path = next((tmp_path / "out").rglob("shop.json"))
    before = path.read_bytes()
    results(views={(8, "float32"): 0.75}, created="2026-02-01T00:00:00+00:00")
    with pytest.raises(BenchError, match="other content"):
        export(results, tmp_path / "out")
    assert path.read_bytes() == before
    assert export(results, tmp_path / "out", overwrite=True) == {path: True, path.with_name("model_meta.json"): False}
    (tasks,) = loaded(tmp_path / "out").values()
    assert tasks["shop"].main_score == 0.75


def test_a_task_that_mteb_does_not_know(results, tmp_path):
    results(task={"mteb": "SciFactt"})
    with pytest.raises(BenchError, match="no task `SciFactt`") as error:
        export(results, tmp_path / "out")
    assert "did you mean `SciFact" in str(error.value)


def test_a_main_score_that_bench_has_not(results, tmp_path):
    # mteb ranks models on SciFact by nDCG@10.
    results(metric="recall_at_5", task={"mteb": "SciFact", "type": "retrieval"})
    with pytest.raises(BenchError, match="ndcg_at_10"):
        export(results, tmp_path / "out")


def test_a_baseline(results, tmp_path):
    results("bm25", kind="baseline", source="bm25s", width=None, views={(None, None): 0.5})
    export(results, tmp_path / "out")
    ((key, tasks),) = loaded(tmp_path / "out").items()
    assert key == ("bench/bm25", "f" * 32, None)
    assert tasks["shop"].main_score == 0.5


def test_bench_reads_what_it_wrote(results, tmp_path):
    results(source="hub:owner/mini", revision=COMMIT, views={(8, "float32"): 0.5, (4, "float32"): 0.25}, width=8)
    export(results, tmp_path / "out")
    (publication,) = find_publications(tmp_path / "out")
    assert (publication.model, publication.revision) == ("owner/mini", COMMIT)
    (task,) = map(read_task, publication.files)
    assert task.scores[0].metrics == {"main_score": 0.5, "ndcg_at_10": 0.5}


def test_the_random_generators_go_on_as_they_were(results, tmp_path):
    results()
    random.seed(1)
    np.random.seed(1)
    expected = random.Random(1).random(), np.random.RandomState(1).random()
    export(results, tmp_path / "out")
    assert (random.random(), np.random.random()) == expected


def test_the_committed_results_can_be_exported(tmp_path):
    index = ResultIndex(ResultStore(ROOT / "results").records())
    write_exports(collect(index), tmp_path)
    found = {(key[0].split("/")[1], key[2]): tasks for key, tasks in loaded(tmp_path).items()}
    checked = 0
    for (model, _, unit, _, view), cell in index.cells.items():
        whole = view is None or view == View(cell.record.model.width)
        if not index.superseded(cell.record) and whole:
            value = cell.record.views[cell.position].metrics[cell.record.task.main_metric].value
            rows = found[model, None][cell.record.task.mteb or unit[0]].scores[unit[1]]
            main = {row["hf_subset"]: row["main_score"] for row in rows}
            assert main[unit[2]] == pytest.approx(value, abs=1e-6)
            checked += 1
    assert checked > 2
