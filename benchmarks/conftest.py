"""Benchmarks of the program's own speed: each compares two ways in one run and prints their ratio.

They need the public data sets in $BENCH_DATA and all-MiniLM-L6-v2; absolute times of shared machines mean little.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def scifact() -> Path:
    """The SciFact folder."""
    folder = Path(os.environ.get("BENCH_DATA", "")) / "scifact"
    if not (folder / "corpus.jsonl").exists():
        pytest.skip("needs SciFact: set BENCH_DATA")
    return folder.resolve()


@pytest.fixture
def ratio(capsys: pytest.CaptureFixture[str]):
    """Prints a figure past pytest's capture."""

    def show(text: str) -> None:
        with capsys.disabled():
            print(f"\n    {text}")

    return show
