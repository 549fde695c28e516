from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.cells import number_text, score_text
from bench.report.columns import ENCODING_COLUMNS, VIEW_COLUMNS
from bench.report.html.data import pack_texts, page_data
from bench.report.verdicts import loss_cells, loss_headings


def unpack(packed, place):
    value = packed["values"][place]
    return value if value is None or packed["decimals"] is None else value / 10 ** packed["decimals"]


def number(text):
    return float(text.rstrip("%").replace(",", "")) if text else None


def check_loss(packed, place, table, row):
    """The columns of losses as the other pages print them."""
    shown = loss_cells(table, row)
    if packed is None:
        assert shown == []
        return
    ends = [unpack(packed[key], place) for key in ("mean", "low", "high")]
    printed = "best" if place in packed["best"] else "" if row.loss is None else "{:.4f} [{:.4f}, {:.4f}]".format(*ends)
    assert [printed, packed["within"][place]] == shown
    assert packed["headings"] == loss_headings(table)


def test_the_data_are_the_tables(sample):
    data = page_data(sample.tables, {}, {})
    assert [table["title"] for table in data["tables"]] == [table.title for table in sample.tables]
    for packed, table in zip(data["tables"], sample.tables, strict=True):
        models = [data["models"][model] for model, *_, count in packed["runs"] for _ in range(count)]
        assert models == [row.model for row in table.rows]
        kinds = [(kind, leakage, drawn) for _, kind, leakage, drawn, count in packed["runs"] for _ in range(count)]
        assert kinds == [(row.kind, row.leakage, row.drawn) for row in table.rows]
        for place, row in enumerate(table.rows):
            view = None if packed["view"][place] < 0 else data["views"][packed["view"][place]]
            assert view == (row.view and [row.view.truncate_dim, data["precisions"].index(row.view.precision),
                                          row.view.bytes_per_vector])  # fmt: skip
            score = score_text(row.score)
            low, high = unpack(packed["low"], place), unpack(packed["high"], place)
            shown = f"{unpack(packed['score'], place):.4f} [{low:.3f}, {high:.3f}]" if row.score else ""
            assert shown == score
            assert (packed["rank"][place], packed["noisy"][place]) == (row.rank, str(int(row.noisy)))
            assert packed["group"][place] == (row.standing.group if row.standing else "")
            check_loss(packed["losses"], place, table, row)
            for column in VIEW_COLUMNS:
                found = packed["figures"].get(column.key)
                at = packed["view"][place] if found and found["by_view"] else place
                expected = number(number_text(column, getattr(row, column.key)))
                assert (unpack(found, at) if found else None) == pytest.approx(expected)
        assert [data["models"][model] for model in packed["encoding"]["model"]] == [row.model for row in table.encoding]
        for place, row in enumerate(table.encoding):
            for column in ENCODING_COLUMNS:
                found = packed["encoding"]["figures"].get(column.key)
                expected = number(number_text(column, getattr(row, column.key)))
                assert (unpack(found, place) if found else None) == pytest.approx(expected)
        assert [data["notes"][note] for note in packed["notes"]] == table.notes
        assert [data["notes"][note] for note in packed["footnotes"]] == table.footnotes


def test_searches_of_other_sizes_stand_apart(sample):
    data = page_data(sample.tables, {}, sample.sizes)
    table = next(table for table in data["tables"] if table["environment"] == "env")
    (size,) = table["sizes"]
    assert size["documents"] == 1_000_000
    found = [unpack(size["figures"]["search_p95_ms"], place) for place in range(len(table["view"]))]
    of_middle = [row.model == "middle" for row in sample.tables[0].rows]
    assert [value for value in found if value is not None] == [90.0, 50.0, 40.0, 5.0]
    assert [value is not None for value in found] == of_middle


def test_what_is_the_same_for_all_models_stands_once_a_view(sample):
    bytes_per_vector = {tuple(view): view[2] for view in page_data(sample.tables, {}, {})["views"]}
    assert set(bytes_per_vector.values()) == {256, 64, 128, 4}


@given(st.lists(st.one_of(st.none(), st.integers(-(10**8), 10**8)), max_size=9), st.integers(0, 4))
def test_numbers_of_as_many_decimals_are_packed_without_loss(wholes, decimals):
    texts = ["" if whole is None else f"{whole / 10**decimals:,.{decimals}f}" for whole in wholes]
    packed = pack_texts(texts)
    again = [
        None if value is None else f"{value / 10 ** packed['decimals']:,.{decimals}f}" for value in packed["values"]
    ]
    assert [text or "" for text in again] == texts


def test_numbers_of_other_decimals_are_kept_as_they_are():
    assert pack_texts(["1,234", "0.0123", ""])["values"] == [1234.0, 0.0123, None]


def test_shares_are_packed_with_their_sign():
    assert pack_texts(["97.3%", "100.0%"]) == {"values": [973, 1000], "decimals": 1, "percent": True, "by_view": False}
