from __future__ import annotations

import pytest

from bench.errors import did_you_mean


@pytest.mark.parametrize(
    ("name", "meant"), [("stsbenchmark", "STSBenchmark"), ("STSBenchmrk", "STSBenchmark"), ("en-EN", "en-en")]
)
def test_the_nearest_name_whatever_its_case(name, meant):
    assert did_you_mean(name, ["STS17", "en-tr", "STSBenchmark", "en-en"]) == f"did you mean `{meant}`?"


def test_nothing_near():
    assert did_you_mean("qqq", ["STS17"]) is None
