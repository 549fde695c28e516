"""RAPL's counters as files of the kernel, and the energy probe with a counter that tests move."""

from __future__ import annotations

import pytest

from bench import environment
from bench.cost import energy
from bench.cost.energy import Rapl, why_not
from bench.cost.nvml import NotCountedError

# name, counter, range
PACKAGES = {
    "intel-rapl:0": ("package-0", 1_000_000, 10_000_000),
    "intel-rapl:1": ("package-1", 9_500_000, 10_000_000),
    "intel-rapl:0:0": ("core", 700_000, 10_000_000),
    "intel-rapl:2": ("psys", 5_000_000, 10_000_000),
}


@pytest.fixture
def domains(tmp_path):
    for folder, (name, counter, most) in PACKAGES.items():
        (tmp_path / folder).mkdir()
        for file, text in (("name", name), ("energy_uj", counter), ("max_energy_range_uj", most)):
            (tmp_path / folder / file).write_text(f"{text}\n")
    return tmp_path


def move(domains, folder, counter):
    (domains / folder / "energy_uj").write_text(f"{counter}\n")


def test_packages_are_summed_and_what_is_inside_them_is_not(domains):
    meter = Rapl(domains)
    for folder in PACKAGES:
        move(domains, folder, PACKAGES[folder][1] + 400_000)
    assert meter.joules() == pytest.approx(0.8)
    meter.start()
    assert meter.joules() == 0


def test_a_counter_that_started_again_goes_on(domains):
    meter = Rapl(domains)
    move(domains, "intel-rapl:1", 250_000)
    # 0.5 J up to its end, and 0.25 J from there.
    assert meter.joules() == pytest.approx(0.75)


def test_no_counter(tmp_path):
    with pytest.raises(NotCountedError, match="shows no energy counter"):
        Rapl(tmp_path)


def test_a_counter_for_root_alone_says_what_to_do(domains, monkeypatch):
    read = energy.Path.read_text

    def refuse(path, **keys):
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied")
        return read(path, **keys)

    monkeypatch.setattr(energy.Path, "read_text", refuse)
    with pytest.raises(NotCountedError, match="only root") as caught:
        Rapl(domains)
    assert "chmod a+r" in caught.value.hint


def test_what_is_no_number_is_not_read(domains):
    move(domains, "intel-rapl:0", "?")
    with pytest.raises(NotCountedError, match="cannot be read"):
        Rapl(domains)


@pytest.mark.parametrize(("device", "gpus", "blank"), [("cpu", 1, True), ("auto", 0, True), ("auto", 1, False)])
def test_the_plan_knows_where_nothing_counts(tmp_path, monkeypatch, device, gpus, blank):
    monkeypatch.setattr(environment, "gpus", lambda: [{"name": "H1"}] * gpus)
    monkeypatch.setattr(energy.Rapl.__init__, "__defaults__", (tmp_path,))
    reason = why_not(device)
    assert (reason is not None) == blank
    if blank:
        assert reason.startswith("the kernel shows no energy counter")
