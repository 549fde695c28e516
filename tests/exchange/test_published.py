import json

import pytest

from bench.errors import BenchError, UsageError
from bench.exchange.published import PublishedScores, find_publications, read_task

SCORES = {"hf_subset": "en-en", "languages": ["eng-Latn"], "cosine_spearman": 0.5, "main_score": 0.5}
COMMIT = "8b3219a92973c328a8e22fadcfa821b5dc75636a"


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def result(name="STS17", scores=None, **more):
    return {"task_name": name, "dataset_revision": "abc", "mteb_version": "1.12.75", **more} | {
        "scores": scores or {"test": [SCORES]}
    }


def test_a_result_file(tmp_path):
    legacy = SCORES | {"pearson": [0.25, 1e-9], "mteb_version": "1.12.75", "evaluation_time": 3.5}
    task = read_task(write(tmp_path / "STS17.json", result(scores={"test": [legacy], "train": [SCORES]})))
    assert (task.name, task.dataset_revision) == ("STS17", "abc")
    assert task.splits == ["test", "train"]
    assert task.scores[0] == PublishedScores(
        "test", "en-en", {"cosine_spearman": 0.5, "main_score": 0.5, "pearson": 0.25}
    )
    assert task.scores[1].split == "train"


def test_what_is_no_number_keeps_its_name(tmp_path):
    path = tmp_path / "Odd.json"
    entry = '{"main_score": null, "a": NaN, "b": [1, 2], "c": true, "d": 1e999, "e": 2, "f": 1' + "0" * 400 + "}"
    path.write_text('{"scores": {"test": [' + entry + "]}}")
    (scores,) = read_task(path).scores
    assert scores.subset == "default"
    assert scores.metrics == {"e": 2.0}
    assert set(scores.unreadable) == {"main_score", "a", "b", "c", "d", "f"}
    assert scores.unreadable["b"] == "the published value is no number"
    assert scores.unreadable["f"] == "the published value is not finite"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"mteb_dataset_name": "STS17", "test": {"cos_sim": {"spearman": 0.5}}}, "too old a format"),
        ({"mteb_version": "1.0.2", "test": {"cos_sim": {"spearman": 0.5}}}, "too old a format"),
        ({"task_name": "\ud800", "scores": {}}, "half of a surrogate pair"),
        ({"name": "something else"}, "no key `scores`"),
        ([1], "expected a JSON object"),
        ({"scores": [1]}, "`scores` should be"),
        ({"scores": {"test": {"en-en": {}}}}, "`scores.test` should be"),
        ({"scores": {"test": [SCORES, 3]}}, "`scores.test[1]` should be"),
        ({"scores": {"test": [SCORES, SCORES]}}, "`en-en` stands twice"),
    ],
)
def test_what_is_no_result_says_so(tmp_path, content, words):
    path = write(tmp_path / "STS17.json", content)
    with pytest.raises(BenchError) as error:
        read_task(path)
    assert words in str(error.value)
    assert str(path) in str(error.value)


def test_broken_json_says_so(tmp_path):
    path = tmp_path / "STS17.json"
    path.write_text("{")
    with pytest.raises(BenchError, match="not JSON"):
        read_task(path)


def test_a_flat_folder_is_named_by_its_model_file(tmp_path):
    write(tmp_path / "any" / "STS17.json", result())
    write(tmp_path / "any" / "model_meta.json", {"name": "owner/mini", "revision": COMMIT})
    (found,) = find_publications(tmp_path / "any")
    assert (found.model, found.revision) == ("owner/mini", COMMIT)
    assert [read_task(path).name for path in found.files] == ["STS17"]
    (alone,) = find_publications(tmp_path / "any" / "STS17.json")
    assert alone.model == "owner/mini"
    assert alone.files == [tmp_path / "any" / "STS17.json"]


def test_a_repository_is_named_by_its_folders(tmp_path):
    write(tmp_path / "results" / "owner__mini" / COMMIT / "STS17.json", result())
    write(tmp_path / "results" / "owner__mini" / COMMIT / "experiments" / "embed_dim_8" / "STS17.json", result())
    write(tmp_path / "results" / "other__big_one" / "no_revision_available" / "STS17.json", result())
    write(tmp_path / ".git" / "odd.json", {})
    found = {item.model: item.revision for item in find_publications(tmp_path)}
    assert found == {"owner/mini": COMMIT, "other/big_one": None}
    assert all(len(item.files) == 1 for item in find_publications(tmp_path))


def test_a_folder_that_names_no_model(tmp_path):
    write(tmp_path / "STS17.json", result())
    assert find_publications(tmp_path)[0].model is None


@pytest.mark.parametrize("inside", [None, "model_meta.json"])
def test_nothing_published(tmp_path, inside):
    if inside:
        write(tmp_path / inside, {})
    with pytest.raises(UsageError):
        find_publications(tmp_path if inside else tmp_path / "nowhere")
