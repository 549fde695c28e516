from __future__ import annotations

import pytest

from bench.statistics.margins import Margin, parse_margin


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("0.01", Margin(0.01)),
        (" .02 ", Margin(0.02)),
        (0.005, Margin(0.005)),
        (1e-5, Margin(0.00001)),
        ("2%", Margin(0.02, relative=True)),
        ("0.5 %", Margin(0.005, relative=True)),
    ],
)
def test_a_margin_is_a_loss_or_a_share(text, margin):
    assert parse_margin(text) == margin
    assert parse_margin(str(margin)) == margin


@pytest.mark.parametrize("text", ["", "0", "0%", "-0.01", "1", "100%", "1e-3", "nan", "a", "2%%", "0,01", True])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="not `"):
        parse_margin(text)


def test_a_share_is_of_the_references_score():
    assert parse_margin("2%").absolute(0.8) == pytest.approx(0.016)
    assert parse_margin("0.02").absolute(0.8) == 0.02
    assert parse_margin("2%").absolute(-0.5) == 0.0
