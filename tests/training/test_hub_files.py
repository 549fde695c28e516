"""Training data from the Hub: where its files are looked for, and how much of them is read."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from hub_folders import COMMIT, in_hub_cache, put_online
from support import write_jsonl, write_parquet

from bench.cli import run_cli
from bench.errors import BenchError
from bench.hub import NotDownloadedError
from bench.tasks.readers.delimited import Format
from bench.tasks.readers.files import local_files
from bench.tasks.readers.rows import read_rows
from bench.training.data import TaskFinder
from bench.training.identity import prepare

DATA = {"hub": "org/sets", "files": "triplet/train-*.parquet", "shape": "triplets"}
ROWS = [{"anchor": f"red {n}", "positive": f"blue {n}", "negative": f"green {n}"} for n in range(40)]


@pytest.fixture(autouse=True)
def _empty(hub_cache, monkeypatch):
    monkeypatch.delenv("BENCH_DATA", raising=False)


@pytest.fixture
def repository(tmp_path):
    """Two parts of 20 rows, in row groups of 4, and a file of another configuration."""
    folder = tmp_path / "repository"
    for part in range(2):
        name = f"triplet/train-{part:05d}-of-00002.parquet"
        write_parquet(folder / name, ROWS[20 * part : 20 * part + 20], group=4)
    write_jsonl(folder / "pair" / "train.jsonl", [{"anchor": "a", "positive": "b"}])
    return folder


def prepared(workshop, *, download=False, data=DATA, **changes):
    entry = workshop.entries(made={"data": data, **changes})["made"]
    return prepare(entry, TaskFinder(workshop.find.folders, download))


def anchors(found):
    return found.sets[0].columns["query"]


@pytest.mark.parametrize("name", ["sets", "other"])
def test_the_folder_in_bench_data_goes_first(workshop, tmp_path, monkeypatch, hub_cache, repository, name):
    in_hub_cache(hub_cache, "org/sets", repository)
    data = DATA | ({} if name == "sets" else {"folder": name})
    local = tmp_path / "data" / name / "triplet" / "train-00000-of-00001.parquet"
    write_parquet(local, [{**ROWS[0], "anchor": f"mine {n}"} for n in range(9)])
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
    assert anchors(prepared(workshop, data=data))[0] == "mine 0"
    local.unlink()
    assert anchors(prepared(workshop, data=data)) == [row["anchor"] for row in ROWS]


def test_where_the_rows_come_from_makes_no_other_model(workshop, tmp_path, monkeypatch, hub_cache, repository):
    online = put_online(monkeypatch, "org/sets", repository)
    far = prepared(workshop, download=True, limit=30)
    assert online[-1] == "triplet/train-00001-of-00002.parquet"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    in_hub_cache(hub_cache, "org/sets", repository)
    cached = prepared(workshop, limit=30, data=DATA | {"revision": COMMIT})
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
    repository.rename(workshop.folder / "own")
    (tmp_path / "data").mkdir()
    (workshop.folder / "own").rename(tmp_path / "data" / "sets")
    local = prepared(workshop, limit=30)
    files = prepared(workshop, limit=30, data={"files": "sets/triplet/*.parquet", "shape": "triplets"})
    assert len({found.identity for found in (far, cached, local, files)}) == 1
    assert prepared(workshop, limit=29).identity != local.identity


def test_a_limit_reads_no_more_than_it_needs(workshop, monkeypatch, repository):
    first, second = sorted((repository / "triplet").iterdir())
    second.write_bytes(b"never opened")
    # The first part's last rows are broken, which only reading them tells.
    content = first.read_bytes()
    last = pq.ParquetFile(first).metadata.row_group(4).column(0)
    start = last.dictionary_page_offset or last.data_page_offset
    first.write_bytes(content[:start] + bytes(8) + content[start + 8 :])
    with pytest.raises(BenchError, match=r"cannot read|broken Parquet"):
        list(read_rows(local_files(first)([first.name])[0], lambda found: found, Format()))
    opened = put_online(monkeypatch, "org/sets", repository)
    assert anchors(prepared(workshop, download=True, limit=10)) == [f"red {n}" for n in range(10)]
    assert opened == [f"triplet/{first.name}"]


def test_all_rows_are_downloaded_once_and_only_their_files(workshop, monkeypatch, hub_cache, repository):
    from huggingface_hub.errors import LocalEntryNotFoundError

    asked = []
    (repository / "triplet").rename(repository / "parts")

    def download(repo, *, local_files_only=False, **options):
        snapshot = hub_cache / "datasets--org--sets" / "snapshots" / COMMIT
        if not snapshot.exists() and local_files_only:
            raise LocalEntryNotFoundError("not here")
        if not local_files_only:
            asked.append({"repo": repo, **options})
            in_hub_cache(hub_cache, repo, repository)
        return str(snapshot)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    monkeypatch.setattr("huggingface_hub.HfApi.repo_info", lambda *_, **__: None)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    data = DATA | {"revision": COMMIT, "files": ["parts/train-*.parquet", "parts/**/dev.csv"]}
    (repository / "parts" / "dev.csv").write_text("anchor,positive,negative\na,b,c\n")
    for _ in range(2):
        assert len(anchors(prepared(workshop, download=True, data=data))) == 41
    # To the Hub's client `**/` is at least one folder.
    patterns = ["parts/train-*.parquet", "parts/**/dev.csv", "parts/dev.csv"]
    assert asked == [{"repo": "org/sets", "repo_type": "dataset", "revision": COMMIT, "allow_patterns": patterns}]


def test_a_plan_does_not_download(workshop, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with pytest.raises(NotDownloadedError, match="org/sets has to be downloaded from the Hub first"):
        prepared(workshop)


@pytest.mark.parametrize("command", [["models"], ["run", "--dry-run", "--tasks", "talk", "--model", "made"]])
def test_commands_that_only_look_do_not_download(workshop, monkeypatch, capsys, command):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.HfApi.repo_info", lambda *_, **__: pytest.fail("asked the Hub"))
    workshop.entries(made={"data": DATA})
    monkeypatch.chdir(workshop.folder)
    run_cli(command)
    printed = capsys.readouterr()
    text = " ".join((printed.out + printed.err).split())
    assert "org/sets has to be downloaded from the Hub first" in text
    if "run" in command:
        assert "a run without --dry-run downloads it" in text


@pytest.mark.parametrize("limit", [None, 10])
def test_offline_it_says_what_is_needed_and_where_to_put_it(workshop, tmp_path, monkeypatch, limit):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "sets" / "pair").mkdir(parents=True)
    with pytest.raises(BenchError) as caught:
        prepared(workshop, limit=limit)
    error = caught.value
    assert error.where == "model `made`"
    assert "not available: needs org/sets (triplet/train-*.parquet)" in error.message
    assert f"{tmp_path}/data/sets: no file triplet/train-*.parquet" in error.message
    assert "org/sets is not in the Hub's local cache" in error.message
    assert error.hint == f"put it into {tmp_path}/data/sets or go online"


@pytest.mark.parametrize("broken", ["a part", "another configuration"])
def test_a_cache_that_lacks_a_file_does_not_count(workshop, hub_cache, repository, broken):
    snapshot = in_hub_cache(hub_cache, "org/sets", repository)
    (snapshot / "triplet" / "train-00001-of-00002.parquet").unlink()
    if broken == "another configuration":
        (snapshot / "triplet" / "train-00000-of-00002.parquet").unlink()
    with pytest.raises(BenchError, match="needs org/sets"):
        prepared(workshop)


def test_another_revision_than_the_cached_one(workshop, hub_cache, repository):
    in_hub_cache(hub_cache, "org/sets", repository)
    with pytest.raises(BenchError, match="needs org/sets"):
        prepared(workshop, data=DATA | {"revision": "f" * 40})


def test_a_network_that_breaks_while_rows_are_read(workshop, monkeypatch, repository):
    put_online(monkeypatch, "org/sets", repository)

    def broken(*_):
        raise RuntimeError("no answer")

    monkeypatch.setattr("huggingface_hub.HfFileSystem.open", broken)
    with pytest.raises(BenchError, match="could not get org/sets from the Hub: no answer"):
        prepared(workshop, download=True, limit=10)


def test_what_it_is_called(workshop, hub_cache, repository):
    in_hub_cache(hub_cache, "org/sets", repository)
    assert prepared(workshop).sets[0].label == "org/sets: triplet/train-*.parquet"
