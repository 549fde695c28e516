"""The installed mteb, without its side effects."""

from __future__ import annotations

import importlib
import os
import random
import sys
from types import ModuleType

import numpy as np

from bench.cache import cache_root
from bench.errors import BenchError


def import_mteb() -> ModuleType:
    """Mteb, imported with the random generators left as they were and its cache folder below bench's.

    Raises:
        BenchError: It is not installed or cannot be imported.
    """
    if (loaded := sys.modules.get("mteb")) is not None:
        return loaded
    os.environ.setdefault("MTEB_CACHE", str(cache_root() / "mteb"))
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the generator that mteb seeds
    try:
        return importlib.import_module("mteb")
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "mteb"
        raise BenchError(
            "mteb is not installed" if missing else f"mteb cannot be imported: {error}",
            hint="pip install 'mrl-bench[mteb]'",
        ) from error
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002 - as above
