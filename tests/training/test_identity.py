from __future__ import annotations

import pytest
from support import ROOT, make_model, write_jsonl

from bench.errors import UsageError
from bench.files import digest_json
from bench.models.registry_file import load_registry
from bench.training import identity
from bench.training.data import TaskFinder
from bench.training.identity import library_versions, prepare


def known(workshop, **changes):
    return workshop.prepared(**changes).identity


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"epochs": 2},
        {"batch_size": 4},
        {"learning_rate": 1e-4},
        {"warmup": 0.2},
        {"scheduler": "cosine"},
        {"max_seq_length": 17},
        {"sampler": "random"},
        {"precision": "bf16"},
        {"limit": 9},
        {"loss": "CachedMultipleNegativesRanking"},
        {"matryoshka": {"dims": [32, 8]}},
        {"data": "talk"},
        {"data": ["shop", "talk"]},
        {"evaluate": {"task": "shop"}},
    ],
)
def test_every_setting_makes_another_model(workshop, changes):
    assert known(workshop, **changes) != known(workshop)


def test_what_changes_no_weight_makes_no_other_model(workshop):
    assert known(workshop, allow_leakage=True) == known(workshop)
    # The defaults, written out.
    data = [{"task": "shop", "split": "train"}]
    assert known(workshop, loss="MultipleNegativesRanking", data=data) == known(workshop)
    judged = known(workshop, evaluate={"task": "shop"})
    assert known(workshop, evaluate={"task": "shop", "metric": "ndcg_at_10"}) == judged


def test_the_data_counts_by_content(workshop):
    pairs = {"data": {"files": "pairs.jsonl", "shape": "pairs"}}
    before = known(workshop, **pairs)
    path = workshop.folder / "pairs.jsonl"
    path.rename(workshop.folder / "renamed.jsonl")
    assert known(workshop, data={"files": "renamed.jsonl", "shape": "pairs"}) == before
    lines = (workshop.folder / "renamed.jsonl").read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[-1].replace("large", "small")]) + "\n")
    assert known(workshop, **pairs) != before
    # Another order puts other rows into a batch.
    path.write_text("\n".join(reversed(lines)) + "\n")
    assert known(workshop, **pairs) != before


def test_the_base_counts_by_content(workshop):
    before = known(workshop)
    (workshop.folder / "tiny").rename(workshop.folder / "moved")
    assert known(workshop, base="./moved") == before
    make_model(workshop.folder / "tiny", seed=9)
    assert known(workshop) != before


def test_the_libraries_count(workshop, monkeypatch):
    before = known(workshop)
    versions = identity.library_versions()
    monkeypatch.setattr(identity, "library_versions", lambda: {**versions, "torch": "0"})
    assert known(workshop) != before


def test_the_recipe_of_a_base_counts(workshop):
    def second(**changes):
        return prepare(workshop.entries(one=changes, two={"base": "one"})["two"], workshop.find)

    assert second().identity != second(seed=1).identity
    assert [part.name for part in second().chain] == ["two", "one"]
    # A base that is made with another name is the same base.
    renamed = prepare(workshop.entries(uno={}, two={"base": "uno"})["two"], workshop.find)
    assert renamed.identity == second().identity


def test_a_base_may_be_written_as_a_source(workshop):
    assert known(workshop, base="./tiny") == known(workshop, base=["./nowhere", "./tiny"]) == known(workshop)


def test_equal_texts_in_other_columns_are_other_data(workshop):
    write_jsonl(workshop.folder / "one.jsonl", [{"query": "a", "positive": "b"}])
    write_jsonl(workshop.folder / "two.jsonl", [{"query": "b", "positive": "a"}])
    one, two = (
        known(workshop, data={"files": name, "shape": "pairs"}, batch_size=1) for name in ("one.jsonl", "two.jsonl")
    )
    assert one != two


def test_how_a_made_base_is_cut_counts(workshop):
    entries = workshop.entries(one={}, two={"base": "one", "max_seq_length": None})
    shorter = entries["one"].model_copy(update={"max_seq_length": 9})
    two = entries["two"].model_copy(update={"base_entry": shorter})
    assert prepare(two, workshop.find).identity != prepare(entries["two"], workshop.find).identity


@pytest.mark.model
@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("minilm-store", "e2798acde570861fff0e2fda72ecd242"),
        ("minilm-store-mrl", "afef800d1c37bc0a375eef3f5c486a88"),
    ],
)
def test_recipes_without_prompts_are_what_they_were(name, known):
    """A base without prompts and roles, and data that sentence-transformers' batches hold but for a few rows."""
    [entry] = load_registry(ROOT / "models.yaml").select([name])
    found = prepare(entry, TaskFinder([ROOT / "tasks"], download=False))
    others = {"base", "data", "loss", "limit", "allow_leakage", "evaluate", "folds"}
    [data] = found.sets
    content = {
        "schema": 1,
        "base": [found.base_fingerprint, None],
        "data": [[data.fingerprint, "pairs", "MultipleNegativesRanking", None]],
        "settings": found.recipe.model_dump(mode="json", exclude=others),
        "evaluate": None,
        "versions": library_versions(),
    }
    assert found.identity == digest_json(content)
    if library_versions() == {"torch": "2.13.0+cpu", "transformers": "5.23.0", "sentence-transformers": "6.2.0"}:
        assert found.identity == known


def test_data_that_is_spread_over_other_batches_makes_another_model(workshop):
    """The rows that an earlier version left out are trained on now."""
    write_jsonl(workshop.folder / "few.jsonl", ({"query": f"q {n % 10}", "positive": f"p {n}"} for n in range(60)))
    found = workshop.prepared(data={"files": "few.jsonl", "shape": "pairs"})
    # 60 rows in eights are 8 batches, of which each may hold every question once.
    assert [plan.spread for plan in found.plans] == [8]
    write_jsonl(workshop.folder / "many.jsonl", ({"query": f"q {n % 4}", "positive": f"p {n}"} for n in range(60)))
    assert [plan.spread for plan in workshop.prepared(data={"files": "many.jsonl", "shape": "pairs"}).plans] == [15]
    assert known(workshop, data={"files": "few.jsonl", "shape": "pairs"}, sampler="random") != found.identity


def test_data_whose_batches_would_be_of_one_row_is_refused(workshop):
    rows = [{"query": "where is it?" if n < 48 else f"q {n}", "positive": f"p {n}"} for n in range(64)]
    write_jsonl(workshop.folder / "same.jsonl", rows)
    data = {"files": "same.jsonl", "shape": "pairs"}
    with pytest.raises(UsageError) as caught:
        workshop.prepared(data=data)
    # One question stands in 48 rows, so in 48 batches; the other 16 rows can join at most 16 of them.
    for words in ("64 rows", "17 different in `query`", "32 of 48 batches", "single row"):
        assert words in caught.value.message
    assert "sampler: random" in caught.value.hint
    assert caught.value.where == "model `made`"
    assert workshop.prepared(data=data, sampler="random").plans == [None]
    # Batches of one row were asked for.
    assert len(workshop.prepared(data=data, batch_size=1).plans[0]) == 64
