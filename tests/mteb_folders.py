"""Small data sets of random words in the layout that tasks of mteb expect from the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from support import WORDS, FakeEncoder, write_hub

from bench.quality.mteb_engine import VectorsOf
from bench.tasks.data import PairData, RetrievalData
from bench.tasks.mteb_bridge import definition
from bench.tasks.mteb_data import MtebData, load_mteb

TOPICS = [WORDS[start : start + 5] for start in range(0, 20, 5)]


class Texts:
    """Texts of random words, each numbered so that no two are the same."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.count = 0

    def make(self, words: list[str] = WORDS, low: int = 3, high: int = 9) -> str:
        self.count += 1
        return f"{' '.join(self.rng.choice(words, self.rng.integers(low, high)))} {self.count}"

    def about(self, topic: int) -> str:
        """A text of words of one topic, and at times another word."""
        return self.make([*TOPICS[topic] * 3, self.rng.choice(WORDS)], low=6)

    def like(self, text: str) -> str:
        """A text that shares words with another."""
        words = text.split()
        return self.make([*words, *words, *WORDS[:3]])


def classification(folder: Path) -> Path:
    """Four labels, each with words of its own."""
    texts = Texts()
    rows = [{"text": texts.about(i % 4), "label": i % 4} for i in range(140)]
    # Some labels are wrong, so that no classifier is right on all.
    for row in rows[104::9]:
        row["label"] = (row["label"] + 1) % 4
    return write_hub(folder, {"default": {"train": rows[:100], "test": rows[100:]}})


def multilabel(folder: Path) -> Path:
    """Three labels, none to three of them at each text."""
    texts = Texts()
    chosen = [[label for label in range(3) if texts.rng.random() < 0.5] for _ in range(120)]
    rows = [
        {"text": " ".join([texts.make(), *(texts.make(TOPICS[label], 2, 4) for label in labels)]), "label": labels}
        for labels in chosen
    ]
    return write_hub(folder, {"default": {"train": rows[:80], "test": rows[80:]}})


def clustering(folder: Path) -> Path:
    """Two sets of clusters, four labels each."""
    texts = Texts()
    rows = [
        {
            "sentences": [texts.about(i % 4) for i in range(60)],
            # Some labels are wrong, so that no clustering is perfect.
            "labels": [f"topic {(i + (i % 9 == 0)) % 4}" for i in range(60)],
        }
        for _ in range(2)
    ]
    return write_hub(folder, {"default": {"test": rows}})


def pair_classification(folder: Path) -> Path:
    """All pairs in the lists of one row, as mteb's older data sets have them."""
    texts = Texts()
    first = [texts.make() for _ in range(60)]
    second = [texts.like(text) if i % 3 == 0 else texts.make() for i, text in enumerate(first)]
    labels = [int(i % 3 == 0) for i in range(60)]
    return write_hub(folder, {"default": {"test": [{"sent1": first, "sent2": second, "labels": labels}]}})


def sts(folder: Path) -> Path:
    """Pairs with scores from 0 to 5."""
    texts = Texts()
    rows = []
    for number in range(60):
        text = texts.make()
        near = number % 2
        rows.append(
            {
                "sentence1": text,
                "sentence2": texts.like(text) if near else texts.make(),
                "score": round(float(2 * near + texts.rng.uniform(0, 3)), 2),
            }
        )
    return write_hub(folder, {"default": {"test": rows}})


def bitext(folder: Path) -> Path:
    """Pairs of sentences that mean the same, with the language pair in a column."""
    texts = Texts()
    rows = []
    for number in range(40):
        text = texts.make()
        rows.append({"sentence1": text, "sentence2": texts.like(text), "lang": "fr-en" if number % 2 else "de-en"})
    return write_hub(folder, {"default": {"test": rows}})


def summarization(folder: Path) -> Path:
    """Texts with machine summaries, human summaries and scores from 1 to 5."""
    texts = Texts()
    rows = []
    for _ in range(10):
        text = texts.make(low=8, high=12)
        rows.append(
            {
                "text": text,
                "human_summaries": [texts.like(text) for _ in range(3)],
                "machine_summaries": [texts.like(text) if i % 2 else texts.make() for i in range(6)],
                "relevance": [float(texts.rng.uniform(1, 5)) for _ in range(6)],
            }
        )
    return write_hub(folder, {"default": {"test": rows}})


def retrieval(
    folder: Path,
    *,
    candidates: int | None = None,
    instructions: bool = False,
    documents: int = 60,
    name: Callable[[int], str] = "d{}".format,
) -> Path:
    """Titled documents, graded labels, and a query that has a document's id and text.

    Args:
        folder: Where to write it.
        candidates: How many documents each query gets to rank, its relevant ones among them.
        instructions: Whether queries have instructions.
        documents: How many there are.
        name: A document's id.
    """
    texts = Texts()
    corpus = [
        {"_id": name(i), "title": texts.make(low=1, high=3) if i % 2 else "", "text": texts.make(high=15)}
        for i in range(documents)
    ]
    queries = [{"_id": f"q-v{i % 3 + 1}-{i}", "text": texts.like(corpus[4 * i + 1]["text"])} for i in range(12)]
    queries[0] = {"_id": name(1), "text": f"{corpus[1]['title']} {corpus[1]['text']}"}
    labels = [
        {"query-id": query["_id"], "corpus-id": name(4 * i + offset), "score": score}
        for i, query in enumerate(queries)
        for offset, score in ((1, 2), (2, 1), (3, 1), (6, 0))
    ]
    # A text that no query judges, and a query whose only label is 0.
    queries += [{"_id": "unjudged", "text": texts.make()}, {"_id": "q-v1-zero", "text": texts.make()}]
    labels.append({"query-id": "q-v1-zero", "corpus-id": name(0), "score": 0})
    configs = {"corpus": {"corpus": corpus}, "queries": {"queries": queries}, "default": {"test": labels}}
    if candidates:
        configs["top_ranked"] = {
            "test": [
                {
                    "query-id": query["_id"],
                    "corpus-ids": [name((4 * i + 1 + step) % documents) for step in range(candidates)],
                }
                for i, query in enumerate(queries)
            ]
        }
    if instructions:
        rows = [{"query-id": query["_id"], "instruction": texts.make()} for query in queries]
        configs["instruction"] = {"test": rows}
    return write_hub(folder, configs)


def reranking(folder: Path) -> Path:
    """Twenty documents to rank for each query."""
    return retrieval(folder, candidates=20)


def instruction_retrieval(folder: Path) -> Path:
    """Queries with instructions."""
    return retrieval(folder, instructions=True)


def instruction_reranking(folder: Path) -> Path:
    """Each query under two instructions, the second of which makes a document irrelevant."""
    texts = Texts()
    corpus = [{"_id": f"d{i}", "title": "", "text": texts.make(high=15)} for i in range(60)]
    configs = {"corpus": {"corpus": corpus}, "queries": {"queries": []}, "default": {"test": []}}
    configs |= {"instruction": {"test": []}, "top_ranked": {"test": []}, "qrel_diff": {"qrel_diff": []}}
    for i in range(8):
        text = texts.like(corpus[4 * i]["text"])
        configs["qrel_diff"]["qrel_diff"].append({"query-id": f"q{i}", "corpus-ids": [f"d{4 * i + 1}"]})
        for version in ("og", "changed"):
            key = {"query-id": f"q{i}-{version}"}
            configs["queries"]["queries"].append({"_id": f"q{i}-{version}", "text": text})
            configs["instruction"]["test"].append(key | {"instruction": texts.make()})
            configs["top_ranked"]["test"].append(
                key | {"corpus-ids": [f"d{(4 * i + step) % 60}" for step in range(20)]}
            )
            labels = {4 * i: 2, 4 * i + 1: int(version == "og"), 4 * i + 2: 0}
            rows = [key | {"corpus-id": f"d{row}", "score": label} for row, label in labels.items()]
            configs["default"]["test"] += rows
    return write_hub(folder, configs)


def regression(folder: Path) -> Path:
    """A value that grows with the words of the first topic."""
    texts = Texts()
    rows = []
    for _ in range(120):
        many = int(texts.rng.integers(0, 6))
        text = " ".join([*texts.rng.choice(TOPICS[0], many), texts.make(TOPICS[1], 4, 7)])
        rows.append({"text": text, "value": round(many + float(texts.rng.normal(0, 0.5)), 2)})
    return write_hub(folder, {"cited_count_en": {"train": rows[:80], "test": rows[80:]}})


# By name of the task: its data and a subset.
TASKS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "Banking77Classification": (classification, "default"),
    "BrazilianToxicTweetsClassification": (multilabel, "default"),
    "TwentyNewsgroupsClustering.v2": (clustering, "default"),
    "TwentyNewsgroupsClustering": (clustering, "default"),
    "SprintDuplicateQuestions": (pair_classification, "default"),
    "AskUbuntuDupQuestions": (reranking, "default"),
    "IFIRScifact": (instruction_retrieval, "default"),
    "Core17InstructionRetrieval": (instruction_reranking, "default"),
    "RuSciBenchCitedCountRegression": (regression, "cited_count_en"),
    "BUCC.v2": (bitext, "fr-en"),
    "SummEvalSummarization.v2": (summarization, "default"),
    "SciFact": (retrieval, "default"),
    "ArguAna": (retrieval, "default"),
    "STSBenchmark": (sts, "default"),
}
OWN_SCORING = ("SciFact", "ArguAna", "STSBenchmark")


def load(name: str, folder: Path) -> RetrievalData | PairData | MtebData:
    """Write a data set for a task and load its split `test`."""
    write, subset = TASKS[name]
    return load_mteb(definition(name), write(folder), "test", subset)


def vectors_of(encoder: FakeEncoder) -> VectorsOf:
    """What score_mteb asks for vectors, without a store."""
    return lambda texts, role: np.stack([encoder.vector(text) for text in texts])
