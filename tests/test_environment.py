from __future__ import annotations

import pytest

from bench import environment


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Writes what the system tells of the processor, and gives the facts."""

    def write(info, governor=None):
        for name, text in (("cpuinfo", info), ("governor", governor)):
            path = tmp_path / name
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text)
        monkeypatch.setattr(environment, "_CPU_INFO", tmp_path / "cpuinfo")
        monkeypatch.setattr(environment, "_GOVERNOR", tmp_path / "governor")
        environment.describe.cache_clear()
        return environment.describe()

    yield write
    environment.describe.cache_clear()


X86 = "processor : 0\nmodel name : Fast 9000\nflags : fpu avx2 avx512f fma sse4_2 vmx amx_bf16 md_clear\n"


def test_the_processor_its_vector_instructions_and_its_governor(machine):
    facts = machine(X86, "performance\n")
    assert facts["cpu"] == "Fast 9000"
    assert facts["cpu_flags"] == ["amx_bf16", "avx2", "avx512f", "fma", "sse4_2"]
    assert facts["governor"] == "performance"


def test_arm_calls_them_features(machine):
    facts = machine("processor : 0\nFeatures : fp asimd asimddp sve crc32\n")
    assert facts["cpu_flags"] == ["asimd", "asimddp", "sve"]
    assert facts["governor"] is None


def test_a_system_that_tells_nothing(machine):
    facts = machine(None)
    assert facts["cpu"]
    assert facts["cpu_flags"] == []


def test_what_cost_depends_on_changes_the_fingerprint(machine, monkeypatch):
    found = set()
    for info, governor in ((X86, "performance"), (X86, "powersave"), (X86.replace("avx512f", ""), "performance")):
        machine(info, governor)
        found.add(environment.fingerprint())
    # Another kernel's list of mitigations is the same machine.
    machine(X86.replace("md_clear", "ibrs"), "performance")
    assert environment.fingerprint() in found
    assert len(found) == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    environment.describe.cache_clear()
    assert environment.fingerprint() not in found
