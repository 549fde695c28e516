"""A short run of the fuzzer; CONTRIBUTING.md has the command for a long one."""

from __future__ import annotations

import fuzz_reading


def test_mutated_files_are_read_as_a_plain_parser_reads_them_or_refused():
    reports: list[str] = []
    found, faults = fuzz_reading.run(1200, seed=11, report=reports.append)
    assert faults == 0, "\n".join(reports)
    # Enough of them were read for the comparison to mean something.
    assert found["read"] > 100
    assert found["refused"] > 100
