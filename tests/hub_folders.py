"""Makers of repositories of the Hugging Face Hub: data sets in its layouts, caches of its client, a Hub online."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HOME_DEPOT_ROWS = 74_067


def fill_hub_cache(
    cache: Path, repo: str, model: Path, commit: str = COMMIT, ref: str = "main", *, listed: bool = True
) -> Path:
    """Put a model into a cache as the Hub's client does: blobs by content, linked from a snapshot.

    Args:
        cache: The cache.
        repo: The repository.
        model: Its files.
        commit: Their commit.
        ref: The branch or tag.
        listed: Whether the client has listed the repository's files, as it does when it downloads all of them.
    """
    home = cache / f"models--{repo.replace('/', '--')}"
    snapshot = home / "snapshots" / commit
    (home / "blobs").mkdir(parents=True)
    for source in (path for path in model.rglob("*") if path.is_file()):
        content = source.read_bytes()
        blob = home / "blobs" / hashlib.sha256(content).hexdigest()
        blob.write_bytes(content)
        link = snapshot / source.relative_to(model)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    (home / "refs").mkdir()
    (home / "refs" / ref).write_text(commit)
    if listed:
        list_files(snapshot)
    return snapshot


def list_files(snapshot: Path, *more: str) -> None:
    """Write the list of a repository's files that the Hub's client keeps beside its snapshots.

    Args:
        snapshot: The snapshot, whose files are listed.
        more: Names of further files of the repository.
    """
    names = [*(path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()), *more]
    files = {name: {"size": 1, "blob_id": "0" * 40} for name in names}
    trees = snapshot.parents[1] / "trees"
    trees.mkdir(exist_ok=True)
    (trees / f"{snapshot.name}.json").write_text(json.dumps({"format_version": 1, "files": files}))


def in_hub_cache(cache: Path, repo: str, folder: Path, commit: str = COMMIT) -> Path:
    """Copy a data set's files into a cache, as huggingface_hub lays them out."""
    root = cache / f"datasets--{repo.replace('/', '--')}"
    snapshot = root / "snapshots" / commit
    shutil.copytree(folder, snapshot)
    (root / "refs").mkdir(exist_ok=True)
    (root / "refs" / "main").write_text(commit)
    return snapshot


def hub_pairs(folder: Path, scores: dict[str, list[float]], *, merged: bool = False) -> Path:
    """A data set of pairs in the Hub's layout.

    Either a configuration a subset, or one of all subsets with a column `lang`, as older data sets of mteb have it.
    """
    tables = {
        subset: {
            "sentence1": [f"{subset} first {n}" for n in range(len(gold))],
            "sentence2": [f"{subset} second {n}" for n in range(len(gold))],
            "score": gold,
            **({"lang": [subset] * len(gold)} if merged else {}),
        }
        for subset, gold in scores.items()
    }
    for subset, columns in tables.items():
        (folder / subset).mkdir(parents=True)
        pq.write_table(pa.table(columns), folder / subset / "test.parquet")
    configs = {"default": "*/test.parquet"} if merged else {subset: f"{subset}/test.parquet" for subset in tables}
    lines = [
        f"- config_name: {name}\n  data_files:\n  - split: test\n    path: '{path}'\n" for name, path in configs.items()
    ]
    (folder / "README.md").write_text(f"---\nconfigs:\n{''.join(lines)}---\n# data\n")
    return folder


def hub_retrieval(folder: Path) -> Path:
    """A retrieval data set in the Hub's layout of mteb: configurations corpus, queries and default."""
    tables = {
        "corpus": {"_id": ["d1", "d2", "q1"], "title": ["Pipes", "", ""], "text": ["steel pipe", "brass valve", "me"]},
        "queries": {"_id": ["q1", "q2", "q3"], "text": ["pipe", "valve", "unjudged"]},
        "default": {"query-id": ["q1", "q2"], "corpus-id": ["d1", "d2"], "score": [2, 1]},
    }
    configs = []
    for name, columns in tables.items():
        split = "test" if name == "default" else name
        (folder / name).mkdir(parents=True)
        pq.write_table(pa.table(columns), folder / name / f"{split}.parquet")
        configs.append(f"- config_name: {name}\n  data_files:\n  - split: {split}\n    path: {name}/{split}.parquet\n")
    (folder / "README.md").write_text(f"---\nconfigs:\n{''.join(configs)}---\n")
    return folder


def hub_home_depot(folder: Path) -> Path:
    """Rows like Home Depot's, as many, since the card draws 25,000 of them; descriptions made up."""
    rng = np.random.default_rng(0)
    products = rng.integers(100_001, 224_429, HOME_DEPOT_ROWS)
    columns = {
        "id": list(range(HOME_DEPOT_ROWS)),
        "entity_id": products.tolist(),
        "name": [f"title {product}" for product in products],
        "query": [f"query {number % 11_000}" for number in range(HOME_DEPOT_ROWS)],
        "relevance": rng.choice([1.0, 2.0, 2.33, 2.67, 3.0], HOME_DEPOT_ROWS).tolist(),
        "description": [f"description {product}" for product in products],
    }
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / "data" / "train-00000-of-00001.parquet")
    return folder


def hub_questions(folder: Path) -> Path:
    columns = {
        "id": list(range(40)),
        "question": [f"question {number}" for number in range(40)],
        "answer": [f"answer {number}" for number in range(40)],
    }
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / "data" / "train-00000-of-00001.parquet")
    return folder


def hub_triplets(folder: Path) -> Path:
    columns = {
        "query": [f"query {number // 2}" for number in range(24_000)],
        "positive": [f"passage {number // 2}" for number in range(24_000)],
        "negative": [f"other passage {number}" for number in range(24_000)],
    }
    (folder / "triplet-hard").mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / "triplet-hard" / "train-00000-of-00001.parquet", row_group_size=1000)
    return folder


def put_online(monkeypatch: pytest.MonkeyPatch, repo: str, folder: Path) -> list[str]:
    """A Hub whose data set's files can be opened; gives the names of those that were."""
    opened: list[str] = []

    class FileSystem:
        prefix = f"datasets/{repo}@{COMMIT}"

        def glob(self, pattern: str) -> list[str]:
            pattern = pattern.removeprefix(f"{self.prefix}/")
            return [f"{self.prefix}/{path.relative_to(folder)}" for path in folder.glob(pattern)]

        def open(self, name: str, mode: str) -> object:
            opened.append(name.removeprefix(f"{self.prefix}/"))
            return (folder / opened[-1]).open(mode)

    monkeypatch.setattr("huggingface_hub.HfApi.repo_info", lambda *_, **__: SimpleNamespace(sha=COMMIT))
    monkeypatch.setattr("huggingface_hub.HfFileSystem", FileSystem)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    return opened
