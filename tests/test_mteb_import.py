"""That nothing of mteb's import is felt outside."""

import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest
from support import ROOT

from bench.errors import BenchError
from bench.mteb_import import contained, import_mteb


def run_python(code, home):
    environment = {
        "HOME": str(home), "XDG_CACHE_HOME": "", "BENCH_CACHE": str(home / "bench"), "PYTHONPATH": str(ROOT),
        "PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_importing_mteb_leaves_no_trace(tmp_path):
    """By itself it reseeds both generators, makes ~/.cache/mteb and comes with `import bench.cli` or not at all."""
    code = """
import json, random, sys
import numpy as np
import torch
random.seed(5), np.random.seed(5), torch.manual_seed(5)
before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
import bench.cli, bench.tasks.mteb_bridge, bench.tasks.mteb_data, bench.quality.mteb_engine
early = "mteb" in sys.modules or "datasets" in sys.modules
from bench.tasks.mteb_bridge import definition, expand
expand("SciFact"), definition("SciFact")
after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
print(json.dumps([early, "mteb" in sys.modules, before == after]))
"""
    (early, late, same), said = run_python(code, tmp_path)
    assert (early, late, same) == (False, True, True)
    assert not (tmp_path / ".cache" / "mteb").exists()
    assert said == ""


def test_a_chosen_cache_folder_of_mteb_is_kept(tmp_path):
    code = """
import json, os
os.environ["MTEB_CACHE"] = os.environ["HOME"] + "/mine"
from bench.mteb_import import import_mteb
import_mteb()
print(json.dumps(os.environ["MTEB_CACHE"]))
"""
    assert run_python(code, tmp_path)[0] == str(tmp_path / "mine")


def test_without_mteb_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mteb", None)
    with pytest.raises(BenchError, match="mteb is not installed") as caught:
        import_mteb()
    assert caught.value.hint == "pip install 'mrl-bench[mteb]'"


def test_what_happens_in_a_contained_stretch_stays_there(capsys):
    from tqdm.auto import tqdm

    random.seed(1)
    np.random.seed(1)
    with contained():
        random.seed(2)
        np.random.seed(2)
        list(tqdm(range(3)))
    inside = capsys.readouterr().err
    drawn = random.random(), np.random.random()
    random.seed(1)
    np.random.seed(1)
    assert drawn == (random.random(), np.random.random())
    assert inside == ""
    list(tqdm(range(3)))
    assert "3/3" in capsys.readouterr().err
