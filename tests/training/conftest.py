from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from support import random_beir, write_jsonl, write_pairs

from bench.models.registry import ModelEntry
from bench.models.registry_file import load_registry
from bench.training.data import TaskFinder
from bench.training.identity import Prepared, prepare

RECIPE = {"base": "tiny", "data": "shop", "batch_size": 8, "max_seq_length": 16}


class Workshop:
    """A folder with a tiny model, tasks to train on, and files of every shape."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.find = TaskFinder([folder / "tasks"], download=False)
        random_beir(folder / "tasks" / "shop", queries=12)
        qrels = folder / "tasks" / "shop" / "qrels"
        lines = (qrels / "test.tsv").read_text().splitlines()
        # Other queries in training than in the test: q0 to q7 against q8 to q11.
        for split, kept in (("train", range(8)), ("dev", range(8, 10)), ("test", range(10, 12))):
            rows = [line for line in lines[1:] if int(line.split("\t")[0][1:]) in kept]
            (qrels / f"{split}.tsv").write_text("\n".join([lines[0], *rows]) + "\n")
        (folder / "tasks" / "shop" / "task.yaml").write_text("name: shop\ntype: retrieval\n")
        write_pairs(folder / "tasks" / "talk" / "train.jsonl")
        write_pairs(folder / "tasks" / "talk" / "test.jsonl", seed=1)
        (folder / "tasks" / "talk" / "task.yaml").write_text("name: talk\ntype: sts\n")
        words = ["red pipe", "blue valve", "green lamp", "steel saw", "brass nail", "small hose", "wire", "tape"]
        rows = list(enumerate(words))
        write_jsonl(folder / "pairs.jsonl", ({"query": f"{w} ?", "positive": f"{w} large"} for _, w in rows))
        write_jsonl(
            folder / "triplets.jsonl",
            ({"anchor": f"{w} ?", "positive": f"{w} large", "negative": f"paint {n}"} for n, w in rows),
        )
        write_jsonl(folder / "scored.jsonl", ({"sentence1": w, "sentence2": "red", "score": n / 8} for n, w in rows))
        write_jsonl(folder / "labelled.jsonl", ({"sentence1": w, "sentence2": "red", "label": n % 2} for n, w in rows))

    def entries(self, **recipes: dict[str, object]) -> dict[str, ModelEntry]:
        """Entries of a registry with these recipes, each RECIPE but for the keys given."""
        models: list[dict[str, object]] = [{"name": "tiny", "source": "./tiny"}]
        for name, changes in recipes.items():
            recipe = {key: value for key, value in {**RECIPE, **changes}.items() if value is not None}
            models.append({"name": name, "kind": "mrl" if "matryoshka" in recipe else "fine-tuned", "recipe": recipe})
        path = self.folder / "models.yaml"
        path.write_text(yaml.safe_dump({"models": models}))
        return {entry.name: entry for entry in load_registry(path).models}

    def prepared(self, **changes: object) -> Prepared:
        """A recipe, ready to be trained."""
        return prepare(self.entries(made=changes)["made"], self.find)


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """All tests of training."""


@pytest.fixture
def workshop(tmp_path: Path, tiny_model: Path) -> Workshop:
    return Workshop(tmp_path)
