"""Importing mteb, whose import takes seconds, reseeds generators and writes a cache, without its side effects."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from bench.cache import cache_root
from bench.errors import BenchError

_LOGGERS = ("mteb", "datasets", "huggingface_hub", "sentence_transformers")


def import_mteb() -> ModuleType:
    """Mteb, imported quietly, with the random generators as they were and its cache folder below bench's.

    Raises:
        BenchError: It is not installed or cannot be imported.
    """
    if (loaded := sys.modules.get("mteb")) is not None:
        return loaded
    os.environ.setdefault("MTEB_CACHE", str(cache_root() / "mteb"))
    try:
        with contained():
            return importlib.import_module("mteb")
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "mteb"
        raise BenchError(
            "mteb is not installed" if missing else f"mteb cannot be imported: {error}",
            hint="pip install 'mrl-bench[mteb]'",
        ) from error


@contextmanager
def contained() -> Iterator[None]:
    """A stretch in which mteb may reseed, warn, log and draw progress bars without anyone noticing.

    Python's, numpy's and torch's global generators are put back at the end: creating any of mteb's tasks seeds them.
    """
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the generator that mteb seeds
    torch = sys.modules.get("torch")
    torch_state = torch.get_rng_state() if torch is not None else None
    loggers = {name: logging.getLogger(name).level for name in _LOGGERS}
    tqdm: Any = importlib.import_module("tqdm.std").tqdm
    draw = tqdm.__init__
    try:
        for name in loggers:
            logging.getLogger(name).setLevel(logging.ERROR)
        tqdm.__init__ = functools.partialmethod(draw, disable=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        tqdm.__init__ = draw
        for name, level in loggers.items():
            logging.getLogger(name).setLevel(level)
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002 - as above
        if torch is not None and torch_state is not None:
            torch.set_rng_state(torch_state)
