"""Funnels from results made for the purpose; every number here is worked out by hand."""

from __future__ import annotations

import pytest
from support import cost_record, quality_record, rerank_record

from bench.report.funnel import cheapest, cheapest_table, funnel_table, make_funnels
from bench.results.index import ResultIndex
from bench.results.schema import Figure
from bench.views import Shortlist, View

UNIT = ("shop", "test", "default")
LISTS = {
    (4, "binary", 10): (0.40, 0.5), (4, "binary", 100): (0.496, 0.9),
    (4, "float32", 10): (0.497, 0.8), (4, "float32", 100): (0.51, 1.0),
    (8, "binary", 10): (0.495, 0.7), (8, "binary", 100): (0.5, 1.0),
}  # fmt: skip


def later(record, seconds):
    return record.model_copy(update={"created": f"2026-01-01T00:00:{seconds:02d}+00:00"})


def index_of(*records):
    return ResultIndex([(None, later(record, number)) for number, record in enumerate(records)])


def funnels(*records):
    return make_funnels(index_of(*records))


def one(*records):
    [[funnel]] = funnels(*records).values()
    return funnel


def costs(figures):
    found = [
        Figure(name="cascade_p50_ms", value=value, n=90, truncate_dim=dim, precision=precision, detail={"shortlist": n})
        for (dim, precision, n), value in figures.items()
    ]
    return cost_record().model_copy(update={"figures": found})


def test_shares_are_of_the_full_width_in_float32():
    funnel = one(quality_record(views={(8, "float32"): 0.5, (4, "float32"): 0.3}), rerank_record(shortlists=LISTS))
    assert (funnel.unit, funnel.full, funnel.lengths) == (UNIT, 0.5, [10, 100])
    assert funnel.views == [View(8, "binary"), View(4), View(4, "binary")]
    kept = funnel.shortlists[Shortlist(View(4), 100)]
    assert (kept.score, kept.share, kept.recall, kept.latency_ms) == (0.51, pytest.approx(1.02), 1.0, None)


def test_the_cheapest_reads_the_fewest_bytes_and_then_is_the_shortest():
    funnel = one(quality_record(views={(8, "float32"): 0.5}), rerank_record(shortlists=LISTS))
    # 8 and 4 bits both take a byte: of those that keep 99%, the shortest list decides.
    found = cheapest(funnel)
    assert (found.shortlist, found.by_latency) == (Shortlist(View(8, "binary"), 10), False)
    assert cheapest(funnel, 0.993).shortlist == Shortlist(View(8, "binary"), 100)
    assert cheapest(funnel, 1.01).shortlist == Shortlist(View(4), 100)
    assert cheapest(funnel, 1.03) is None


def test_where_all_that_keep_enough_were_timed_the_fastest_is_the_cheapest():
    records = quality_record(views={(8, "float32"): 0.5}), rerank_record(shortlists=LISTS)
    times = dict.fromkeys(LISTS, 1.0) | {(4, "float32", 10): 0.5, (4, "binary", 10): 0.1}
    found = cheapest(one(*records, costs(times)))
    assert (found.shortlist, found.kept.latency_ms, found.by_latency) == (Shortlist(View(4), 10), 0.5, True)
    del times[8, "binary", 100]
    assert not cheapest(one(*records, costs(times))).by_latency
    # What keeps too little need not be timed.
    assert cheapest(one(*records, costs(times)), 1.01).by_latency


def test_models_without_a_score_at_full_width_and_superseded_ones_have_none():
    assert funnels(rerank_record()) == {}
    assert funnels(quality_record(views={(4, "float32"): 0.3}), rerank_record()) == {}
    assert funnels(quality_record(views={(8, "float32"): 0.0}), rerank_record()) == {}
    old = quality_record(), rerank_record()
    assert funnels(*old, quality_record(data="e" * 32)) == {}
    assert funnels(*old, quality_record(fingerprint="e" * 32)) == {}


def test_models_stand_by_their_score_and_one_metric_is_shown():
    views = {(8, "float32"): 0.5}
    found = funnels(
        quality_record("a", views=views), quality_record("b", views={(8, "float32"): 0.7}),
        rerank_record("a"), rerank_record("b"),
    )  # fmt: skip
    assert [funnel.model for funnel in found[UNIT]] == ["b", "a"]
    assert funnels(*[quality_record("a", views=views), rerank_record("a")] * 2).keys() == {UNIT}


def test_tables():
    funnel = one(quality_record(views={(8, "float32"): 0.5}), rerank_record(shortlists=LISTS))
    lines = funnel_table(funnel).splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == ["view", "bytes/vector", "10", "100"]
    assert [cell.strip() for cell in lines[-1].split("|")[1:-1]] == ["4 binary", "1", "80.0% (0.500)", "99.2% (0.900)"]
    [*_, line] = cheapest_table([funnel]).splitlines()
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells == ["mini", "pretrained", "8 binary", "0.5000", "1", "10", "0.4950", "99.0%", "0.700", "bytes"]
    [*_, line] = cheapest_table([funnel], 2.0).splitlines()
    assert [cell.strip() for cell in line.split("|")[1:-1]][2:4] == ["none", "0.5000"]
    timed = one(
        quality_record(views={(8, "float32"): 0.5}), rerank_record(shortlists=LISTS), costs(dict.fromkeys(LISTS, 0.25))
    )
    assert cheapest_table([timed]).rstrip("|").split("|")[-1].strip() == "0.250 ms"


def test_a_view_that_was_not_scored_at_a_length_is_blank():
    lists = {(4, "float32", 10): (0.4, 0.5), (4, "binary", 20): (0.4, 0.5)}
    lines = funnel_table(one(quality_record(), rerank_record(shortlists=lists))).splitlines()
    assert [line.split("|")[3].strip() for line in lines[2:]] == ["80.0% (0.500)", ""]
