"""The shipped recipes: each is trained for a few steps on made-up data in the Hub's layout, by tiny models."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hub_folders import fill_hub_cache, hub_home_depot, hub_questions, in_hub_cache
from support import ROOT, WORDS, make_model, make_transformer, write_hub, write_parquet

from bench.cache import cache_root
from bench.cli import run_cli
from bench.models.registry_file import load_registry
from bench.tasks.catalog import BrokenTask, choose_subsets, select_tasks

FILES = sorted((ROOT / "recipes").glob("*.yaml"))
CONTENT = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in FILES}
MADE = [(stem, entry["name"]) for stem, file in CONTENT.items() for entry in file["models"] if "recipe" in entry]
DATA_SETS = {
    "home_depot": ["bstds/home_depot"],
    "home_depot_titles": ["bstds/home_depot"],
    "technographics": ["arad1367/technographics-qa"],
    "msmarco": ["sentence-transformers/msmarco-co-condenser-margin-mse-sym-mnrl-mean-v1"],
    "allnli": ["sentence-transformers/all-nli"],
    "nli_sts": ["sentence-transformers/all-nli", "mteb/stsbenchmark-sts"],
    "arabic": ["Omartificial-Intelligence-Space/Arabic-NLi-Triplet"],
}
ROWS, BATCH = 24, 8

# What stands in for the bases: makers of tiny models as wide as they are, in the form in which the Hub has them.
BASES = {
    "sentence-transformers/all-MiniLM-L6-v2": lambda folder: make_model(folder, width=384),
    "BAAI/bge-base-en-v1.5": lambda folder: make_model(folder, width=768),
    "microsoft/mpnet-base": lambda folder: make_transformer(folder, family="mpnet", width=768),
    "aubmindlab/bert-base-arabertv02": lambda folder: make_transformer(folder, width=768),
}


def texts(count: int, salt: str) -> list[str]:
    return [f"{WORDS[n % len(WORDS)]} {salt} {n}" for n in range(count)]


def triplets(first: str, count: int = 2 * ROWS) -> list[dict[str, object]]:
    columns = {first: texts(count, "query"), "positive": texts(count, "yes"), "negative": texts(count, "no")}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def pairs(count: int, salt: str) -> list[dict[str, object]]:
    rows = zip(texts(count, f"{salt} one"), texts(count, f"{salt} two"), strict=True)
    return [{"sentence1": one, "sentence2": two, "score": n % 6} for n, (one, two) in enumerate(rows)]


def write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True)
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def hub_triplets(folder: Path, name: str, first: str) -> Path:
    """Two parts of Parquet, as the Hub divides large files."""
    for part in range(2):
        rows = triplets(first)[part * ROWS : (part + 1) * ROWS]
        write_parquet(folder / name / f"train-{part:05d}-of-00002.parquet", rows)
    write_parquet(folder / name / "dev-00000-of-00001.parquet", triplets(first, 2))
    return folder


# What stands in for the data sets: makers of some rows under the real names of files and columns.
DATA = {
    "bstds/home_depot": hub_home_depot,
    "arad1367/technographics-qa": hub_questions,
    "sentence-transformers/msmarco-co-condenser-margin-mse-sym-mnrl-mean-v1": lambda folder: hub_triplets(
        folder, "triplet-hard", "query"
    ),
    "sentence-transformers/all-nli": lambda folder: hub_triplets(folder, "triplet", "anchor"),
    "Omartificial-Intelligence-Space/Arabic-NLi-Triplet": lambda folder: write_csv(
        folder / "train.csv", triplets("anchor")
    ),
    "mteb/stsbenchmark-sts": lambda folder: write_hub(
        folder, {"default": {split: pairs(ROWS, split) for split in ("train", "validation", "test")}}
    ),
}


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """All mappings in a value."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(item)


def revisions() -> dict[str, str]:
    """The commits that recipes and cards pin, by repository."""
    cards = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "tasks").glob("*.yaml")]
    found = {
        item["hub"]: item["revision"]
        for item in mappings([*CONTENT.values(), cards])
        if {"hub", "revision"} <= item.keys()
    }
    found |= {
        entry["source"].removeprefix("hub:"): entry["revision"]
        for file in CONTENT.values()
        for entry in file["models"]
        if "revision" in entry
    }
    return found


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Path:
    """A cache of the Hub with every base and data set, at the revisions that recipes and cards pin."""
    folder, pinned = tmp_path_factory.mktemp("hub"), revisions()
    for number, (repo, make) in enumerate(BASES.items()):
        made = make(folder / "made" / str(number))
        # A snapshot of another name would not be taken where a revision is pinned.
        fill_hub_cache(folder / "cache", repo, made, **({"commit": pinned[repo]} if repo in pinned else {}))
    for number, (repo, write) in enumerate(DATA.items()):
        write(folder / "data" / str(number))
        in_hub_cache(
            folder / "cache",
            repo,
            folder / "data" / str(number),
            **({"commit": pinned[repo]} if repo in pinned else {}),
        )
    return folder / "cache"


@pytest.fixture
def project(tmp_path, monkeypatch, hub_cache) -> Path:
    """The recipes and models.yaml beside an empty cache of the Hub; the weights' digests and the package left out."""
    monkeypatch.delenv("BENCH_DATA", raising=False)
    registry = yaml.safe_load((ROOT / "models.yaml").read_text(encoding="utf-8"))
    for entry in registry["models"]:
        # Made-up weights have another digest, and an installed package would go before them.
        entry.pop("sha256", None)
        if isinstance(entry.get("source"), list):
            entry["source"] = [source for source in entry["source"] if source.startswith("hub:")]
    (tmp_path / "models.yaml").write_text(yaml.safe_dump(registry))
    (tmp_path / "recipes").mkdir()
    for stem, content in CONTENT.items():
        (tmp_path / "recipes" / f"{stem}.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


def shrink(path: Path) -> None:
    """Change the amounts of a recipe file, and nothing else."""
    content = yaml.safe_load(path.read_text())
    for recipe in (entry["recipe"] for entry in content["models"] if "recipe" in entry):
        recipe |= {"limit": ROWS, "batch_size": BATCH, "epochs": 1}
        for data in mappings(recipe["data"]):
            data.pop("limit", None)
    path.write_text(yaml.safe_dump(content))


@pytest.mark.parametrize("stem", CONTENT)
def test_a_recipe_trains_its_models(project, monkeypatch, hub, stem):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub))
    path = project / "recipes" / f"{stem}.yaml"
    shrink(path)
    names = [name for file, name in MADE if file == stem]
    assert run_cli(["train", *names, "--models", str(path), "--device", "cpu"]) == 0
    made = {json.loads(path.read_text())["name"]: path.parent for path in cache_root().glob("models/*/recipe.json")}
    assert sorted(made) == sorted(names)
    sets = len(DATA_SETS[stem])
    for folder in made.values():
        losses = [
            row["loss"]
            for line in (folder / "log.jsonl").read_text().splitlines()
            if "loss" in (row := json.loads(line))
        ]
        assert len(losses) == sets * ROWS // BATCH
        assert all(loss > 0 for loss in losses)


@pytest.mark.parametrize(("stem", "name"), MADE)
def test_what_is_trained_is_what_is_judged(stem, name):
    """The full width is trained too, and the dimensions that are trained are those that a run scores."""
    [entry] = load_registry(ROOT / "recipes" / f"{stem}.yaml").select([name])
    dims = entry.recipe.matryoshka.dims if entry.recipe.matryoshka else None
    assert entry.truncate_dims[0] == (384 if entry.recipe.base == ["all-MiniLM-L6-v2"] else 768)
    assert dims in (None, entry.truncate_dims)


@pytest.mark.parametrize(("stem", "name"), MADE)
@pytest.mark.parametrize("missing", ["model", "data set"])
def test_what_is_missing_is_named(project, hub, hub_cache, capsys, stem, name, missing):
    [entry] = load_registry(project / "recipes" / f"{stem}.yaml").select([name])
    [source] = entry.base_entry.source
    wanted = source.removeprefix("hub:")
    if missing == "data set":
        home = f"models--{wanted.replace('/', '--')}"
        (hub_cache / home).symlink_to(hub / home)
        wanted = DATA_SETS[stem][0]
    assert run_cli(["train", name, "--models", str(project / "recipes" / f"{stem}.yaml"), "--dry-run"]) == 1
    # A narrow terminal breaks long names in two.
    printed = "".join(capsys.readouterr().err.split())
    assert f"{wanted}isnotintheHub'slocalcache" in printed
    assert printed.count("hint:") == 1


def test_the_arabic_recipe_is_judged_on_arabic():
    registry = load_registry(ROOT / "recipes" / "arabic.yaml")
    tasks = choose_subsets(select_tasks(registry.tasks, [ROOT / "tasks"]), registry.subsets)
    assert [(task.name, task.card.subsets) for task in tasks] == [("sts17", ["ar-ar"]), ("sts22", ["ar"])]


def test_names_are_unique_over_all_recipes(project):
    path = project / "all.yaml"
    path.write_text("include: recipes/*.yaml\n")
    names = [entry.name for entry in load_registry(path).models]
    assert {name for _, name in MADE} < set(names)


def test_a_wheel_has_the_recipes_beside_the_registry(tmp_path):
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    for source, target in wheel["force-include"].items():
        place = tmp_path / target
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, place)
    installed = tmp_path / "bench" / "_shipped"
    for path in FILES:
        registry = load_registry(installed / "recipes" / path.name)
        assert registry.run
        assert not [
            task for task in select_tasks(registry.tasks, [installed / "tasks"]) if isinstance(task, BrokenTask)
        ]
