"""What mteb says of its tasks, and that nothing of its import is felt outside."""

import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest
from support import ROOT

from bench.errors import BenchError, UsageError
from bench.metrics import RETRIEVAL_METRICS
from bench.tasks.mteb_bridge import Selection, contained, definition, expand, import_mteb


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
from bench.tasks.mteb_bridge import import_mteb
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


@pytest.mark.parametrize(
    ("name", "kind", "mteb_type", "metric"),
    [
        ("SciFact", "retrieval", "Retrieval", "ndcg_at_10"),
        ("NeuCLIR2023RetrievalHardNegatives", "retrieval", "Retrieval", "ndcg_at_20"),
        ("STSBenchmark", "sts", "STS", "cosine_spearman"),
        ("STS22.v2", "sts", "STS", "cosine_spearman"),
        ("Banking77Classification", "mteb", "Classification", "accuracy"),
        ("AskUbuntuDupQuestions", "mteb", "Reranking", "map_at_1000"),
        ("Core17InstructionRetrieval", "mteb", "InstructionReranking", "p-MRR"),
        # Scores of its own, or a metric that bench's retrieval scoring lacks.
        ("LoCoMo", "mteb", "Retrieval", "ndcg_at_10"),
        ("LIMITRetrieval", "mteb", "Retrieval", "recall_at_2"),
        ("StakeholderGrounding", "mteb", "STS", "alpha_auc"),
    ],
)
def test_kinds(name, kind, mteb_type, metric):
    found = definition(name)
    assert (found.kind, found.mteb_type, found.main_metric) == (kind, mteb_type, metric)


def test_a_definition():
    found = definition("ArguAna")
    assert (found.name, found.dataset) == ("ArguAna", "mteb/arguana")
    assert (found.splits, found.subsets) == (("test",), ("default",))
    assert len(found.revision) == 40
    assert found.ignore_identical_ids
    assert found.languages == ("eng-Latn",)
    assert found.description.startswith("ArguAna")
    assert not definition("SciFact").ignore_identical_ids


def test_every_task_of_texts_has_a_definition_that_its_kind_can_score():
    import_mteb()
    from mteb.get_tasks import TASK_LIST

    kinds = {"retrieval": 0, "sts": 0, "mteb": 0}
    for cls in TASK_LIST:
        if cls.metadata.modalities != ["text"] or hasattr(cls.metadata, "tasks"):
            continue
        found = definition(cls.metadata.name)
        kinds[found.kind] += 1
        assert found.main_metric in RETRIEVAL_METRICS or found.kind != "retrieval", found.name
        assert found.splits, found.name
        assert found.subsets, found.name
    assert min(kinds.values()) > 40


def test_splits_and_subsets_can_be_chosen():
    found = definition("STS22.v2", subsets=["en"])
    assert found.subsets == ("en",)
    assert len(definition("STS22.v2").subsets) > 10
    with pytest.raises(UsageError, match="no subset `eng`") as caught:
        definition("STS22.v2", subsets=["eng"])
    assert "en" in caught.value.hint
    with pytest.raises(UsageError, match="no split `dev`"):
        definition("STSBenchmark", splits=["dev"])


def test_notes_say_what_is_superseded():
    assert any("Banking77Classification.v2" in note for note in definition("Banking77Classification").notes)
    assert definition("SciFact").notes == ()


def test_an_unknown_name_is_wrong_usage_with_a_suggestion():
    with pytest.raises(UsageError, match="no task or benchmark `SciFac`") as caught:
        expand("SciFac")
    assert caught.value.hint == "did you mean `SciFact`?"
    with pytest.raises(UsageError) as caught:
        expand("MTEB(eng,v2)")
    assert caught.value.hint == "did you mean `MTEB(eng, v2)`?"


def test_a_task_of_images_is_refused():
    with pytest.raises(BenchError, match="holds image"):
        definition("CUB200I2IRetrieval")


def test_a_name_stands_for_itself_or_for_the_tasks_of_a_benchmark():
    assert expand("SciFact") == [Selection("SciFact")]
    english = {selection.name: selection for selection in expand("MTEB(eng, v2)")}
    assert len(english) == 41
    # The benchmark takes one language of these.
    assert english["STS17"].subsets == ("en-en",)
    assert english["MassiveIntentClassification"] == Selection("MassiveIntentClassification", ("test",), ("en",))


def test_an_aggregate_stands_for_its_parts():
    parts = expand("CQADupstackRetrieval")
    assert len(parts) == 12
    assert Selection("CQADupstackAndroidRetrieval", ("test",), ("default",)) in parts
    with pytest.raises(UsageError, match="aggregate"):
        definition("CQADupstackRetrieval")


def test_every_task_of_a_benchmark_has_a_definition():
    for name in ("MTEB(eng, v2)", "BEIR", "MTEB(Multilingual, v2)", "MTEB(eng, v1)"):
        for selection in expand(name):
            found = definition(selection.name, selection.splits, selection.subsets)
            assert found.splits == selection.splits
