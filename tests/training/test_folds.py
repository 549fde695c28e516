from __future__ import annotations

import itertools

import pytest
from support import write_jsonl

from bench.errors import BenchError, UsageError
from bench.tasks.tables.split import apart
from bench.training.folds import unfold
from bench.training.identity import prepare
from bench.training.leakage import check_leakage

CARD = """
name: faq
type: retrieval
table: {{shape: qa, files: {{all: all.jsonl}}, split: {{by: query, folds: {folds}, seed: 0}}}}
"""


@pytest.fixture(params=[2, 3])
def folds(request, workshop):
    """A task with folds in the workshop, two of which leave half of the pairs to train with."""
    folder = workshop.folder / "tasks" / "faq"
    write_jsonl(folder / "all.jsonl", [{"question": f"question {n}", "answer": f"answer {n}"} for n in range(18)])
    (folder / "task.yaml").write_text(CARD.format(folds=request.param))
    return [f"fold-{number}" for number in range(1, request.param + 1)]


def unit(workshop, split):
    return workshop.find.unit("faq", split, None, workshop.folder)


def test_splits_are_apart_when_their_queries_are(workshop, folds):
    names = ["test", *folds, *(f"without-{fold}" for fold in folds)]
    queries = {name: set(unit(workshop, name).data.queries) for name in names}
    for one, other in itertools.product(names, names):
        # Of two folds what is left without one is the other; that is a name too many to be kept apart.
        if {one, other} <= {f"without-{fold}" for fold in folds}:
            assert not apart(one, other)
        elif len(folds) == 2 and f"without-{one}" in names and other.startswith("without-"):
            assert apart(one, other) == (other == f"without-{one}")
        else:
            assert apart(one, other) == (not queries[one] & queries[other])


def test_a_model_is_tested_on_its_own_fold_alone(workshop, folds):
    entry = workshop.entries(made={"data": "faq", "folds": True, "batch_size": 2})["made"]
    found = unfold(entry, workshop.find)
    assert list(found.parts) == folds
    identities = set()
    for fold, part in found.parts.items():
        prepared = prepare(part, workshop.find)
        identities.add(prepared.identity)
        assert prepared.name == f"made without-{fold}"
        assert set(prepared.sets[0].columns["query"]) == set(unit(workshop, f"without-{fold}").data.queries)
        check_leakage(prepared, [unit(workshop, fold)])
        for split in ["test", *(other for other in folds if other != fold)]:
            with pytest.raises(BenchError, match=rf"which faq \({split}\) tests on"):
                check_leakage(prepared, [unit(workshop, split)])
    assert len(identities) == len(folds)
    by_hand = workshop.prepared(data={"task": "faq", "split": "without-fold-1"}, batch_size=2)
    assert by_hand.identity in identities


def test_a_checkpoint_chosen_by_all_queries_is_chosen_by_those_of_a_fold(workshop, folds):
    evaluate = {"task": "faq", "split": "test"}
    entry = workshop.entries(made={"data": "faq", "folds": True, "batch_size": 2, "evaluate": evaluate})["made"]
    prepared = prepare(unfold(entry, workshop.find).parts["fold-1"], workshop.find)
    with pytest.raises(BenchError, match="chooses its checkpoint by faq"):
        check_leakage(prepared, [unit(workshop, "fold-1")])


def test_other_data_is_trained_on_as_it_is(workshop, folds):
    data = ["faq", {"files": "pairs.jsonl", "shape": "pairs"}, {"task": "shop", "split": "dev"}]
    entry = workshop.entries(made={"data": data, "folds": True, "batch_size": 2})["made"]
    part = unfold(entry, workshop.find).parts["fold-2"]
    assert [item.split for item in part.recipe.data] == ["without-fold-2", "train", "dev"]


def test_what_has_no_folds(workshop, folds):
    entries = workshop.entries(one={}, two={"folds": True}, three={"base": "four"}, four={"data": "faq", "folds": True})
    assert unfold(entries["one"], workshop.find) is None
    with pytest.raises(UsageError, match="goes with one task that has folds; among its data there are 0"):
        unfold(entries["two"], workshop.find)
    with pytest.raises(BenchError, match="no split `train` to train on") as caught:
        workshop.prepared(data="faq")
    assert "`folds: true` in a recipe" in caught.value.hint
    for name in ("three", "four"):
        with pytest.raises(UsageError, match="a model for each fold"):
            prepare(entries[name], workshop.find)
