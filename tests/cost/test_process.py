from __future__ import annotations

import sys
import textwrap

import pytest

from bench.cost.memory import peak_rss_mib, reset_peak
from bench.cost.process import run_probe
from bench.errors import BenchError


@pytest.fixture
def probe(tmp_path, monkeypatch):
    """Writes a probe module and returns its name."""

    def write(body):
        (tmp_path / "a_probe.py").write_text(
            "from bench.cost.answer import Answer\nfrom bench.errors import BenchError\n"
            f"def probe(job):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return "a_probe"

    return write


def test_a_job_goes_to_a_fresh_process_and_its_answer_comes_back(probe):
    import os

    name = probe("import os; return Answer(settings={'sum': sum(job['numbers']), 'pid': os.getpid()})")
    first, second = (run_probe(name, {"numbers": numbers}).settings for numbers in ([1, 2, 3], []))
    assert (first["sum"], second["sum"]) == (6, 0)
    assert len({first["pid"], second["pid"], os.getpid()}) == 3


def test_the_childs_error_reaches_the_user(probe):
    name = probe("raise BenchError('no weights', where='model `x`', hint='copy them')")
    with pytest.raises(BenchError) as caught:
        run_probe(name, {})
    assert (caught.value.message, caught.value.where, caught.value.hint) == ("no weights", "model `x`", "copy them")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise ValueError('odd')", "ValueError: odd"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
        ("import os; os._exit(3)", "exit status 3"),
    ],
)
def test_a_child_that_dies_says_how(probe, body, words):
    with pytest.raises(BenchError, match=words):
        run_probe(probe(body), {})


@pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")
def test_peak_memory_counts_what_was_touched_and_is_reset(probe):
    # In a child, so that nothing else of the test run is in the figures: 200 MiB come and go.
    name = probe(
        """
        import numpy as np
        from bench.cost.memory import peak_rss_mib, reset_peak
        before = peak_rss_mib()
        block = np.ones(200 << 17)
        high = peak_rss_mib()
        del block
        done = reset_peak()
        return Answer(settings={"grew": high - before, "after": peak_rss_mib() - before, "done": done})
        """
    )
    found = run_probe(name, {}).settings
    assert found["grew"] == pytest.approx(200, abs=5)
    if found["done"]:
        assert found["after"] < 50


def test_no_figure_where_there_is_no_proc(monkeypatch, tmp_path):
    from bench.cost import memory

    monkeypatch.setattr(memory, "_STATUS", tmp_path / "none")
    monkeypatch.setattr(memory, "_CLEAR", tmp_path / "no" / "folder")
    assert peak_rss_mib() is None
    assert reset_peak() is False


def test_threads_and_cores_are_set_before_anything_is_imported(probe):
    import os

    name = probe(
        """
        import os
        import torch
        from threadpoolctl import threadpool_info
        pools = [pool["num_threads"] for pool in threadpool_info()]
        return Answer(settings={"torch": torch.get_num_threads(), "pools": pools, "on": len(os.sched_getaffinity(0))})
        """
    )
    found = run_probe(name, {}, threads=1).settings
    assert (found["torch"], set(found["pools"]), found["on"]) == (1, {1}, 1)
    assert found["threads"] == 1
    assert set(found["cores"]) < os.sched_getaffinity(0) or os.cpu_count() == 1
