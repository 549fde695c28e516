"""What mteb says of its tasks."""

import pytest

from bench.errors import BenchError, UsageError
from bench.metrics import RETRIEVAL_METRICS
from bench.mteb_import import import_mteb
from bench.tasks.mteb_bridge import Selection, definition, expand


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
