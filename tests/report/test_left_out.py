"""Nothing disappears from a page without a line."""

from __future__ import annotations

import re

import pytest
from support import cost_record, quality_record, write_records

from bench.report.pages import make_pages

BEFORE, AFTER = "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"
VIEWS = {(8, "float32"): 0.6, (4, "float32"): 0.5}


def scored(pages, model):
    """The rows with a score that a model has on the page of the task."""
    return re.findall(rf"^\| {model} .*\d\.\d{{4}} \[", pages["tasks/shop.md"], re.MULTILINE)


def test_a_cost_record_of_a_rebuilt_model_leaves_its_scores_and_says_what_was_measured(tmp_path):
    cost = cost_record("best", [("encode_p50_ms", 1.5, None, None)], fingerprint="e" * 32, created=AFTER)
    pages = make_pages(write_records(tmp_path, [quality_record("best", views=VIEWS), quality_record("other"), cost]))
    assert len(scored(pages, "best")) == 2
    note = f"best: costs were measured on model {'e' * 8} (the scores are of {'f' * 8})"
    assert note in pages["tasks/shop.md"]
    assert note.removeprefix("best: ") in pages["models/best.md"]
    assert note in pages["index.html"]
    assert not any("Left out" in text for path, text in pages.items() if path.endswith(".md"))
    # The fingerprint that is shown is that of the scores.
    assert f"`{'f' * 8}`" in pages["models/best.md"]


def test_a_changed_task_hides_nothing_without_a_line(tmp_path):
    records = [
        quality_record("old|one", views=VIEWS, created=BEFORE),
        quality_record("new", data="e" * 32, created=AFTER),
        quality_record("new", task="talk", created=AFTER),
    ]
    pages = make_pages(write_records(tmp_path, records))
    text = "2 views left out: the task's data changed on 2026-02-01 (newer scores are of the new data)"
    told = {path for path, page in pages.items() if text in page.replace("&#39;", "'")}
    assert told == {"README.md", "leaderboard.md", "tasks/shop.md", "models/old_one.md", "index.html"}
    [line] = [line for line in pages["README.md"].splitlines() if text in line]
    assert line.startswith("- old\\|one on shop: ")
    assert "bench run --tasks shop --model 'old|one'" in line.replace("\\", "")
    assert "- left out: the task's data changed" in pages["tasks/shop.md"]


def test_a_task_of_which_nothing_is_current_has_a_line_on_the_index(tmp_path):
    records = [
        quality_record("mini", task="gone", created=BEFORE),
        quality_record("mini", fingerprint="e" * 32, created=AFTER),
    ]
    pages = make_pages(write_records(tmp_path, records))
    assert "tasks/gone.md" not in pages
    for page in ("README.md", "leaderboard.md"):
        assert "- mini on gone: 1 view left out: the model changed" in pages[page]


@pytest.mark.parametrize(("models", "more"), [(10, None), (12, "- and 2 more (bench results --left-out)")])
def test_at_most_ten_lines(tmp_path, models, more):
    old = [quality_record(f"m{number:02}", created=BEFORE) for number in range(models)]
    page = make_pages(write_records(tmp_path, [*old, quality_record("new", data="e" * 32, created=AFTER)]))["README.md"]
    section = page.split("## Left out")[1].split("##")[0]
    assert len(re.findall(r"^- m", section, re.MULTILINE)) == 10
    assert ("and 2 more" in section) == (more is not None)
    assert more is None or more in section


def test_the_pages_hold_where_all_that_is_current_lacks_the_metric(tmp_path):
    records = [
        quality_record("mini", metric="ndcg_at_5", created=BEFORE),
        quality_record("maxi", created="2026-01-15T00:00:00+00:00"),
        quality_record("maxi", task="talk", fingerprint="e" * 32, created=AFTER),
    ]
    pages = make_pages(write_records(tmp_path, records))
    # The newest scores that are current name the metric.
    assert "Main score: `ndcg_at_5`" in pages["tasks/shop.md"]
    assert "maxi on shop: 1 view left out: the model changed" in pages["tasks/shop.md"]
