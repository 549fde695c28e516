"""Small data sets for the tasks that families are scored on, in the layout in which mteb's tasks expect them."""

from __future__ import annotations

from pathlib import Path

from support import WORDS, write_hub

from . import texts
from .files import write_json

_TOPICS = (WORDS[:8], WORDS[8:16])


def write_tasks(root: Path) -> None:
    """Write each task's data into a folder and a card beside it; the cards' names are none of mteb's."""
    for name, configs in _DATA.items():
        (root / name).mkdir(parents=True)
        write_hub(root / name, configs)
        kind = _TYPES.get(name, "retrieval")
        card = {"name": f"local {name}", "type": kind, "mteb": name, "path": name}
        # JSON is YAML.
        write_json(root / f"{name}.yaml", card | ({"main_metric": "accuracy"} if kind == "mteb" else {}))


def _retrieval() -> dict[str, dict[str, list[dict[str, object]]]]:
    documents = [*texts.DOCUMENTS, *texts.SENTENCES, *texts.LABELLED]
    corpus = [{"_id": f"d{row}", "title": "", "text": text} for row, text in enumerate(documents)]
    queries = [{"_id": f"q{row}", "text": text} for row, text in enumerate(texts.QUERIES)]
    labels = [
        {"query-id": f"q{row}", "corpus-id": f"d{(3 * row + step) % len(documents)}", "score": 1}
        for row in range(len(queries))
        for step in (0, 7, 11)
    ]
    return {"corpus": {"corpus": corpus}, "queries": {"queries": queries}, "default": {"test": labels}}


def _pairs() -> dict[str, dict[str, list[dict[str, object]]]]:
    sentences = texts.SENTENCES
    rows = [
        {"sentence1": first, "sentence2": second, "score": (3 * left + 5 * right) % 11 / 2}
        for left, first in enumerate(sentences)
        for right, second in enumerate(sentences[left + 1 :])
    ]
    return {"default": {"test": rows}}


def _classes() -> dict[str, dict[str, list[dict[str, object]]]]:
    """Two labels, each with words of its own and some of the other."""
    rows = [
        {"text": f"{texts.LABELLED[row % 8]} {' '.join(_TOPICS[row % 2][row % 5 :][:3])} {row}", "label": row // 2 % 2}
        for row in range(48)
    ]
    return {"default": {"train": rows[:28], "test": rows[28:]}}


_TYPES = {"STSBenchmark": "sts", "Banking77Classification": "mteb"}
_DATA = {
    "SciFact": _retrieval(),
    "CosQA": _retrieval(),
    "STSBenchmark": _pairs(),
    "Banking77Classification": _classes(),
}
