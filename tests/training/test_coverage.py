from __future__ import annotations

from bench.training.coverage import Coverage, cover


def test_rows_batches_and_small_batches_are_counted_by_data_set():
    # Rows 0 to 3 are of one data set, 4 to 9 of the other; half of a batch is two rows.
    batches = [[0, 2, 3], [4, 5, 6, 7], [0], [8], [3, 2]]
    found = cover(batches, [("one", 4), ("two", 6)], 4)
    assert found == [Coverage("one", 4, 3, 3, 1, 4), Coverage("two", 6, 5, 2, 1, 4)]
    assert str(found[0]) == "one: 3 of 4 rows in 3 batches, 1 of them below 2 rows"
    assert str(Coverage("all", 1000, 1000, 63, 0, 16)) == "all: 1,000 of 1,000 rows in 63 batches"
