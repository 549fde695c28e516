"""What training puts before texts, and that identities follow it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import yaml
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Router
from support import make_model, write_jsonl, write_pairs

from bench.errors import BenchError
from bench.models.loading import load_encoder
from bench.models.prompts import text_context
from bench.models.registry_file import load_registry
from bench.models.source import locate
from bench.training.identity import prepare
from bench.training.inputs import column_contexts, column_prompts, prompt_task
from bench.training.make import make

PAIRS = {"files": "pairs.jsonl", "shape": "pairs"}
TRIPLETS = {"files": "triplets.jsonl", "shape": "triplets"}


class Silent:
    def __getattr__(self, name):
        return lambda *_: None


def prepared(workshop, entry=None, base=None, **recipe):
    """A recipe, with keys of its own entry and of its base's."""
    models = [
        {"name": "base", "source": "./tiny", **(base or {})},
        {
            "name": "made",
            "kind": "fine-tuned",
            "recipe": {"base": "base", "data": PAIRS, "batch_size": 8, "max_seq_length": 16, **recipe},
            **(entry or {}),
        },
    ]
    path = workshop.folder / "models.yaml"
    path.write_text(yaml.safe_dump({"models": models}))
    return prepare({entry.name: entry for entry in load_registry(path).models}["made"], workshop.find)


def state(folder, prompts, **more):
    """Have a folder state prompts."""
    path = folder / "config_sentence_transformers.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "prompts": prompts, **more}))


def test_prompts_are_found_by_the_task_and_the_roles_of_the_columns(workshop):
    write_jsonl(workshop.folder / "same.jsonl", [{"sentence1": "a", "sentence2": "b", "label": 1}])
    stated = {
        "query": "q: ",
        "passage": "p: ",
        "STS": "s: ",
        "PairClassification": "c: ",
        "shop-query": "shop: ",
        "Classification": "unused: ",
    }
    state(workshop.folder / "tiny", stated)
    labelled = {"files": "same.jsonl", "shape": "labelled-pairs"}
    found = prepared(workshop, data=["shop", PAIRS, TRIPLETS, "talk", labelled], batch_size=1)
    assert found.prompts == [
        {"query": "shop: ", "positive": "p: "},
        {"query": "q: ", "positive": "p: "},
        {"query": "q: ", "positive": "p: ", "negative": "p: "},
        {"sentence1": "s: ", "sentence2": "s: "},
        {"sentence1": "c: ", "sentence2": "c: "},
    ]
    assert [prompt_task(part).type for part in found.sets] == [
        "Retrieval",
        "Retrieval",
        "Retrieval",
        "STS",
        "PairClassification",
    ]


def test_the_entrys_prompts_go_before_those_of_the_folder_and_the_bases_entry_has_no_say(workshop):
    state(workshop.folder / "tiny", {"query": "q: ", "document": "d: "})
    assert prepared(workshop, entry={"prompts": {"query": ""}}).prompts == [{"positive": "d: "}]
    assert prepared(workshop, base={"prompts": {"query": "other: "}}).prompts == [{"query": "q: ", "positive": "d: "}]


def test_an_instruction_is_that_of_the_task(workshop):
    card = workshop.folder / "tasks" / "shop" / "task.yaml"
    card.write_text(card.read_text() + "instruction: Find the product.\n")
    entry = {"prompts": {"query": "Instruct: {instruction}\nQuery: "}}
    assert prepared(workshop, entry, data="shop").prompts == [{"query": "Instruct: Find the product.\nQuery: "}]
    # mteb's own for retrieval, where no task states one.
    assert prepared(workshop, entry).prompts == [{"query": "Instruct: Retrieve text based on user query.\nQuery: "}]


def test_prompts_make_another_model_and_none_make_the_one_of_before(workshop):
    plain = prepared(workshop).identity
    assert prepared(workshop, entry={"prompts": {"query": "", "STS": "unused"}}).identity == plain
    one = prepared(workshop, entry={"prompts": {"query": "a"}}).identity
    other = prepared(workshop, entry={"prompts": {"query": "b"}}).identity
    assert len({plain, one, other}) == 3
    state(workshop.folder / "tiny", {"query": "a"})
    stated = prepared(workshop).identity
    # The folder is another one, and so is a model that leaves its prompt out.
    assert stated not in {plain, one}
    assert prepared(workshop, entry={"prompts": {"query": ""}}).identity != stated


def test_what_is_trained_is_what_is_scored(workshop):
    state(workshop.folder / "tiny", {"query": "red : ", "all": "blue : "}, default_prompt_name="all")
    found = prepared(workshop, data="shop")
    make(found, workshop.find, (), Silent(), "cpu")
    encoder = load_encoder(found.entry, locate(found.entry, download=False))
    # The library would write an empty prompt for documents, in place of the default one.
    assert (encoder.profile.prompts, encoder.profile.default_prompt) == (found.stated.prompts, "all")
    unit = found.sets[0].unit
    for column, role in (("query", "query"), ("positive", "document")):
        context = text_context(found.entry, encoder.profile, unit.prompt_task, role)
        assert context == column_contexts(found.entry, encoder.profile, found.sets[0])[column]
        assert found.prompts[0][column] == context.prompt
    record = json.loads((found.folder / "recipe.json").read_text())
    assert record["data"][0]["prompts"] == {"query": "red : ", "positive": "blue : "}


def test_a_model_made_from_a_made_one_is_trained_with_the_same_prompts(workshop):
    state(workshop.folder / "tiny", {"all": "blue : "}, default_prompt_name="all")
    models = [
        {"name": "base", "source": "./tiny"},
        {"name": "one", "kind": "fine-tuned", "recipe": {"base": "base", "data": PAIRS, "batch_size": 8}},
        {"name": "two", "kind": "fine-tuned", "recipe": {"base": "one", "data": PAIRS, "batch_size": 8}},
    ]
    (workshop.folder / "models.yaml").write_text(yaml.safe_dump({"models": models}))
    two = prepare(load_registry(workshop.folder / "models.yaml").models[2], workshop.find)
    before = two.prompts, two.identity
    make(two, workshop.find, (), Silent(), "cpu")
    again = prepare(load_registry(workshop.folder / "models.yaml").models[2], workshop.find)
    assert (again.prompts, again.identity) == before == ([{"query": "blue : ", "positive": "blue : "}], two.identity)


@pytest.fixture
def routed(workshop):
    def build(**settings):
        parts = [SentenceTransformer(str(make_model(workshop.folder / f"part{seed}", seed=seed))) for seed in (1, 2)]
        router = Router({"query": list(parts[0]), "document": list(parts[1])}, **settings)
        SentenceTransformer(modules=[router], device="cpu").save_pretrained(str(workshop.folder / "routed"))
        return {"source": "./routed"}

    return build


def changed_routes(workshop, found):
    """The routes of which training changed a weight."""
    before, after = (
        SentenceTransformer(str(folder), device="cpu").state_dict()
        for folder in (workshop.folder / "routed", found.made)
    )
    return {name.split(".")[2] for name, weights in before.items() if not np.array_equal(after[name], weights)}


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "CachedMultipleNegativesRanking", "mini_batch_size": 3},
        {"matryoshka": {"dims": [32, 8]}},
        {"matryoshka": {"dims": [32, 8]}, "loss": "CachedMultipleNegativesRanking"},
        {"data": TRIPLETS, "loss": "Triplet", "precision": "bf16"},
    ],
)
def test_losses_of_queries_and_documents_train_both_routes(workshop, routed, changes):
    kind = {"kind": "mrl"} if "matryoshka" in changes else {}
    found = prepared(
        workshop, entry=kind, base=routed(default_route="document"), learning_rate=1e-2, epochs=3, **changes
    )
    make(found, workshop.find, (), Silent(), "cpu")
    assert changed_routes(workshop, found) == {"query", "document"}


def test_sentences_take_the_default_route(workshop, routed):
    base = routed(default_route="document")
    write_pairs(workshop.folder / "scored.jsonl")
    found = prepared(workshop, base=base, data={"files": "scored.jsonl", "shape": "scored-pairs"}, learning_rate=1e-2)
    make(found, workshop.find, (), Silent(), "cpu")
    assert changed_routes(workshop, found) == {"document"}


def test_sentences_without_a_route_are_refused(workshop, routed):
    base = routed(allow_empty_key=False)
    found = prepared(workshop, base=base, data="talk")
    with pytest.raises(BenchError, match=r"cannot encode `sentence1` of talk \(train\)") as caught:
        make(found, workshop.find, (), Silent(), "cpu")
    assert "default_route" in caught.value.hint
    assert caught.value.where == "model `made`"


def test_a_role_reaches_the_modules_and_the_code_of_a_model(workshop):
    """A module that modules.json gives the `task`, as sentence-transformers' encode does."""
    folder = workshop.folder / "tiny"
    (folder / "sides.py").write_text(SIDES)
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 3, "name": "3", "path": "3_Sides", "type": "sides.Sides", "kwargs": ["task"]})
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "3_Sides").mkdir()
    (folder / "3_Sides" / "config.json").write_text("{}")
    found = prepared(workshop, base={"trust_remote_code": True}, entry={"task": {"document": "right"}})
    make(found, workshop.find, (), Silent(), "cpu")
    config = json.loads((found.made / "3_Sides" / "config.json").read_text())
    assert config == {"seen": ["query", "right"]}
    # Scoring gives it the same.
    profile = load_encoder(found.entry, locate(found.entry, download=False)).profile
    assert column_contexts(found.entry, profile, found.sets[0])["positive"].task == "right"
    assert found.identity != prepared(workshop, base={"trust_remote_code": True}).identity


SIDES = """
from sentence_transformers.models import Module

class Sides(Module):
    config_keys = ["seen"]

    def __init__(self, seen=()):
        super().__init__()
        self.seen = sorted(seen)

    def forward(self, features, task="nothing"):
        if self.training:
            self.seen = sorted({*self.seen, task})
        return features

    def save(self, output_path, *args, **settings):
        self.save_config(output_path)
"""


def test_settings_of_a_bases_entry_that_its_modules_have_are_trained_with(workshop):
    plain = prepared(workshop)
    settings = {"query_length": 5, "padding_side": "left", "similarity": "dot", "layer_norm": True}
    found = prepared(workshop, base=settings)
    assert found.identity != plain.identity
    make(found, workshop.find, (), Silent(), "cpu")
    encoder = load_encoder(found.entry, locate(found.entry, download=False))
    assert encoder.transformer[0].query_length == 5
    assert (encoder.profile.padding_side, encoder.profile.similarity) == ("left", "dot")
    [vector] = encoder.embed(
        ["red pipe"], text_context(found.entry, encoder.profile, prompt_task(found.sets[0]), "query")
    )
    assert vector.mean() == pytest.approx(0, abs=1e-6)
    # Its length is 1, as that of all vectors after layer_norm.
    assert vector.std() == pytest.approx(len(vector) ** -0.5, abs=1e-3)
    # How a base is encoded otherwise does not matter.
    assert prepared(workshop, base={"dtype": "bfloat16", "prompts": {"query": "x"}}).identity == plain.identity


def test_the_stated_pooling_of_a_plain_base_is_trained_and_kept(workshop):
    folder = workshop.folder / "plain"
    shutil.copytree(workshop.folder / "tiny", folder)
    for name in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (folder / name).unlink()
    for name in ("1_Pooling", "2_Normalize"):
        shutil.rmtree(folder / name)
    by_mean = prepared(workshop, base={"source": "./plain"})
    found = prepared(workshop, base={"source": "./plain", "pooling": "cls"})
    assert found.identity != by_mean.identity
    make(found, workshop.find, (), Silent(), "cpu")
    assert load_encoder(found.entry, locate(found.entry, download=False)).profile.pooling == "cls"


def test_columns_without_texts_have_no_prompt(workshop):
    found = prepared(workshop, entry={"prompts": {"text": "t: "}}, data="talk")
    assert column_prompts(found.entry, found.stated, found.sets[0]) == {"sentence1": "t: ", "sentence2": "t: "}
