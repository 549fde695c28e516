"""The pages of a report: golden copies, what a change changes, writing and checking."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path, PurePosixPath

import pytest
import report_results
from support import ROOT, audit_record, cost_record, quality_record, write_records

from bench.errors import BenchError
from bench.report.cells import significant
from bench.report.pages import StalePage, make_pages, stale_pages, write_pages
from bench.results.store import ResultStore

HERE = Path(__file__).parent
RESULTS, GOLDEN = HERE / "results", HERE / "golden"
ENVIRONMENTS = 2
# Lines of a model's retention that its score moves.
RETENTION = 1


def there(folder):
    """All files below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def changed_pages(before, after):
    """The web page and pictures that differ."""
    assert set(before) == set(after)
    return {page for page in before if not page.endswith(".md") and before[page] != after[page]}


def changed_lines(before, after):
    """Page and first cell of every line of Markdown that differs; pages have the same lines otherwise."""
    assert set(before) == set(after)
    found = []
    for page, text in before.items():
        if not page.endswith(".md"):
            continue
        for line, other in zip(text.splitlines(), after[page].splitlines(), strict=True):
            if line != other:
                found.append((page, line.split("|")[1].strip() if line.startswith("|") else line[:12]))
    return sorted(found)


def test_the_pages_are_the_golden_ones():
    assert make_pages(RESULTS) == there(GOLDEN), (
        "look at them: bench report --results tests/report/results --reports ..."
    )


def without_digests(path):
    # The bytes of a table depend on the version of pyarrow.
    return {key: part for key, part in json.loads(path.read_text()).items() if not key.endswith("digest")}


def test_the_results_are_those_of_the_script(tmp_path):
    made, kept = (
        {path.relative_to(root).as_posix(): without_digests(path) for path in root.rglob("*.json")}
        for root in (report_results.write_results(tmp_path), RESULTS)
    )
    assert made == kept


def test_the_same_results_give_the_same_pages_whatever_order_they_were_written_in(tmp_path):
    records = [
        quality_record(views={(8, "float32"): 0.5, (4, "binary"): 0.25}),
        quality_record("big", kind="mrl", views={(8, "float32"): 0.5}),
        quality_record("bm25", kind="baseline", width=None, views={(None, None): 0.5}),
        cost_record(figures=[("encode_p50_ms", 6.5, None, None)]),
        audit_record(["leaked"]),
    ]
    assert make_pages(write_records(tmp_path / "a", records)) == make_pages(
        write_records(tmp_path / "b", reversed(records))
    )


def test_one_changed_cost_changes_its_cell_on_the_page_of_its_task_and_of_its_model(tmp_path):
    before, after = make_pages(RESULTS), make_pages(report_results.write_results(tmp_path, search_ms=0.006))
    assert changed_lines(before, after) == [("models/mini.md", "shop (test)"), ("tasks/shop.md", "mini")]
    # The environment that it was measured in has a picture of its own.
    assert changed_pages(before, after) == {"index.html", "pictures/shop-test-0123456789ab-tradeoff.svg"}


def test_one_changed_query_changes_the_rows_of_its_model_and_bounds_of_the_family(tmp_path):
    queries = report_results.QUERIES | {"mini": [0.3, *report_results.QUERIES["mini"][1:]]}
    before, after = make_pages(RESULTS), make_pages(report_results.write_results(tmp_path, queries=queries))
    views = len(report_results.VIEWS["mini"])
    assert changed_lines(before, after) == sorted(
        [
            ("leaderboard.md", "[mini](models/mini.md)"),
            *[("models/mini.md", dim) for dim in ("8", "8", "4", "4")],
            # The bounds of models' losses hold for all of them together.
            ("models/bm25.md", ""),
            *[("tasks/shop.md", "bm25")] * ENVIRONMENTS,
            *[("tasks/shop.md", "mini")] * views * ENVIRONMENTS,
            *[("tasks/shop.md", "mini")] * RETENTION,
        ]
    )
    assert changed_pages(before, after) == {
        "index.html",
        "pictures/shop-test-0123456789ab-tradeoff.svg",
        "pictures/shop-test-fedcba987654-tradeoff.svg",
        "pictures/shop-test-retention.svg",
        "pictures/tasks-1.svg",
    }


def test_a_change_that_decides_between_two_models_changes_the_answer_and_the_ranks(tmp_path):
    # Until now the baseline does not differ significantly from the best; now it is worse on every query.
    queries = report_results.QUERIES | {"bm25": [score - 0.3 for score in report_results.QUERIES["big"]]}
    after = make_pages(report_results.write_results(tmp_path, queries=queries))
    before = make_pages(RESULTS)
    for page in ("leaderboard.md", "tasks/shop.md"):
        assert "Not significantly different: bm25." in before[page]
        assert "Not significantly different: bm25." not in after[page]
        assert "Every other model is significantly worse." in after[page]
    assert "0.8400 (2 a)" in before["leaderboard.md"]
    assert "0.5800 (2 b)" in after["leaderboard.md"]
    assert "**0.8800** (1 a)" in after["leaderboard.md"]


def slug(heading):
    """GitHub's anchor of a heading, after its documentation: lower case, punctuation out, hyphens for spaces."""
    shown = re.sub(r"\\(.)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")


@pytest.mark.parametrize("folder", [GOLDEN, ROOT / "reports"], ids=["golden", "reports"])
def test_every_link_leads_to_a_page_and_a_heading_that_are_there(folder):
    files = there(folder)
    pages = {name: text for name, text in files.items() if name.endswith(".md")}
    anchors = {name: {slug(found) for found in re.findall(r"^#+ (.*)$", text, re.M)} for name, text in pages.items()}
    links = [(name, target) for name, text in pages.items() for target in re.findall(r"\]\(([^)]+)\)", text)]
    assert len(links) > 20
    for name, target in links:
        path, _, anchor = target.partition("#")
        place = (folder / name).parent / path if path else folder / name
        page = place.resolve().relative_to(folder.resolve()).as_posix()
        assert page in files, (name, target)
        assert not anchor or anchor in anchors[page], (name, target)


def test_every_page_is_linked_from_the_index():
    linked = set(re.findall(r"\]\(([^)#]+)\)", (GOLDEN / "README.md").read_text()))
    files = set(there(GOLDEN)) - {"README.md"}
    assert linked == {name for name in files if not name.startswith("pictures/")}
    pages = [text for name, text in there(GOLDEN).items() if name.endswith(".md")]
    shown = {PurePosixPath(target).name for text in pages for target in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)}
    assert {f"pictures/{name}" for name in shown} == files - linked


def test_no_results_is_an_error(tmp_path):
    with pytest.raises(BenchError, match="no results"):
        make_pages(tmp_path)


def test_names_that_are_written_alike_in_files_have_pages_of_their_own(tmp_path):
    names = ["a/b", "a_b", "Model", "model"]
    pages = make_pages(write_records(tmp_path, [quality_record(name, task=name) for name in names]))
    for folder in ("models", "tasks"):
        found = [page for page in pages if page.startswith(folder)]
        assert len({page.casefold() for page in found}) == len(names)
        titles = [pages[page].splitlines()[0] for page in found]
        assert sorted(titles) == sorted(f"# {name}" for name in names)
        for name in names:
            [target] = re.findall(rf"\[{name}\]\(({folder}/[^)]*)\)", pages["README.md"])
            assert pages[target].startswith(f"# {name}\n")


def test_a_name_cannot_leave_the_folder(tmp_path):
    pages = make_pages(write_records(tmp_path, [quality_record("../../evil", task="..")]))
    assert all(len(PurePosixPath(page).parts) <= 2 and ".." not in page for page in pages)


def test_writing_makes_everything_once_and_removes_what_is_made_no_more(tmp_path):
    results, reports = report_results.write_results(tmp_path / "results"), tmp_path / "reports"
    assert {page.state for page in stale_pages(results, reports)} == {"missing"}
    assert not reports.exists()
    assert len(write_pages(results, reports)) == len(there(GOLDEN))
    assert there(reports) == there(GOLDEN)
    assert write_pages(results, reports) == stale_pages(results, reports) == []
    shutil.rmtree(results / "quality" / "org_talk")
    (reports / "models" / "mini.md").write_text("Made by `bench report`, then edited")
    (reports / "models" / "bm25.md").unlink()
    wanted = [
        StalePage("README.md", "changed"),
        StalePage("leaderboard.md", "changed"),
        StalePage("models/bm25.md", "missing"),
        StalePage("models/mini.md", "changed"),
        StalePage("models/org_big_model__b_.md", "changed"),
        StalePage("models/bare.md", "changed"),
        StalePage("tasks/org_talk.md", "left over"),
    ]
    drawn = [name for name in there(GOLDEN) if name.startswith("pictures/org_talk")]
    wanted += [StalePage(name, "left over") for name in drawn]
    wanted += [StalePage("index.html", "changed"), StalePage("pictures/tasks-1.svg", "changed")]
    assert len(drawn) == 4
    assert stale_pages(results, reports) == sorted(wanted, key=lambda page: page.path)
    assert write_pages(results, reports) == sorted(wanted, key=lambda page: page.path)
    assert not (reports / "tasks" / "org_talk.md").exists()
    assert stale_pages(results, reports) == []


def test_a_users_own_files_stay(tmp_path):
    reports = tmp_path / "reports"
    own = ["notes.md", "tasks/mine.md", "tasks/deep/mine.md", "other/left.md", "pictures/own.svg"]
    for name in own:
        (reports / name).parent.mkdir(parents=True, exist_ok=True)
        (reports / name).write_text("mine")
    (reports / "other" / "left.md").write_text("Made by `bench report`, and moved by its user")
    write_pages(RESULTS, reports)
    assert set(there(reports)) == {*there(GOLDEN), *own}


@pytest.mark.parametrize("name", ["README.md", "tasks/shop.md"])
def test_a_file_that_no_report_wrote_is_not_replaced(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(BenchError, match="was not written by `bench report`") as caught:
        write_pages(RESULTS, tmp_path)
    assert str(tmp_path / name) in str(caught.value)
    assert there(tmp_path) == {name: "mine"}
    assert StalePage(name, "changed") in stale_pages(RESULTS, tmp_path)


def test_a_leaderboard_of_an_earlier_version_is_replaced(tmp_path):
    (tmp_path / "leaderboard.md").write_text("# Leaderboard\n\nMade by `bench report` from `results/`; do not edit.\n")
    write_pages(RESULTS, tmp_path)
    assert there(tmp_path) == there(GOLDEN)


@pytest.mark.parametrize("place", ["", "tasks", "tasks/shop.md"])
def test_places_that_cannot_be_written_are_named(tmp_path, place):
    reports = tmp_path / "reports"
    if place.endswith(".md"):
        (reports / place).mkdir(parents=True)
    else:
        (reports / place).parent.mkdir(parents=True, exist_ok=True)
        (reports / place).write_text("a file")
    with pytest.raises(BenchError) as caught:
        write_pages(RESULTS, reports)
    assert str(reports / place) in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.000123456, "0.000123"), (0.0123, "0.0123"), (1.236, "1.24"), (12.36, "12.4"), (1234.6, "1,235")],
)
def test_three_significant_digits(value, text):
    assert significant(value) == text


def test_an_environments_variables_are_named(tmp_path):
    root = write_records(tmp_path, [quality_record(), cost_record(figures=[("encode_p50_ms", 6.5, None, None)])])
    ResultStore(root).write_environment("env", {"cpu": "fast", "cores": 4, "variables": {"OMP_NUM_THREADS": "2"}})
    assert "`env`: fast, 4 cores, OMP_NUM_THREADS=2." in make_pages(root)["tasks/shop.md"]


def test_audits_of_other_data_and_harmless_findings_are_not_shown(tmp_path):
    others = [audit_record(["gone"], data="e" * 32), audit_record(["harmless"], weakens=False)]
    pages = make_pages(write_records(tmp_path, [quality_record(), *others]))
    assert not any(word in text for word in ("gone", "harmless") for text in pages.values())
    assert "§" not in pages["leaderboard.md"]


def test_superseded_results_are_left_out(tmp_path):
    old = quality_record(created="1", views={(8, "float32"): 0.1111})
    new = quality_record(created="2", fingerprint="e" * 32, views={(8, "float32"): 0.2222})
    pages = make_pages(write_records(tmp_path, [old, new]))
    assert "0.2222" in pages["tasks/shop.md"]
    assert not any("0.1111" in text for text in pages.values())


def test_a_model_without_a_score_is_named_with_the_reason(tmp_path):
    other_metric = quality_record("was-ranked-otherwise", created="1", metric="recall_at_10")
    other_metric = other_metric.model_copy(update={"task": other_metric.task.model_copy(update={"type": "retrieval"})})
    records = [
        other_metric,
        quality_record("retrained", created="1", fingerprint="1" * 32),
        quality_record("retrained", created="2", fingerprint="2" * 32, task="talk", data="t" * 32),
        quality_record("elsewhere", created="2", task="talk", data="t" * 32),
        quality_record(created="3"),
        cost_record("measured", [("encode_p50_ms", 6.5, None, None)]),
    ]
    page = make_pages(write_records(tmp_path, records))["tasks/shop.md"]
    reasons = page.split("Without a score here:")[1]
    assert "- not scored: elsewhere, measured\n" in reasons
    assert "- left out: the model changed on 2 (newer scores are of the new model): retrained\n" in reasons
    assert "- left out: the task is ranked by ndcg_at_10 now, which they lack: was-ranked-otherwise\n" in reasons
    # What its encoding costs is shown all the same.
    assert "- measured: not scored: cost only" in page
    assert re.search(r"^\| measured +\| +6.50 \|$", page, re.M)


@pytest.mark.parametrize(
    ("kind", "metric", "text"),
    [("retrieval", "recall_at_10", "2 queries"), ("sts", "cosine_pearson", "2 pairs"), ("mteb", "accuracy", "2 items")],
)
def test_the_caption_says_what_was_scored(tmp_path, kind, metric, text):
    made = quality_record(metric=metric)
    made = made.model_copy(update={"task": made.task.model_copy(update={"type": kind})})
    page = make_pages(write_records(tmp_path, [made]))["tasks/shop.md"]
    assert f"Main score: `{metric}` over {text}." in page
    # None of these scores is a mean of items that differ: of retrieval there is nothing to compare with.
    assert ("no test tells" in page) == (kind != "retrieval")


def test_a_model_that_may_have_seen_the_tests_is_marked_everywhere(tmp_path):
    record = quality_record("leaky", kind="fine-tuned")
    seen = record.model_copy(update={"model": record.model.model_copy(update={"leakage": True})})
    of_subsets = [
        seen.model_copy(update={"task": record.task.model_copy(update={"name": "pairs", "subset": subset})})
        for subset in ("a", "b")
    ]
    pages = make_pages(write_records(tmp_path, [quality_record(), seen, *of_subsets]))
    # The summary, the index, the mean over subsets and each of them, and the other task.
    rows = {page: re.findall(r"^\| \[?leaky.*$", text, re.M) for page, text in pages.items()}
    assert {page: len(found) for page, found in rows.items() if found} == {
        "leaderboard.md": 1, "README.md": 1, "tasks/pairs.md": 3, "tasks/shop.md": 1,
    }  # fmt: skip
    assert all("| fine-tuned ‡ " in row for found in rows.values() for row in found)
    note = "‡ may have been trained on what it is tested on: its recipe allows leakage."
    assert {page for page, text in pages.items() if page.endswith(".md") and text.count(note) != 1} == {
        "models/mini.md"
    }
