"""What is current and what is left out: by hand, and of random sequences of records against the rule read backwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import control_record, cost_record, fidelity_record, quality_record, rerank_record

from bench.results.cells import other_content
from bench.results.index import ResultIndex, unit_key
from bench.results.left_out import MOST, find_left_out, left_out_lines
from bench.results.study_records import ControlRecord
from bench.views import View

VIEWS = [(8, "float32"), (4, "float32"), (4, "int8")]
BEFORE, AFTER = "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"


def index_of(*records):
    return ResultIndex((Path(f"{number}.json"), record) for number, record in enumerate(records))


def lines_of(*records):
    return left_out_lines(find_left_out(index_of(*records)))


def scored(index):
    """Model, task and view of every score that is shown, with both fingerprints."""
    return {
        (model, unit[0], view): (cell.record.model.fingerprint[0], cell.record.task.fingerprint[0])
        for unit, current in index.ranked.items()
        for model, cells in current.cells.items()
        for view, cell in cells.items()
    }


def measured(index):
    """Likewise model, task, environment and figure of every cost."""
    return {
        (model, unit[0], environment, key): (record.model.fingerprint[0], record.task.fingerprint[0])
        for unit, current in index.ranked.items()
        for environment, costs in current.costs.items()
        for model, cost in costs.items()
        for key, (_, record) in cost.figures.items()
    }


def lost(index, kind):
    return {
        (entry.model, part.unit[0], *(part.part if kind == "cost" else (part.part,)))
        for entry in find_left_out(index)
        for part in entry.parts
        if part.kind == kind
    }


contents = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["a", "b"]),
        "fingerprint": st.sampled_from(["1" * 32, "2" * 32, "3" * 32]),
        "task": st.sampled_from(["shop", "talk"]),
        "data": st.sampled_from(["x" * 32, "y" * 32]),
    }
)


@st.composite
def sequences(draw):
    """Records of random kinds, contents and parts, oldest first."""
    records = []
    for number in range(draw(st.integers(1, 12))):
        names = draw(contents) | {"created": f"2026-01-{number + 1:02}"}
        kind = draw(st.sampled_from(["quality", "quality", "cost", "cost", "control", "fidelity", "rerank"]))
        views = draw(st.lists(st.sampled_from(VIEWS), min_size=1, unique=True))
        if kind == "quality":
            records.append(quality_record(views=dict.fromkeys(views, 0.5), **names))
        elif kind == "cost":
            figures = [("search_p50_ms", 1.0, *view) for view in views]
            environment = draw(st.sampled_from(["here", "there"]))
            setup = {"device": draw(st.sampled_from(["cpu", "cpu", "cuda"]))}
            record = cost_record(figures=figures, environment=environment, **names)
            records.append(record.model_copy(update={"setup": setup}))
        elif kind == "control":
            records.append(control_record(**names))
        elif kind == "fidelity":
            records.append(fidelity_record(**names))
        else:
            records.append(rerank_record(**names))
    return records


def newest(records, kind, **names):
    """The last record of a kind that has these names."""
    of_kind = [record for record in reversed(records) if record.record == kind]
    return next(
        (
            record
            for record in of_kind
            if all({"model": record.model.name, "unit": unit_key(record)}[key] == name for key, name in names.items())
        ),
        None,
    )


def is_current(record, records):
    """The rule read backwards: the newest of the kind decides, of studies that of scores where there is one."""
    kinds = [record.record] if record.record in {"quality", "cost"} else ["quality", record.record]
    models = [newest(records, kind, model=record.model.name) for kind in kinds]
    units = [newest(records, kind, unit=unit_key(record)) for kind in kinds]
    model, unit = (next(found for found in those if found is not None) for those in (models, units))
    return (record.model.fingerprint, record.task.fingerprint) == (model.model.fingerprint, unit.task.fingerprint)


@given(sequences())
def test_every_part_is_shown_or_left_out_and_never_both(records):
    index = index_of(*records)
    written = {
        (record.model.name, record.task.name, scores.view)
        for record in records
        if record.record == "quality"
        for scores in record.views
    }
    assert set(scored(index)) | lost(index, "quality") == written
    assert not set(scored(index)) & lost(index, "quality")
    costs = {
        (record.model.name, record.task.name, record.environment, figure.key)
        for record in records
        if record.record == "cost"
        for figure in record.figures
    }
    assert set(measured(index)) | lost(index, "cost") == costs
    assert not set(measured(index)) & lost(index, "cost")
    for kind, table in (("control", "controls"), ("fidelity", "fidelity"), ("rerank", "reranked")):
        shown = {
            (model, unit[0], part)
            for unit, current in index.ranked.items()
            for model, parts in getattr(current, table).items()
            for part in parts
        }
        known = {
            (model, unit[0], part) for (model, _, unit, _), parts in getattr(index, table).items() for part in parts
        }
        assert shown | lost(index, kind) == known
        assert not shown & lost(index, kind)


@given(sequences())
def test_what_is_current_follows_from_the_newest_of_its_kind(records):
    index = index_of(*records)
    for record in records:
        assert bool(index.superseded(record)) != is_current(record, records), record
    # Side by side are scores of one content of a model, and of one of a task's data.
    shown = scored(index)
    assert len({(model, content) for (model, _, _), (content, _) in shown.items()}) == len({key[0] for key in shown})
    assert len({(task, data) for (_, task, _), (_, data) in shown.items()}) == len({key[1] for key in shown})


@given(sequences())
def test_costs_and_scores_do_not_change_each_other(records):
    index = index_of(*records)
    without_costs = index_of(*(record for record in records if record.record != "cost"))
    assert (scored(index), lost(index, "quality")) == (scored(without_costs), lost(without_costs, "quality"))
    costs_alone = index_of(*(record for record in records if record.record == "cost"))
    assert (measured(index), lost(index, "cost")) == (measured(costs_alone), lost(costs_alone, "cost"))


def test_a_cost_record_of_a_rebuilt_model_hides_no_score():
    scores = quality_record(views=dict.fromkeys(VIEWS[:2], 0.5), created=BEFORE)
    cost = cost_record(figures=[("encode_p50_ms", 1.0, None, None)], fingerprint="e" * 32, created=AFTER)
    index = index_of(scores, cost)
    assert set(scored(index)) == {("mini", "shop", View(8)), ("mini", "shop", View(4))}
    assert find_left_out(index) == []
    [(_, current)] = index.current.items()
    note = other_content(current.costs["env"]["mini"], scores)
    assert note == f"costs were measured on model {'e' * 8} (the scores are of {'f' * 8})"
    assert other_content(current.costs["env"]["mini"], cost) == ""


def test_a_cost_record_of_changed_data_hides_no_score_of_others():
    scores = [quality_record(model, created=BEFORE) for model in ("mini", "maxi")]
    cost = cost_record("mini", [("search_p50_ms", 1.0, 8, "float32")], data="e" * 32, created=AFTER)
    assert {model for model, *_ in scored(index_of(*scores, cost))} == {"mini", "maxi"}


def test_a_model_scored_again_on_one_task_is_left_out_on_the_others():
    old = [quality_record(task=task, created=BEFORE) for task in ("shop", "talk")]
    new = quality_record(task="shop", fingerprint="e" * 32, created=AFTER)
    assert lines_of(*old, new) == [
        (
            "mini on talk: 1 view left out: the model changed on 2026-02-01 (newer scores are of the new model); "
            "bench run --tasks talk --model mini"
        )
    ]


def test_what_newer_results_replace_is_not_left_out_and_the_rest_is():
    old = quality_record(views=dict.fromkeys(VIEWS, 0.5), created=BEFORE)
    new = quality_record(views={VIEWS[0]: 0.6}, data="e" * 32, created=AFTER)
    assert lines_of(old, new) == [
        (
            "mini on shop: 2 views left out: the task's data changed on 2026-02-01 (newer scores are of the new data); "
            "bench run --tasks shop --model mini"
        )
    ]


def test_the_day_is_that_of_the_first_newer_result():
    days = [quality_record(name, data="e" * 32, created=f"2026-02-0{day}") for day, name in ((1, "b"), (2, "c"))]
    assert "changed on 2026-02-01" in lines_of(quality_record(created=BEFORE), *days)[0]


def test_studies_of_other_content_than_the_scores_are_listed_with_their_options():
    studies = [control_record(created=BEFORE), rerank_record(created=BEFORE), fidelity_record(created=BEFORE)]
    [line] = lines_of(*studies, quality_record(fingerprint="e" * 32, created=AFTER))
    assert line == (
        "mini on shop: 1 control, 1 shortlist and the fidelity of 1 view left out: the model changed on 2026-02-01 "
        "(newer scores are of the new model); bench run --tasks shop --model mini --controls --rerank --fidelity"
    )
    # Of a content that was never scored.
    [line] = lines_of(quality_record(created=BEFORE), fidelity_record(fingerprint="e" * 32, created=AFTER))
    assert "the fidelity of 1 view left out: the scores are of another model since 2026-01-01" in line


def test_costs_of_an_earlier_build_are_left_out_where_newer_ones_are_of_another():
    figures = [("encode_p50_ms", 1.0, None, None), ("search_p50_ms", 1.0, 8, "float32")]
    old, new = cost_record(figures=figures), cost_record(figures=figures[:1], fingerprint="e" * 32, created=AFTER)
    assert lines_of(old, new) == [
        (
            "mini on shop: 1 cost figure left out: the model changed on 2026-02-01 (newer costs are of the new model); "
            "bench cost --tasks shop --model mini"
        )
    ]


def test_costs_of_another_setup_are_left_out():
    old = cost_record(figures=[("encode_p50_ms", 1.0, None, None), ("encode_p95_ms", 2.0, None, None)])
    new = cost_record(figures=[("encode_p50_ms", 1.0, None, None)], created=AFTER)
    [line] = lines_of(old, new.model_copy(update={"setup": {"device": "cuda"}}))
    assert line.startswith("mini on shop: 1 cost figure left out: measured with another device or batch size, before 2")


def test_a_record_in_which_nothing_was_measured_supersedes_nothing():
    cost = cost_record(figures=[("encode_p50_ms", 1.0, None, None)])
    empty = cost_record(fingerprint="e" * 32, created=AFTER)
    assert len(measured(index_of(cost, empty))) == 1
    # Why nothing could be measured is shown where that is all there is.
    assert index_of(empty).current[unit_key(empty)].costs


def test_scores_without_the_metric_that_ranks_the_task_now_are_left_out_of_leaderboards_alone():
    old = quality_record("old", metric="ndcg_at_5", created=BEFORE)
    index = index_of(old, quality_record("new", created=AFTER))
    assert {model for model, *_ in scored(index)} == {"new"}
    [entry] = find_left_out(index)
    assert entry.what == "1 view left out: the task is ranked by ndcg_at_10 now, which they lack"
    assert find_left_out(index, ranked=False) == []
    assert set(index.current[unit_key(old)].cells) == {"old", "new"}


def test_ten_lines_and_how_many_more():
    old = [quality_record(f"m{number:02}", created=BEFORE) for number in range(12)]
    lines = lines_of(*old, quality_record("new", data="e" * 32, created=AFTER))
    assert len(lines) == MOST + 1
    assert lines[-1] == "and 2 more (bench results --left-out)"


@pytest.mark.parametrize(("subsets", "text"), [(["en", "de"], "(en, de)"), ("abcd", "(4 subsets)")])
def test_subsets_of_a_task_share_a_line(subsets, text):
    old = quality_record(created=BEFORE)
    olds = [old.model_copy(update={"task": old.task.model_copy(update={"subset": subset})}) for subset in subsets]
    [line] = lines_of(*olds, quality_record(task="talk", fingerprint="e" * 32, created=AFTER))
    assert line.startswith(f"mini on shop {text}: {len(subsets)} views left out")


def test_names_from_files_are_quoted_in_commands():
    old = quality_record("a b;c", task="my task", created=BEFORE)
    [line] = lines_of(old, quality_record("new", task="my task", data="e" * 32, created=AFTER))
    assert line.endswith("bench run --tasks 'my task' --model 'a b;c'")


def test_controls_that_were_scored_first_decide_while_there_are_no_scores():
    record = control_record()
    assert isinstance(record, ControlRecord)
    index = index_of(record)
    assert list(index.current[unit_key(record)].controls) == ["mini"]
