"""A recipe against the script that sentence-transformers' documentation would have one write."""

from __future__ import annotations

import pytest
import torch
from datasets import Dataset, DatasetDict
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.models import Router
from sentence_transformers.sentence_transformer.losses import CoSENTLoss, MatryoshkaLoss, MultipleNegativesRankingLoss
from support import WORDS, make_model, write_jsonl, write_pairs

from bench.training.make import make

ROWS = [{"query": f"{word} ? {n}", "positive": f"large {word} {n}"} for n, word in enumerate(WORDS[:19] + WORDS[:5])]
PAIRS = {"files": "distinct.jsonl", "shape": "pairs"}


class Silent:
    def __getattr__(self, name):
        return lambda *_: None


@pytest.fixture
def distinct(workshop):
    """Pairs of which no text repeats."""
    write_jsonl(workshop.folder / "distinct.jsonl", ROWS)
    return workshop


def plain_script(base, data, loss, folder, **settings):
    """The state of a model after the library's trainer alone."""
    model = SentenceTransformer(str(base), device="cpu")
    model.max_seq_length = 16
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        **{
            "num_train_epochs": 2,
            "per_device_train_batch_size": 8,
            "learning_rate": 1e-3,
            "lr_scheduler_type": "cosine",
            "warmup_steps": 0.1,
            "seed": 3,
            "batch_sampler": "no_duplicates",
            "use_cpu": True,
            "save_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
            **settings,
        },
    )
    SentenceTransformerTrainer(model=model, args=arguments, train_dataset=data, loss=loss(model)).train()
    return model.state_dict()


def made(workshop, **changes):
    """The state of a model made from a recipe of the same settings, and what was prepared."""
    settings = {"epochs": 2, "learning_rate": 1e-3, "scheduler": "cosine", "seed": 3}
    prepared = workshop.prepared(**{**settings, **changes})
    make(prepared, workshop.find, (), Silent(), "cpu")
    return SentenceTransformer(str(prepared.made), device="cpu").state_dict(), prepared


def check_equal(ours, theirs):
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], weights) for name, weights in theirs.items())


@pytest.mark.parametrize("dims", [None, [32, 8]])
def test_a_recipe_gives_the_weights_of_a_plain_script(distinct, tmp_path, dims):
    def loss(model):
        plain = MultipleNegativesRankingLoss(model)
        return MatryoshkaLoss(model, plain, dims) if dims else plain

    ours, prepared = made(distinct, data=PAIRS, **({"matryoshka": {"dims": dims}} if dims else {}))
    data = Dataset.from_dict(prepared.sets[0].columns)
    check_equal(ours, plain_script(distinct.folder / "tiny", data, loss, tmp_path / "plain"))


def test_where_texts_repeat_the_steps_are_those_of_a_script_with_all_rows(workshop, tmp_path):
    ours, prepared = made(workshop, data="shop")
    [plan] = prepared.plans

    class AllRows(DefaultBatchSampler):
        def __len__(self):
            return len(plan)

        def __iter__(self):
            yield from plan.batches(self.epoch)

    # Eight queries of three documents each in batches of eight: three batches are enough, but not the library's.
    assert len(plan) == 3
    assert sorted(row for batch in plan.batches(1) for row in batch) == list(range(24))
    data = Dataset.from_dict(prepared.sets[0].columns)
    base = workshop.folder / "tiny"
    theirs = plain_script(base, data, MultipleNegativesRankingLoss, tmp_path / "plain", batch_sampler=AllRows)
    check_equal(ours, theirs)


def test_a_model_is_trained_with_the_prompts_that_its_base_states(distinct, tmp_path):
    base = make_model(distinct.folder / "prompted", prompts={"query": "find red : ", "passage": "steel : "})
    ours, prepared = made(distinct, data=PAIRS, base="./prompted")
    data = Dataset.from_dict(prepared.sets[0].columns)
    prompts = {"query": "find red : ", "positive": "steel : "}
    check_equal(ours, plain_script(base, data, MultipleNegativesRankingLoss, tmp_path / "one", prompts=prompts))
    without = plain_script(base, data, MultipleNegativesRankingLoss, tmp_path / "two")
    assert not all(torch.equal(ours[name], weights) for name, weights in without.items())


def test_each_of_several_data_sets_has_its_own_prompts(distinct, tmp_path):
    prompts = {"query": "find : ", "STS": "red : "}
    base = make_model(distinct.folder / "prompted", prompts=prompts)
    write_pairs(distinct.folder / "scored.jsonl")
    scored = {"files": "scored.jsonl", "shape": "scored-pairs"}
    ours, prepared = made(distinct, data=[PAIRS, scored], base="./prompted")
    pairs, sentences = (Dataset.from_dict(part.columns) for part in prepared.sets)

    def losses(model):
        return {"0": MultipleNegativesRankingLoss(model), "1": CoSENTLoss(model)}

    theirs = plain_script(
        base,
        DatasetDict({"0": pairs, "1": sentences}),
        losses,
        tmp_path / "plain",
        prompts={"0": {"query": "find : "}, "1": {"sentence1": "red : ", "sentence2": "red : "}},
        batch_sampler=lambda dataset, **settings: samplers(dataset, prepared, **settings),
    )
    check_equal(ours, theirs)


def samplers(dataset, prepared, **settings):
    from bench.training.engine import Planned, at_random

    if "score" in dataset.column_names:
        return at_random(dataset, **settings)
    return Planned(prepared.plans[0], dataset, **settings)


@pytest.fixture
def routed(distinct):
    """A model of two: one for queries and one for documents."""
    parts = [SentenceTransformer(str(make_model(distinct.folder / f"part{seed}", seed=seed))) for seed in (1, 2)]
    router = Router.for_query_document(query_modules=list(parts[0]), document_modules=list(parts[1]))
    folder = distinct.folder / "routed"
    SentenceTransformer(modules=[router], device="cpu", prompts={"query": "red : "}).save_pretrained(str(folder))
    return folder


def test_a_router_is_trained_by_the_roles_of_its_columns(distinct, routed, tmp_path):
    ours, prepared = made(distinct, data=PAIRS, base="./routed")
    data = Dataset.from_dict(prepared.sets[0].columns)
    mapping = {"query": "query", "positive": "document"}
    theirs = plain_script(
        routed,
        data,
        MultipleNegativesRankingLoss,
        tmp_path / "plain",
        prompts={"query": "red : "},
        router_mapping=mapping,
    )
    check_equal(ours, theirs)
    before = SentenceTransformer(str(routed), device="cpu").state_dict()
    parts = {name.split(".")[2] for name, weights in before.items() if not torch.equal(ours[name], weights)}
    assert parts == {"query", "document"}
