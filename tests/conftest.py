"""What all tests share: an isolated cache, a small real model, and the place of the public data sets."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# Before anything imports a Hugging Face library.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Processes that share the cores spend a fifth of their time waiting for each other's threads.
os.environ.setdefault(
    "OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), 1))
)

from support import make_model

from bench.cost import effort

# A shell's background jobs ignore SIGINT, and so would the programs that tests start and interrupt.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes, or takes to make, says nothing on a busy machine.
hypothesis.settings.register_profile("bench", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("bench")

TINY_EFFORT = effort.Effort(
    processes=1,
    encode_seconds=0.05,
    search_seconds=0.02,
    cascade_seconds=0.01,
    calls=90,
    cap=400.0,
    queries=50,
    warm_up_seconds=0.5,
    bulk_seconds=0.2,
    batch_sizes=(2, 4),
    energy_seconds=0.05,
    thorough=False,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes to encode; last comes what needs the same vectors."""
    items.sort(key=lambda item: (item.get_closest_marker("late") is not None, item.get_closest_marker("early") is None))


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a cache of its own."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("BENCH_DEBUG", raising=False)
    # What measuring takes is time; how much of it is a setting.
    monkeypatch.setattr(effort, "KEEP", TINY_EFFORT)
    monkeypatch.setattr(effort, "LOOK", TINY_EFFORT)


@pytest.fixture
def warm_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes need not import everything anew: for tests of when costs are measured, not of what."""
    from warm_probes import stand_in

    monkeypatch.setattr("bench.cost.process.subprocess", stand_in())


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Tiny matrices gain nothing from threads, which cost seconds a step on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def _tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def tiny_model(_tiny_model: Path, tmp_path: Path) -> Path:
    """A folder with a small model (32 dimensions) that the test may change."""
    return Path(shutil.copytree(_tiny_model, tmp_path / "tiny"))


@pytest.fixture(scope="session")
def minilm_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the tests of all-MiniLM-L6-v2 on public data share: SciFact takes minutes to encode."""
    base = tmp_path_factory.getbasetemp()
    # Processes that run tests together have folders of their own in one that they share.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "minilm-cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def bench_data() -> Path:
    """The public data sets; tests that need them are skipped, saying so, where they are not."""
    folder = os.environ.get("BENCH_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs the public data sets: set BENCH_DATA")
    return Path(folder).resolve()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Chromium without a window, one a module."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs chromium and chromedriver: apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for name in (
        "headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
        "disable-component-update", "disable-sync", f"user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(f"--{name}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield found
    found.quit()


@pytest.fixture
def modules_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that transformers copies code to before it runs it, of the test's own; nothing is known of others."""
    from transformers import dynamic_module_utils

    def forget() -> None:
        for name in [name for name in sys.modules if name.startswith("transformers_modules")]:
            del sys.modules[name]

    real, cache = dynamic_module_utils.HF_MODULES_CACHE, tmp_path / "modules"
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(cache))
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place != real])
    forget()
    yield cache
    forget()


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hub's client, of the test's own."""
    from huggingface_hub import constants

    cache = tmp_path / "hub"
    cache.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    return cache
