"""Peak memory by phase where the kernel counts it, and where another process has to sample it."""

from __future__ import annotations

import sys
import textwrap

import pytest

from bench.cost.process import run_probe

BODY = """
import numpy as np
from pathlib import Path
from bench.cost import memory
from bench.cost.answer import Answer

def probe(job):
    if job["sampled"]:
        memory._STATUS = memory._CLEAR = Path("/nonexistent/file")
    with memory.PeakMemory() as peaks:
        before = peaks.next_phase()
        block = np.ones(200 << 17)
        high = peaks.next_phase()
        del block
        # What is left of the phase before is the moment of its end.
        peaks.next_phase()
        after = peaks.next_phase()
    return Answer(settings={"grew": high - before, "after": after - before, "how": peaks.how})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")
@pytest.mark.parametrize(("sampled", "how"), [(False, "VmHWM"), (True, "sampled every 5 ms by another process")])
def test_200_mib_that_come_and_go(tmp_path, monkeypatch, sampled, how):
    (tmp_path / "a_probe.py").write_text(textwrap.dedent(BODY))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = run_probe("a_probe", {"sampled": sampled}).settings
    assert found["how"] == how
    assert found["grew"] == pytest.approx(200, abs=5)
    assert found["after"] < 50
