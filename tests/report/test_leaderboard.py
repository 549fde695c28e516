from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import audit_record, cost_record, quality_record

from bench.errors import BenchError
from bench.report.cells import significant
from bench.report.leaderboard import render_leaderboard, write_leaderboard
from bench.results.store import ResultStore

GOLDEN = Path(__file__).with_name("leaderboard.md")


def write_all(root, records):
    store = ResultStore(root)
    for record in records:
        if record.record == "quality":
            store.write_quality(record, {"query_id": []})
        elif record.record == "audit":
            store.write_audit(record)
        else:
            store.write_cost(record, {"milliseconds": []})
    return root


def records(mini=0.5):
    """Two models and a baseline on one task, one of them on a second, costs in two environments."""
    figures = [
        ("encode_p50_ms", 6.5, None, None),
        ("encode_texts_per_s", 1234.5, None, None),
        ("memory_encode_mib", 900.4, None, None),
        ("search_p50_ms", 0.0123, 8, "float32"),
        ("index_bytes", 1_234_567.0, 8, "float32"),
        ("search_p50_ms", 0.004, 4, "binary"),
    ]
    return [
        quality_record(views={(8, "float32"): mini, (4, "binary"): 0.25}, notes=["1 of 2 queries have no answer"]),
        quality_record("big|model", kind="mrl", views={(8, "float32"): 0.75}),
        quality_record("bm25", kind="baseline", width=None, views={(None, None): 0.625}),
        quality_record("mini", task="talk", metric="cosine_spearman", views={(8, "float32"): 0.8125}),
        cost_record(figures=figures),
        cost_record("big|model", [("encode_p50_ms", 60.0, None, None)], noisy=True),
        cost_record(figures=[("encode_p50_ms", 1.5, None, None)], environment="gpu",
                    not_measured={"search": "faiss is not installed"}),
    ]  # fmt: skip


def test_the_page_is_the_golden_one(tmp_path):
    root = write_all(tmp_path, records())
    ResultStore(root).write_environment("env", {"cpu": "A <fast> one", "cores": 4, "os": "Linux", "gpus": []})
    page = render_leaderboard(root)
    assert page == GOLDEN.read_text(encoding="utf-8"), (
        "look at the new page, then put it into tests/report/leaderboard.md"
    )


def test_the_same_results_give_the_same_bytes(tmp_path):
    first = write_leaderboard(write_all(tmp_path / "a", records()), tmp_path / "x").read_bytes()
    second = write_leaderboard(write_all(tmp_path / "b", reversed(records())), tmp_path / "y").read_bytes()
    assert first == second


def test_one_changed_number_changes_only_its_row_and_what_follows_from_it(tmp_path):
    before = render_leaderboard(write_all(tmp_path / "a", records())).splitlines()
    after = render_leaderboard(write_all(tmp_path / "b", records(mini=0.4))).splitlines()
    changed = [line for line, other in zip(before, after, strict=True) if line != other]
    # The cell in the summary, its row in two environments, and the share of the other view in both.
    assert len(changed) == 5
    assert all(line.startswith("| mini") for line in changed)


def test_shares_are_of_the_full_width_and_best_is_bold(tmp_path):
    page = render_leaderboard(write_all(tmp_path, records()))
    row = next(line for line in page.splitlines() if re.match(r"\| mini +\| pretrained +\| +4 \|.*%", line))
    assert "**50.0%**" in row
    assert "0.2500 [0.150, 0.350]" in row
    assert "**0.7500 [0.650, 0.850]**" in page


def test_superseded_results_are_left_out(tmp_path):
    page = render_leaderboard(
        write_all(tmp_path, [quality_record(created="1", views={(8, "float32"): 0.1111}),
                             quality_record(created="2", fingerprint="e" * 32, views={(8, "float32"): 0.2222})])
    )  # fmt: skip
    assert "0.2222" in page
    assert "0.1111" not in page


def test_no_results_is_an_error(tmp_path):
    with pytest.raises(BenchError, match="no results"):
        render_leaderboard(tmp_path)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.000123456, "0.000123"), (0.0123, "0.0123"), (1.236, "1.24"), (12.36, "12.4"), (1234.6, "1,235")],
)
def test_three_significant_digits(value, text):
    assert significant(value) == text


def test_an_environments_variables_are_named(tmp_path):
    root = write_all(tmp_path, records())
    ResultStore(root).write_environment("env", {"cpu": "fast", "cores": 4, "variables": {"OMP_NUM_THREADS": "2"}})
    assert "`env`: fast, 4 cores, OMP_NUM_THREADS=2." in render_leaderboard(root)


def test_what_weakens_scores_stands_below_the_table(tmp_path):
    sentence = "1 of 2 <script>`rm`</script> | queries_ are *leaked*"
    page = render_leaderboard(write_all(tmp_path, [*records(), audit_record([sentence, "2 of 2 more"])]))
    footnote = (
        r"audit: 1 of 2 \<script\>\`rm\`\</script\> \| queries\_ are \*leaked\*; 2 of 2 more (`bench tasks audit`)"
    )
    sections = page.split("\n## ")
    # Of both environments' tables of the task, and no other.
    assert [section.split("\n")[0] for section in sections if footnote in section] == ["shop (test)"] * 2
    assert "`x`" not in page


def test_audits_of_other_data_and_harmless_findings_are_not_shown(tmp_path):
    others = [audit_record(["gone"], data="e" * 32, created="9"), audit_record(["harmless"], weakens=False)]
    assert render_leaderboard(write_all(tmp_path / "a", [*records(), *others])) == render_leaderboard(
        write_all(tmp_path / "b", records())
    )


@pytest.mark.parametrize(
    ("kind", "metric", "text"),
    [("retrieval", "recall_at_10", "2 queries"), ("sts", "cosine_pearson", "2 pairs"), ("mteb", "accuracy", "2 items")],
)
def test_the_caption_says_what_was_scored(tmp_path, kind, metric, text):
    made = quality_record(metric=metric)
    made = made.model_copy(update={"task": made.task.model_copy(update={"type": kind})})
    assert f"Main score: `{metric}` over {text}." in render_leaderboard(write_all(tmp_path, [made]))


def test_a_model_that_may_have_seen_the_tests_is_marked_everywhere(tmp_path):
    record = quality_record("leaky", kind="fine-tuned")
    seen = record.model_copy(update={"model": record.model.model_copy(update={"leakage": True})})
    for subset in ("a", "b"):
        task = quality_record("leaky", task="pairs").task.model_copy(update={"subset": subset})
        write_all(tmp_path, [seen.model_copy(update={"task": task})])
    page = render_leaderboard(write_all(tmp_path, [*records(), seen]))
    # The summary, the mean over subsets, each of them, and the task in two environments.
    rows = [line for line in page.splitlines() if line.startswith("| leaky")]
    assert len(rows) == 6
    assert all("| fine-tuned ‡ " in row for row in rows)
    assert page.count("‡ may have been trained on what it is tested on: its recipe allows leakage.") == 1
