from __future__ import annotations

from pathlib import Path

import pytest
from support import control_record, cost_record, fidelity_record, quality_record

from bench.results.index import ResultIndex, unit_key
from bench.views import Control, ControlledView, View


def index_of(*records):
    return ResultIndex((Path(f"{number}.json"), record) for number, record in enumerate(records))


def test_the_newest_of_a_cell_counts():
    old, new = quality_record(views={(8, "float32"): 0.1}), quality_record(views={(8, "float32"): 0.2})
    (cell,) = index_of(old, new).cells.values()
    assert cell.record is new


def test_views_scored_at_different_times_stand_side_by_side():
    index = index_of(quality_record(views={(8, "float32"): 0.1}), quality_record(views={(4, "int8"): 0.2}))
    assert {key[-1] for key in index.cells} == {View(8), View(4, "int8")}


def test_the_newest_fidelity_of_each_view_counts():
    old = fidelity_record(views={(4, "int8"): {"rbo": 0.1}, (2, "int8"): {"rbo": 0.2}})
    new = fidelity_record(views={(2, "int8"): {"rbo": 0.3}})
    index = index_of(old, new)
    [cells] = index.fidelity.values()
    values = {view: cell.record.views[cell.position].measures["rbo"].value for view, cell in cells.items()}
    assert values == {View(4, "int8"): 0.1, View(2, "int8"): 0.3}
    assert (index.cells, index.controls) == ({}, {})
    assert index_of(old, fidelity_record(fingerprint="e" * 32)).superseded(old)


@pytest.mark.parametrize("change", [{"fingerprint": "e" * 32}, {"data": "e" * 32}])
def test_results_of_a_changed_model_or_task_are_superseded_not_lost(change):
    old, new = quality_record(), quality_record(**change)
    index = index_of(old, new)
    assert len(index.cells) == 2
    assert index.superseded(old)
    assert not index.superseded(new)
    # Back to the old content: whatever was written last is current.
    assert not index_of(old, new, old).superseded(old)


def test_a_model_that_changed_on_one_task_is_superseded_on_all():
    before = quality_record(task="talk")
    index = index_of(quality_record(task="shop"), before, quality_record(task="shop", fingerprint="e" * 32))
    assert index.superseded(before)


def test_costs_of_two_environments_are_both_kept():
    index = index_of(cost_record(environment="a"), cost_record(environment="b"), cost_record(environment="b"))
    assert {key[-1] for key in index.costs} == {"a", "b"}


def test_the_unit_is_named_by_task_split_and_subset():
    assert unit_key(quality_record()) == ("shop", "test", "default")


def test_figures_of_one_setup_are_merged_the_newest_of_each(tmp_path):
    wide = cost_record(figures=[("search_p50_ms", 2.0, 8, "float32"), ("encode_p50_ms", 5.0, None, None)])
    narrow = cost_record(figures=[("search_p50_ms", 1.0, 4, "float32"), ("encode_p50_ms", 6.0, None, None)])
    (cost,) = index_of(wide, narrow).costs.values()
    assert cost.value("search_p50_ms", View(8)) == 2.0
    assert cost.value("search_p50_ms", View(4)) == 1.0
    assert cost.value("encode_p50_ms") == 6.0
    assert cost.value("encode_p95_ms") is None


def test_figures_of_two_setups_are_not_mixed():
    cpu = cost_record(figures=[("encode_p50_ms", 5.0, None, None), ("encode_p95_ms", 9.0, None, None)])
    gpu = cost_record(figures=[("encode_p50_ms", 1.0, None, None)]).model_copy(update={"setup": {"device": "cuda"}})
    (cost,) = index_of(cpu, gpu).costs.values()
    assert cost.value("encode_p50_ms") == 1.0
    assert cost.value("encode_p95_ms") is None


@pytest.mark.parametrize(("spread", "noisy"), [(None, False), (0.1, False), (0.11, True)])
def test_the_row_of_a_view_is_noisy_when_its_own_processes_disagree(spread, noisy):
    record = cost_record(figures=[("search_p50_ms", 2.0, 8, "float32"), ("search_p50_ms", 1.0, 4, "float32")])
    figures = [record.figures[0].model_copy(update={"spread": spread}), record.figures[1]]
    (cost,) = index_of(record.model_copy(update={"figures": figures})).costs.values()
    assert cost.noisy_at(View(8)) is noisy
    assert not cost.noisy_at(View(4))
    assert not cost.noisy


def test_every_row_of_a_busy_machine_is_noisy():
    (cost,) = index_of(cost_record(figures=[("search_p50_ms", 2.0, 8, "float32")], noisy=True)).costs.values()
    assert cost.noisy_at(View(8))
    assert cost.noisy_at(View(4))


def test_the_newest_of_each_control_counts():
    old = control_record(controls={("pca", None, 4): 0.1, ("random", 1, 4): 0.2})
    new = control_record(controls={("random", 1, 4): 0.3, ("random", 2, 4): 0.4})
    [cells] = index_of(old, new).controls.values()
    values = {cut: cell.record.controls[cell.position].metrics["ndcg_at_10"].value for cut, cell in cells.items()}
    assert values == {
        ControlledView(Control("pca"), 4): 0.1,
        ControlledView(Control("random", 1), 4): 0.3,
        ControlledView(Control("random", 2), 4): 0.4,
    }


@pytest.mark.parametrize("change", [{"fingerprint": "e" * 32}, {"data": "e" * 32}])
def test_controls_go_with_the_scores_that_they_are_shares_of(change):
    controls, scores = control_record(), quality_record(**change)
    for index in (index_of(controls, scores), index_of(scores, controls)):
        assert index.superseded(controls)
        assert not index.superseded(scores)
    # Without scores the newest controls count.
    old = control_record(**change)
    assert index_of(old, controls).superseded(old)
    assert not index_of(old, controls).superseded(controls)
