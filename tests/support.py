"""Makers of small models, tasks and encoders for tests."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from bench.files import json_text
from bench.models.profile import ModelProfile, TextContext
from bench.results.digests import DIGEST, TABLE_DIGEST, record_text
from bench.results.items import ITEM_KEYS
from bench.results.schema import (
    AuditFinding,
    AuditRecord,
    CostRecord,
    Figure,
    ModelInfo,
    Noise,
    QualityRecord,
    TaskInfo,
    TaskRef,
    Value,
    ViewScores,
)
from bench.results.store import ResultStore
from bench.results.study_records import (
    ControlRecord,
    ControlScores,
    FidelityRecord,
    FidelityScores,
    FidelitySettings,
    LeadingShares,
    RerankRecord,
    ShortlistScores,
)

ROOT = Path(__file__).resolve().parents[1]
WORDS = (
    "red blue green small large steel brass pipe valve screw nail paint door hinge lamp wire hose saw drill tape"
).split()


class FakeEncoder:
    """An encoder whose vectors follow from the text alone; it counts what it is asked to encode.

    Args:
        width: Dimensions of its vectors.
        salt: Encoders of another salt give other vectors.
    """

    def __init__(self, width: int = 16, salt: str = "", name: str = "fake", device: str = "cpu") -> None:
        self.name = name
        self.device = device
        self.salt = salt
        self.profile = ModelProfile(
            width=width, similarity="cosine", prompts={}, default_prompt=None, role_matters=False, parameters=1,
            weight_bytes=4, max_seq_length=None, pooling="mean", padding_side="right",
        )  # fmt: skip
        self.encoded: list[str] = []
        self.batches: list[int] = []

    def token_counts(self, texts: list[str], context: TextContext) -> np.ndarray:
        return np.array([len(text.split()) + 2 for text in texts], dtype=np.int64)

    def embed(self, texts: list[str], context: TextContext) -> np.ndarray:
        self.encoded += texts
        self.batches.append(len(texts))
        return np.stack([self.vector(context.prompt + text) for text in texts])

    def vector(self, text: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256((self.salt + text).encode()).digest()[:8], "little")
        vector = np.random.default_rng(seed).normal(size=self.profile.width)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


def write_jsonl(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """Write objects as JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_beir(
    folder: Path,
    corpus: Mapping[str, str],
    queries: Mapping[str, str],
    qrels: Iterable[tuple[str, str, int]],
    split: str = "test",
) -> Path:
    """Write a BEIR folder."""
    write_jsonl(folder / "corpus.jsonl", ({"_id": key, "title": "", "text": text} for key, text in corpus.items()))
    write_jsonl(folder / "queries.jsonl", ({"_id": key, "text": text} for key, text in queries.items()))
    lines = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, row)) for row in qrels)]
    (folder / "qrels").mkdir(exist_ok=True)
    (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def random_beir(folder: Path, *, documents: int = 30, queries: int = 8, seed: int = 0) -> Path:
    """A BEIR folder of random words with graded labels; no two texts are the same."""
    rng = np.random.default_rng(seed)
    corpus = {f"d{i}": " ".join(rng.choice(WORDS, rng.integers(3, 12))) + f" {i}" for i in range(documents)}
    questions = {f"q{i}": " ".join(rng.choice(WORDS, rng.integers(1, 4))) + f" ? {i}" for i in range(queries)}
    qrels = [
        (query, f"d{row}", int(rng.integers(1, 3)))
        for query in questions
        for row in rng.choice(documents, 3, replace=False)
    ]
    return write_beir(folder, corpus, questions, qrels)


def write_pairs(path: Path, count: int = 12, seed: int = 0) -> Path:
    """A file of scored pairs of random words."""
    rng = np.random.default_rng(seed)
    return write_jsonl(
        path,
        (
            {
                "sentence1": " ".join(rng.choice(WORDS, 4)),
                "sentence2": " ".join(rng.choice(WORDS, 4)),
                "score": round(float(rng.uniform(0, 5)), 2),
            }
            for _ in range(count)
        ),
    )


_SPECIAL = {
    "bert": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    # Padding has the number 1 in this family.
    "mpnet": ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"],
}


def _write_vocabulary(folder: Path, family: str) -> int:
    """Write vocab.txt; returns the number of tokens."""
    folder.mkdir(parents=True)
    letters = list("abcdefghijklmnopqrstuvwxyz0123456789?.,:")
    vocabulary = [*_SPECIAL[family], *WORDS, *letters, *(f"##{c}" for c in letters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    return len(vocabulary)


def make_transformer(folder: Path, *, family: str = "bert", seed: int = 0, width: int = 32) -> Path:
    """A masked language model of two layers with random weights, as transformers saves one; `bert` or `mpnet`."""
    import torch
    import transformers

    torch.manual_seed(seed)
    settings = {
        "vocab_size": _write_vocabulary(folder, family), "hidden_size": width, "num_hidden_layers": 2,
        "num_attention_heads": 4, "intermediate_size": 2 * width, "max_position_embeddings": 64,
    }  # fmt: skip
    if family == "mpnet":
        model = transformers.MPNetForMaskedLM(transformers.MPNetConfig(**settings))
        tokenizer = transformers.MPNetTokenizerFast(str(folder / "vocab.txt"), model_max_length=48)
    else:
        model = transformers.BertForMaskedLM(transformers.BertConfig(**settings))
        tokenizer = transformers.BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=48)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_model(folder: Path, *, seed: int = 0, width: int = 32, prompts: Mapping[str, str] | None = None) -> Path:
    """A real sentence-transformers model of two layers with random weights, in a folder."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    base = folder.with_name(f"{folder.name}-base")
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=_write_vocabulary(base, "bert"), hidden_size=width, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=2 * width, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(base)
    BertTokenizerFast(str(base / "vocab.txt")).save_pretrained(base)
    transformer = Transformer(str(base), max_seq_length=48)
    model = SentenceTransformer(
        modules=[transformer, Pooling(width), Normalize()], device="cpu", prompts=dict(prompts or {})
    )
    model.save(str(folder), create_model_card=False)
    shutil.rmtree(base)
    return folder


def estimate(value: float) -> Value:
    """A value with the interval of 0.1 around it, cut off where a share cannot be."""
    return Value(value=value, ci_low=max(value - 0.1, min(value, 0.0)), ci_high=min(value + 0.1, max(value, 1.0)))


def quality_record(
    model: str = "mini",
    *,
    fingerprint: str = "f" * 32,
    task: str = "shop",
    data: str = "d" * 32,
    created: str = "2026-01-01T00:00:00+00:00",
    views: Mapping[tuple[int | None, str | None], float] | None = None,
    kind: str = "pretrained",
    width: int | None = 8,
    metric: str = "ndcg_at_10",
    n: int = 2,
    notes: Iterable[str] = (),
) -> QualityRecord:
    """A quality record of values with `estimate`s."""
    return QualityRecord(
        bench_version="0",
        created=created,
        environment="env",
        model=ModelInfo(name=model, kind=kind, fingerprint=fingerprint, source="./mini", width=width),
        task=TaskInfo(
            name=task, type="retrieval" if "ndcg" in metric else "sts", split="test", subset="default",
            fingerprint=data, main_metric=metric, n=n, notes=list(notes),
        ),
        encoding=None,
        views=[
            ViewScores(
                truncate_dim=dim, precision=precision,
                metrics={metric: estimate(value)},
            )
            for (dim, precision), value in (views or {(8, "float32"): 0.5}).items()
        ],
        items="",
    )  # fmt: skip


def control_record(
    model: str = "mini",
    controls: Mapping[tuple[str, int | None, int], float] | None = None,
    **names: str,
) -> ControlRecord:
    """A record of controls; by (method, draw, truncate_dim), with `estimate`s."""
    base = quality_record(model, **names)
    return ControlRecord(
        bench_version="0",
        created=base.created,
        environment="env",
        model=base.model,
        task=base.task,
        controls=[
            ControlScores(
                method=method, draw=draw, truncate_dim=dim,
                metrics={base.task.main_metric: estimate(value)},
            )
            for (method, draw, dim), value in (controls or {("pca", None, 4): 0.4}).items()
        ],
        items="",
    )  # fmt: skip


def fidelity_record(
    model: str = "mini",
    views: Mapping[tuple[int, str], Mapping[str, float]] | None = None,
    **names: str,
) -> FidelityRecord:
    """A record of fidelity; measures by (truncate_dim, precision)."""
    base = quality_record(model, **names)
    return FidelityRecord(
        bench_version="0",
        created=base.created,
        environment="env",
        model=base.model,
        task=base.task,
        settings=FidelitySettings(depth=100, rbo_p=0.9, sample=1000),
        views=[
            FidelityScores(
                truncate_dim=dim, precision=precision,
                measures={name: Value(value=value) for name, value in measures.items()},
            )
            for (dim, precision), measures in (views or {(4, "float32"): {"rbo": 0.75}}).items()
        ],
        leading=LeadingShares(variance=None, norm=[1.0]),
        items="",
    )  # fmt: skip


def rerank_record(
    model: str = "mini",
    shortlists: Mapping[tuple[int, str, int], tuple[float, float]] | None = None,
    **names: str,
) -> RerankRecord:
    """A record of shortlists; by (truncate_dim, precision, length) score (interval 0.1 around) and recall."""
    base = quality_record(model, **names)
    return RerankRecord(
        bench_version="0",
        created=base.created,
        environment="env",
        model=base.model,
        task=base.task,
        shortlists=[
            ShortlistScores(
                truncate_dim=dim, precision=precision, shortlist=length,
                metrics={base.task.main_metric: estimate(value)},
                recall=Value(value=recall),
            )
            for (dim, precision, length), (value, recall) in (shortlists or {(4, "float32", 10): (0.45, 0.9)}).items()
        ],
        items="",
    )  # fmt: skip


def cost_record(
    model: str = "mini",
    figures: Iterable[tuple[str, float, int | None, str | None]] = (),
    *,
    environment: str = "env",
    noisy: bool = False,
    not_measured: Mapping[str, str] | None = None,
    **names: str,
) -> CostRecord:
    """A cost record; figures are (name, value, truncate_dim, precision)."""
    base = quality_record(model, **names)
    return CostRecord(
        bench_version="0",
        created=base.created,
        environment=environment,
        model=base.model,
        task=base.task,
        setup={},
        settings={},
        noise=Noise(busy_before=0, busy_during=0, busy_after=0, load_before=0, load_after=0, noisy=noisy),
        figures=[
            Figure(name=name, value=value, n=1, truncate_dim=dim, precision=precision)
            for name, value, dim, precision in figures
        ],
        not_measured=dict(not_measured or {}),
    )


def rewrite_record(path: Path, **changes: object) -> None:
    """Change keys of a record's file, as if bench had written it so."""
    path.write_text(record_text(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def make_older(path: Path, version: int = 3, **changes: object) -> None:
    """Make a record one of an earlier schema, from before there were digests."""
    value = json.loads(path.read_text(encoding="utf-8")) | {"schema_version": version} | changes
    kept = {key: part for key, part in value.items() if key not in {DIGEST, TABLE_DIGEST}}
    path.write_text(json_text(kept), encoding="utf-8")


def write_hub(folder: Path, configs: Mapping[str, Mapping[str, Iterable[Mapping[str, object]]]]) -> Path:
    """Write a data set as the Hugging Face Hub has it: a JSON Lines file a config and split, named in README.md."""
    lines = ["---", "configs:"]
    for config, splits in configs.items():
        lines += [f"- config_name: {config}", "  data_files:"]
        for split, rows in splits.items():
            path = write_jsonl(folder / config / f"{split}.jsonl", rows)
            lines += [f"  - split: {split}", f"    path: {path.relative_to(folder)}"]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]), encoding="utf-8")
    return folder


def write_parquet(path: Path, rows: list[dict[str, object]], *, group: int | None = None) -> Path:
    """Write objects as Parquet, `group` rows a row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=group)
    return path


def audit_record(
    sentences: Iterable[str],
    *,
    task: str = "shop",
    data: str = "d" * 32,
    created: str = "2026-01-01T00:00:00+00:00",
    weakens: bool = True,
) -> AuditRecord:
    """An audit record with a finding a sentence."""
    return AuditRecord(
        bench_version="0",
        created=created,
        task=TaskRef(name=task, split="test", subset="default", fingerprint=data),
        training=None,
        thresholds={"jaccard": 0.8},
        findings=[
            AuditFinding(kind=f"kind_{row}", count=1, of=2, sentence=sentence, weakens=weakens, examples=["<b>`x`"])
            for row, sentence in enumerate(sentences)
        ],
    )


def made_record(**changes: object) -> dict[str, object]:
    """What recipe.json of a made model holds."""
    data = {"label": "shop (train)", "shape": "pairs", "rows": 1234, "loss": "CoSENT", "weight": None}
    return {
        "schema": 1, "bench_version": "0.1", "created": "2026-01-01T00:00:00+00:00", "name": "mini", "kind": "mrl",
        "identity": "a" * 32, "recipe": {"base": "tiny"}, "base": {"name": "tiny", "fingerprint": "b" * 32},
        "data": [{**data, "fingerprint": "c" * 32, "seen": 1234, "batches": 78, "small_batches": 0, "prompts": {}}],
        "versions": {"torch": "2"}, "leakage_allowed": False, "steps": 5,
        "seconds": 1.0, "resumed_from": 0, "device": "cpu", "weights_sha256": {},
        "evaluation": {"first": None, "best": None, "best_step": None}, **changes,
    }  # fmt: skip


def write_records(root: Path, records: Iterable[QualityRecord | CostRecord | AuditRecord]) -> Path:
    """Write records with the tables that go with them.

    Every query of a retrieval record has the record's score. Of other types the score is no mean of the items.
    """
    store = ResultStore(root)
    for record in records:
        if isinstance(record, AuditRecord):
            store.write_audit(record)
        elif isinstance(record, CostRecord):
            store.write_cost(record, {"milliseconds": []})
        else:
            store.write_quality(record, _items(record))
    return root


def _items(record: QualityRecord) -> dict[str, list[object]]:
    n = record.task.n
    key = ITEM_KEYS[record.task.type]
    columns: dict[str, list[object]] = {
        "truncate_dim": [scores.truncate_dim for scores in record.views for _ in range(n)],
        "precision": [scores.precision for scores in record.views for _ in range(n)],
        key: [f"{key}-{row}" for row in range(n)] * len(record.views),
    }
    if record.task.type == "retrieval":
        for metric in record.views[0].metrics:
            columns[metric] = [scores.metrics[metric].value for scores in record.views for _ in range(n)]
    else:
        rows = [float(row) for row in range(n)] * len(record.views)
        columns |= {"cosine": rows, "gold": rows}
    return columns


def write_scored(
    root: Path,
    items: Mapping[tuple[int | None, str | None], Mapping[str, float]],
    *,
    metric: str = "ndcg_at_10",
    clusters: Iterable[int] | None = None,
    **names: object,
) -> Path:
    """Write the quality record of a retrieval task whose queries score as given, by view and query id."""
    rows = [(*view, query, value) for view, scores in items.items() for query, value in scores.items()]
    columns = dict(
        zip(("truncate_dim", "precision", "query_id", metric), map(list, zip(*rows, strict=True)), strict=True)
    )
    if clusters is not None:
        columns["cluster"] = np.array(list(clusters), dtype=np.int64)
    means = {view: float(np.mean(list(scores.values()))) for view, scores in items.items()}
    record = quality_record(views=means, metric=metric, n=len(rows) // len(items), **names)
    return ResultStore(root).write_quality(record, columns)
