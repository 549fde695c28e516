"""Funnels from results made for the purpose; every number here is worked out by hand."""

from __future__ import annotations

import pytest
from support import cost_record, quality_record, rerank_record

from bench.report.funnel import cheapest, cheapest_blocks, funnel_table, make_funnels
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


def costs(figures, spread=None, full=None):
    found = [
        Figure(
            name="cascade_p50_ms", value=value, n=90, spread=spread, truncate_dim=dim, precision=precision,
            detail={"shortlist": n},
        )
        for (dim, precision, n), value in figures.items()
    ]  # fmt: skip
    whole = Figure(name="search_p50_ms", value=full or 1.0, n=90, truncate_dim=8, precision="float32")
    return cost_record().model_copy(update={"figures": [*found, whole] if full else found})


def cells(line):
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_shares_are_of_the_full_width_in_float32():
    funnel = one(quality_record(views={(8, "float32"): 0.5, (4, "float32"): 0.3}), rerank_record(shortlists=LISTS))
    assert (funnel.unit, funnel.full, funnel.lengths) == (UNIT, 0.5, [10, 100])
    assert funnel.views == [View(8, "binary"), View(4), View(4, "binary")]
    kept = funnel.shortlists[Shortlist(View(4), 100)]
    assert (kept.score, kept.share, kept.recall, kept.latency_ms) == (0.51, pytest.approx(1.02), 1.0, None)


def test_the_cheapest_reads_the_fewest_bytes_and_then_is_the_shortest():
    funnel = one(quality_record(views={(8, "float32"): 0.5}), rerank_record(shortlists=LISTS))
    # 8 and 4 bits both take a byte: of those that keep 99%, the shortest list decides.
    [found] = cheapest(funnel)
    assert (found.shortlist, found.by) == (Shortlist(View(8, "binary"), 10), ("bytes",))
    assert [entry.shortlist for entry in cheapest(funnel, 0.993)] == [Shortlist(View(8, "binary"), 100)]
    assert [entry.shortlist for entry in cheapest(funnel, 1.01)] == [Shortlist(View(4), 100)]
    assert cheapest(funnel, 1.03) == []


def test_a_list_of_all_documents_is_no_shortlist():
    reranked = rerank_record(shortlists=LISTS)
    of_100 = reranked.model_copy(update={"task": reranked.task.model_copy(update={"documents": 100})})
    [found] = cheapest(one(quality_record(views={(8, "float32"): 0.5}), of_100))
    assert found.shortlist == Shortlist(View(8, "binary"), 10)
    assert cheapest(one(quality_record(views={(8, "float32"): 0.5}), of_100), 1.01) == []


def test_where_all_that_keep_enough_were_timed_the_fastest_is_told_too():
    records = quality_record(views={(8, "float32"): 0.5}), rerank_record(shortlists=LISTS)
    times = dict.fromkeys(LISTS, 1.0) | {(4, "float32", 10): 0.5, (4, "binary", 10): 0.1}
    fastest, smallest = cheapest(one(*records, costs(times)))
    assert (fastest.shortlist, fastest.kept.latency_ms, fastest.by) == (Shortlist(View(4), 10), 0.5, ("latency",))
    assert (smallest.shortlist, smallest.kept.latency_ms, smallest.by) == (
        Shortlist(View(8, "binary"), 10), 1.0, ("bytes",),
    )  # fmt: skip
    [both] = cheapest(one(*records, costs(times | {(8, "binary", 10): 0.4})))
    assert (both.shortlist, both.by) == (Shortlist(View(8, "binary"), 10), ("latency", "bytes"))
    del times[8, "binary", 100]
    assert [entry.by for entry in cheapest(one(*records, costs(times)))] == [("bytes",)]
    # What keeps too little need not be timed.
    assert [entry.by for entry in cheapest(one(*records, costs(times)), 1.01)] == [("latency", "bytes")]


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
    records = quality_record(views={(8, "float32"): 0.5}), rerank_record(shortlists=LISTS)
    funnel = one(*records)
    lines = funnel_table(funnel).splitlines()
    assert cells(lines[0]) == ["view", "bytes/vector", "10", "100"]
    assert cells(lines[-1]) == ["4 binary", "1", "80.0% (0.500)", "99.2% (0.900)"]
    [table] = cheapest_blocks([funnel])
    assert cells(table.splitlines()[0])[-3:] == ["p50 ms", "full score", "full p50 ms"]
    expected = ["mini", "pretrained", "bytes", "8 binary", "1", "10", "0.4950", "99.0%", "0.700", "", "0.5000", ""]
    assert cells(table.splitlines()[-1]) == expected
    [table] = cheapest_blocks([funnel], 2.0)
    assert cells(table.splitlines()[-1])[2:] == ["none", *[""] * 7, "0.5000", ""]


def test_times_stand_beside_that_of_full_width_and_noise_is_marked():
    records = quality_record(views={(8, "float32"): 0.5}), rerank_record(shortlists=LISTS)
    times = dict.fromkeys(LISTS, 1.0) | {(4, "float32", 10): 0.25}
    [table] = cheapest_blocks([one(*records, costs(times, full=0.75))])
    fastest, smallest = (cells(line) for line in table.splitlines()[-2:])
    assert (fastest[:4], fastest[9:]) == (["mini", "pretrained", "latency", "4 float32"], ["0.250", "0.5000", "0.750"])
    assert (smallest[:4], smallest[9:]) == (["", "", "bytes", "8 binary"], ["1.00", "0.5000", "0.750"])
    table, note = cheapest_blocks([one(*records, costs(times, spread=0.2))])
    assert cells(table.splitlines()[-1])[9] == "1.00†"
    assert note.startswith("† ")
    busy = costs(times, full=0.75)
    busy = busy.model_copy(update={"noise": busy.noise.model_copy(update={"noisy": True})})
    table, note = cheapest_blocks([one(*records, busy)])
    assert cells(table.splitlines()[-1])[9:] == ["1.00†", "0.5000", "0.750†"]


def test_a_view_that_was_not_scored_at_a_length_is_blank():
    lists = {(4, "float32", 10): (0.4, 0.5), (4, "binary", 20): (0.4, 0.5)}
    lines = funnel_table(one(quality_record(), rerank_record(shortlists=lists))).splitlines()
    assert [line.split("|")[3].strip() for line in lines[2:]] == ["80.0% (0.500)", ""]
