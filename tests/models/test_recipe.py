from __future__ import annotations

import pytest

from bench.errors import UsageError
from bench.models.registry_file import load_registry

START = "models:\n  - name: mini\n    source: ./x\n  - name: made\n    kind: {kind}\n    recipe:\n"


def load(tmp_path, recipe, kind="fine-tuned"):
    path = tmp_path / "models.yaml"
    lines = "".join(f"      {line}\n" for line in recipe.splitlines())
    path.write_text(START.format(kind=kind) + lines)
    return load_registry(path)


def test_a_short_recipe_has_the_documented_settings(tmp_path):
    registry = load(tmp_path, "base: mini\ndata: shop")
    recipe = registry.models[1].recipe
    assert ([data.task for data in recipe.data], recipe.data[0].split) == (["shop"], "train")
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate, recipe.warmup) == (1, 16, 5e-5, 0.1)
    assert (recipe.scheduler, recipe.sampler, recipe.seed, recipe.precision) == ("linear", "no-duplicates", 42, "fp32")
    assert registry.models[1].base_entry == registry.models[0]


@pytest.mark.parametrize(
    ("recipe", "words", "line"),
    [
        ("data: shop", ["the key `base` is missing"], 6),
        ("base: mini", ["the key `data` is missing"], 6),
        ("base: mini\ndata: shop\nloss: CoSEN", ["`models[1].recipe.loss`", "did you mean `CoSENT`?"], 9),
        ("base: mini\ndata: shop\nlr: 1", ["unknown key `lr`"], 9),
        ("base: mini\ndata: shop\nbatchsize: 1", ["did you mean `batch_size`?"], 9),
        ("base: mini\ndata: shop\nepochs: 0", ["greater than 0"], 9),
        ("base: mini\ndata: shop\nepochs: .inf", ["finite"], 9),
        ("base: mini\ndata: shop\nprecision: fp16", ["'bf16'"], 9),
        ("base: mini\ndata: shop\nscheduler: cosin", ["did you mean `cosine`?"], 9),
        ("base: mini\ndata: []", ["at least 1"], 8),
        ("base: mini\ndata: {split: train}", ["either a `task` or `files`"], 8),
        ("base: mini\ndata: {task: a, files: b}", ["either a `task` or `files`"], 8),
        ("base: mini\ndata: {task: a, shape: pairs}", ["`shape` goes with `files`"], 8),
        ("base: mini\ndata: {files: b}", ["need a `shape`: pairs, triplets, scored-pairs, labelled-pairs"], 8),
        ("base: mini\ndata: {files: b, shape: pair}", ["did you mean `pairs`?"], 8),
        ("base: mini\ndata: {files: b, shape: pairs, columns: {score: c}}", ["no column `score`", "query, pos"], 8),
        ("base: mini\ndata: {files: b, shape: pairs, split: dev}", ["`split` goes with `task`"], 8),
        ("base: mini\ndata: {task: a, hub: o/n}", ["`hub` goes with `files`"], 8),
        ("base: mini\ndata: {hub: o/n, shape: pairs}", ["either a `task` or `files`"], 8),
        ("base: mini\ndata: {files: b, shape: pairs, revision: main}", ["`hub` is missing"], 8),
        ("base: mini\ndata: {files: b, shape: pairs, folder: f}", ["`hub` is missing"], 8),
        ("base: mini\ndata: {hub: nope, files: b, shape: pairs}", ["should match pattern"], 8),
        ("base: mini\ndata: {hub: o/n, folder: ../f, files: b, shape: pairs}", ["should match pattern"], 8),
        ("base: mini\ndata: {hub: o/n, files: ../b, shape: pairs}", ["`files`: ../b leads outside"], 8),
        ("base: mini\ndata: {hub: o/n, files: [a, /b], shape: pairs}", ["`files`: /b leads outside"], 8),
        ("base: mini\ndata: {task: a, score_range: [5, 0]}", ["[least, most]"], 8),
        ("base: mini\ndata: [{task: a, weight: 1}, b]", ["every data set a `weight`, or none"], 6),
        ("base: mini\ndata: shop\nmini_batch_size: 4", ["belongs to the loss CachedMultiple"], 6),
        ("base: nobody/../x y\ndata: shop\nmatryoshka: {dims: [8]}", ["makes a model of kind mrl"], 4),
        ("base: made\ndata: shop", ["go round in a circle: made from made"], 7),
        ("base: ' '\ndata: shop", ["`base` names no model", "must not be empty"], 7),
    ],
)
def test_a_bad_recipe(tmp_path, recipe, words, line):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, recipe)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.where == f"{tmp_path / 'models.yaml'}, line {line}"


@pytest.mark.parametrize(
    ("matryoshka", "words"),
    [
        ("{dims: [8, 16]}", ["`dims` must descend, as in [16, 8]"]),
        ("{dims: [8, 8]}", ["must descend"]),
        ("{dims: []}", ["at least 1"]),
        ("{dims: [0]}", ["greater than 0"]),
        ("{dims: [8, 4], weights: [1.0]}", ["1 weights for 2 dims"]),
        ("{dims: [8, 4], weights: [1, -1]}", ["greater than 0"]),
        ("{dims: [8, 4], dims_per_step: 3}", ["dims_per_step is 3, but there are 2 dims"]),
        ("{dim: [8]}", ["unknown key `dim`", "did you mean `dims`?"]),
    ],
)
def test_bad_matryoshka_dims(tmp_path, matryoshka, words):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, f"base: mini\ndata: shop\nmatryoshka: {matryoshka}", kind="mrl")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("kind: mrl\n    recipe: {base: mini, data: shop}", ["kind fine-tuned"]),
        ("recipe: {base: mini, data: shop}", ["kind fine-tuned"]),
        ("kind: fine-tuned\n    source: ./y\n    recipe: {base: mini, data: shop}", ["exclude each other"]),
        ("kind: fine-tuned\n    sha256: aa\n    recipe: {base: mini, data: shop}", ["64 hexadecimal"]),
        ("kind: fine-tuned\n    revision: v1\n    recipe: {base: mini, data: shop}", ["`revision` is that of a"]),
        ("source: ./y\n    made: /etc", ["unknown key `made`"]),
        ("source: ./y\n    base_entry: {name: b}", ["unknown key `base_entry`"]),
    ],
)
def test_an_entry_is_found_or_made(tmp_path, entry, words):
    path = tmp_path / "models.yaml"
    path.write_text(f"models:\n  - name: mini\n    source: ./x\n  - name: made\n    {entry}\n")
    with pytest.raises(UsageError) as caught:
        load_registry(path)
    for word in words:
        assert word in str(caught.value)


def test_recipes_chain_and_do_not_go_round(tmp_path):
    path = tmp_path / "models.yaml"
    recipe = "    kind: fine-tuned\n    recipe: {{base: {}, data: shop}}\n"
    path.write_text(
        "models:\n  - name: mini\n    source: ./x\n"
        f"  - name: two\n{recipe.format('one')}  - name: one\n{recipe.format('mini')}"
    )
    [_, two, one] = load_registry(path).models
    assert (two.base_entry.name, two.base_entry.base_entry.name) == ("one", "mini")
    assert one.base_entry.name == "mini"
    path.write_text(path.read_text().replace("base: mini", "base: two"))
    with pytest.raises(UsageError, match="circle: two from one from two"):
        load_registry(path)


def test_a_baseline_is_no_base(tmp_path):
    path = tmp_path / "models.yaml"
    path.write_text(
        "models:\n  - {name: bm25, kind: baseline, source: bm25s}\n"
        "  - {name: m, kind: fine-tuned, recipe: {base: bm25, data: shop}}\n"
    )
    with pytest.raises(UsageError, match="baseline, which cannot be trained"):
        load_registry(path)
