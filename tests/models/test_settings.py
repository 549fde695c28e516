"""Settings of an entry that decide vectors, against sentence-transformers and torch used directly."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from running import plan_of, run
from support import WORDS, make_model, random_beir

from bench.errors import UsageError
from bench.models.fingerprint import fingerprint
from bench.models.loaded.applying import append_end_token
from bench.models.loaded.inspection import try_out
from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.prompts import ANY_TASK, text_context
from bench.models.registry import ModelEntry
from bench.models.source import Located

TEXTS = ["red", "a small steel pipe", "which valve is best for a large brass lamp wire hose saw drill tape"]


def load(folder, **settings):
    entry = ModelEntry(name="m", source=[str(folder)], **settings)
    return entry, load_encoder(entry, Located(folder, str(folder), "folder"))


def reference(folder):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def plain_folder(tiny_model, tmp_path):
    """The model as transformers alone would save it."""
    folder = tmp_path / "plain"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tiny_model / name, folder / name)
    return folder


def test_layer_norm_is_over_the_full_width_before_any_cut(tiny_model):
    _, encoder = load(tiny_model, layer_norm=True)
    raw = torch.from_numpy(reference(tiny_model).encode(TEXTS))
    normed = torch.nn.functional.layer_norm(raw, (raw.shape[1],))
    # Classifiers see the length, which such models bring to 1.
    expected = torch.nn.functional.normalize(normed).numpy()
    np.testing.assert_allclose(encoder.embed(TEXTS, TextContext()), expected, atol=1e-5)


@pytest.mark.parametrize("mode", ["mean", "cls", "max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens"])
def test_a_plain_folder_is_pooled_as_its_entry_says(tiny_model, tmp_path, mode):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    folder = plain_folder(tiny_model, tmp_path)
    model = SentenceTransformer(modules=[Transformer(str(folder)), Pooling(32, pooling_mode=mode)], device="cpu")
    _, encoder = load(folder, pooling=mode)
    np.testing.assert_allclose(encoder.embed(TEXTS, TextContext()), model.encode(TEXTS), atol=1e-6)
    assert encoder.profile.pooling == mode


def test_an_assumed_pooling_is_said_in_the_plan_and_the_record(tiny_model, tmp_path):
    folder, task = plain_folder(tiny_model, tmp_path), random_beir(tmp_path / "shop")
    entry = ModelEntry(name="m", source=[str(folder)])
    plan, *_ = plan_of([entry], [task], tmp_path / "results")
    assert any("pooling is assumed" in note for note in plan.notes)
    _, failures, listener = run([entry], [task], tmp_path / "results")
    assert failures == []
    record = json.loads(next(path for path in listener.files if "quality" in str(path)).read_text())
    assert (record["model"]["pooling"], record["model"]["pooling_assumed"]) == ("mean", True)
    stated = entry.model_copy(update={"pooling": "mean"})
    plan, *_ = plan_of([stated], [task], tmp_path / "results")
    assert not any("pooling" in note for note in plan.notes)


def test_limits_by_role_are_those_of_the_library(tiny_model):
    change(tiny_model / "sentence_bert_config.json", query_length=5, document_length=7)
    entry, encoder = load(tiny_model)
    model = reference(tiny_model)
    for role, encode in (("query", model.encode_query), ("document", model.encode_document)):
        context = text_context(entry, encoder.profile, ANY_TASK, role)
        np.testing.assert_allclose(encoder.embed(TEXTS, context), encode(TEXTS), atol=1e-6)
        assert encoder.token_counts(TEXTS, context).max() == {"query": 5, "document": 7}[role]
    assert not np.allclose(model.encode_query(TEXTS), model.encode_document(TEXTS), atol=1e-3)


def test_limits_by_role_can_be_set(tiny_model, tmp_path):
    other = shutil.copytree(tiny_model, tmp_path / "other")
    change(other / "sentence_bert_config.json", query_length=5, document_length=7)
    entry, encoder = load(tiny_model, query_length=5, document_length=7)
    model = reference(other)
    for role, encode in (("query", model.encode_query), ("document", model.encode_document)):
        context = text_context(entry, encoder.profile, ANY_TASK, role)
        np.testing.assert_allclose(encoder.embed(TEXTS, context), encode(TEXTS), atol=1e-6)


def test_padding_on_the_left_changes_a_model_with_absolute_positions(tiny_model):
    _, encoder = load(tiny_model, padding_side="left")
    # Positions count from the padding, so that a padded text has another vector than a text alone.
    assert encoder.profile.batching != "any"
    alone = [encoder.embed([text], TextContext(batching="single"))[0] for text in TEXTS]
    context = text_context(ModelEntry(name="m", source=["x"]), encoder.profile, ANY_TASK, "text")
    np.testing.assert_allclose(encoder.embed(TEXTS, context), alone, atol=1e-6)


def test_a_tokenizer_that_masks_nothing_is_encoded_by_equal_lengths(tiny_model):
    change(tiny_model / "tokenizer_config.json", model_input_names=["input_ids"])
    entry, encoder = load(tiny_model)
    assert encoder.profile.batching == "equal-lengths"
    alone = reference(tiny_model).encode(TEXTS, batch_size=1)
    assert not np.allclose(reference(tiny_model).encode(TEXTS, batch_size=3), alone, atol=1e-3)
    context = text_context(entry, encoder.profile, ANY_TASK, "text")
    np.testing.assert_allclose(encoder.embed(TEXTS, context), alone, atol=1e-6)


@pytest.mark.parametrize("size", ["auto", 1, 2, 32])
def test_scores_of_a_model_that_depends_on_padding_do_not_depend_on_the_batch_size(tiny_model, tmp_path, size):
    change(tiny_model / "tokenizer_config.json", model_input_names=["input_ids"])
    task = random_beir(tmp_path / "shop")
    _, failures, listener = run(
        [ModelEntry(name="m", source=[str(tiny_model)], batch_size=size)], [task], tmp_path / f"results-{size}"
    )
    assert failures == []
    record = json.loads(next(path for path in listener.files if "quality" in str(path)).read_text())
    assert record["model"]["padding"] == "equal-lengths"
    model = reference(tiny_model)
    corpus = [json.loads(line)["text"] for line in (task / "corpus.jsonl").read_text().splitlines()]
    queries = [json.loads(line)["text"] for line in (task / "queries.jsonl").read_text().splitlines()]
    scores = model.encode(queries, batch_size=1) @ model.encode(corpus, batch_size=1).T
    relevant = [line.split("\t") for line in (task / "qrels" / "test.tsv").read_text().splitlines()[1:]]
    gains = np.zeros(scores.shape)
    for query, document, label in relevant:
        gains[int(query[1:]), int(document[1:])] = int(label)
    discounts = 1 / np.log2(np.arange(10) + 2)
    found = np.take_along_axis(gains, np.argsort(-scores, axis=1)[:, :10], axis=1) @ discounts
    ideal = np.sort(gains, axis=1)[:, ::-1][:, :10] @ discounts
    assert record["views"][0]["metrics"]["ndcg_at_10"]["value"] == pytest.approx(
        float((found / ideal).mean()), abs=1e-6
    )


def test_a_model_that_mixes_the_texts_of_a_batch_is_encoded_a_text_at_a_time(tiny_model, monkeypatch):
    from sentence_transformers.models import Pooling

    inner = Pooling.forward

    def mixed(self, features, **kwargs):
        found = inner(self, features, **kwargs)
        found["sentence_embedding"] = found["sentence_embedding"] + found["sentence_embedding"].mean(dim=0)
        return found

    monkeypatch.setattr(Pooling, "forward", mixed)
    _, encoder = load(tiny_model)
    assert encoder.profile.batching == "single"


def test_a_model_that_draws_random_numbers_is_refused(tiny_model, monkeypatch):
    from sentence_transformers.models import Pooling

    from bench.errors import BenchError

    inner = Pooling.forward

    def noisy(self, features, **kwargs):
        found = inner(self, features, **kwargs)
        found["sentence_embedding"] = found["sentence_embedding"] + torch.rand(32)
        return found

    monkeypatch.setattr(Pooling, "forward", noisy)
    with pytest.raises(BenchError, match="another vector each time"):
        load(tiny_model)


def test_an_end_token_is_put_after_every_text_and_kept_when_texts_are_cut(tiny_model):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.eos_token = "[MASK]"
    before = tokenizer(TEXTS)["input_ids"]
    append_end_token(tokenizer, "m")
    assert tokenizer(TEXTS)["input_ids"] == [[*ids, tokenizer.eos_token_id] for ids in before]
    cut = tokenizer(TEXTS, truncation=True, max_length=6)["input_ids"]
    assert [len(ids) for ids in cut] == [min(len(ids) + 1, 6) for ids in before]
    assert all(ids[-1] == tokenizer.eos_token_id and ids[0] == tokenizer.cls_token_id for ids in cut)
    append_end_token(tokenizer, "m")
    assert tokenizer(TEXTS)["input_ids"] == [[*ids, tokenizer.eos_token_id] for ids in before]


def test_a_tokenizer_without_an_end_token_is_refused(tiny_model):
    with pytest.raises(UsageError, match="has no end token"):
        load(tiny_model, add_eos_token=True)


@pytest.mark.parametrize(
    "settings", [{"pooling": "cls"}, {"task": {"Retrieval-query": "retrieval.query"}}], ids=["pooling", "task"]
)
def test_a_setting_that_does_not_fit_is_an_error_of_the_entry_and_left_out_of_defaults(tiny_model, settings):
    entry = ModelEntry(name="m", source=[str(tiny_model)], **settings)
    with pytest.raises(UsageError, match="does not fit this model") as caught:
        fingerprint(entry, tiny_model)
    assert "remove" in caught.value.hint
    by_default = entry.model_copy(update={"by_default": frozenset(settings)})
    plain = ModelEntry(name="m", source=[str(tiny_model)])
    assert fingerprint(by_default, tiny_model).space == fingerprint(plain, tiny_model).space


def test_defaults_do_not_break_a_static_model(tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({word: row for row, word in enumerate(("[UNK]", *WORDS))}, "[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    folder = tmp_path / "static"
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)], device="cpu").save(
        str(folder), create_model_card=False
    )
    (tmp_path / "models.yaml").write_text(
        "defaults: {max_seq_length: 128, padding_side: left}\nmodels: [{name: s, source: ./static}]\n"
    )
    from bench.models.registry_file import load_registry

    [entry] = load_registry(tmp_path / "models.yaml").models
    task = random_beir(tmp_path / "shop")
    plan, *_ = plan_of([entry], [task], tmp_path / "results")
    assert [note for note in plan.notes if "is left out" in note and "s: `max_seq_length`" in note]
    _, failures, _ = run([entry], [task], tmp_path / "results")
    assert failures == []


def test_the_configurations_own_cut_is_evaluated_beside_the_full_width_and_said(tiny_model, tmp_path):
    change(tiny_model / "config_sentence_transformers.json", truncate_dim=8)
    entry, task = ModelEntry(name="m", source=[str(tiny_model)]), random_beir(tmp_path / "shop")
    plan, *_ = plan_of([entry], [task], tmp_path / "results")
    assert [view.truncate_dim for view in plan.jobs[0].model.views] == [32, 8]
    assert any("`truncate_dim`" in note and "8 dimensions" in note for note in plan.notes)
    asked = entry.model_copy(update={"truncate_dims": [16]})
    plan, *_ = plan_of([asked], [task], tmp_path / "results")
    assert [view.truncate_dim for view in plan.jobs[0].model.views] == [16]


def test_a_change_of_the_cards_instruction_makes_scores_stale(tmp_path):
    model = make_model(tmp_path / "m")
    task = random_beir(tmp_path / "shop")
    card = "name: shop\ntype: retrieval\ninstruction: {}\n"
    template = ModelEntry(name="m", source=[str(model)], prompts={"query": "Instruct: {instruction} : "})
    plain = ModelEntry(name="plain", source=[str(model)])
    (task / "task.yaml").write_text(card.format("find red pipes"))
    _, failures, _ = run([template, plain], [task], tmp_path / "results")
    assert failures == []
    (task / "task.yaml").write_text(card.format("find blue hoses"))
    plan, *_ = plan_of([template, plain], [task], tmp_path / "results")
    assert [[status for status, _ in job.cells.values()] for job in plan.jobs] == [["stale"], ["done"]]
    assert "what its texts are encoded with changed" in [why for _, why in plan.jobs[0].cells.values()]
    *_, listener = run([template, plain], [task], tmp_path / "results")
    record = json.loads(next(path for path in listener.files if "quality" in str(path)).read_text())
    assert record["inputs"]["query"] == {
        "prompt": "Instruct: find blue hoses : ", "origin": "entry", "task": None, "instruction": "find blue hoses",
        "instruction_origin": "card",
    }  # fmt: skip
    assert record["inputs"]["document"]["prompt"] == ""


def test_prompts_that_no_task_uses_are_listed(tiny_model, tmp_path):
    change(tiny_model / "config_sentence_transformers.json", prompts={"s2p_query": "x: ", "Classification": "y: "})
    plan, *_ = plan_of(
        [ModelEntry(name="m", source=[str(tiny_model)], prompts={"shap-query": "z: "})],
        [random_beir(tmp_path / "shop")],
        tmp_path / "results",
    )
    assert any("`s2p_query`" in note and "Classification" not in note for note in plan.notes)
    assert any("`shap-query`" in note and "did you mean `shop`?" in note for note in plan.notes)


def test_trying_out_happens_once(tiny_model, monkeypatch):
    from bench.models import loading

    entry, encoder = load(tiny_model)
    monkeypatch.setattr(loading, "try_out", lambda *_: pytest.fail("tried again"))
    again = load_encoder(entry, Located(tiny_model, "", "folder"), encoder.profile)
    assert again.profile == encoder.profile
    monkeypatch.undo()
    assert try_out(again, entry) == encoder.profile


@pytest.mark.parametrize(
    "key", ["querry", "Query", "documents", "docs", "sts", "retrieval-query", "query-document", "", "texts"]
)
def test_a_key_that_is_nearly_a_role_or_a_type_is_refused(key):
    for setting in ("prompts", "task"):
        with pytest.raises(ValueError, match=r"did you mean|must not be empty"):
            ModelEntry(name="m", source=["x"], **{setting: {key: "x"}})


def test_two_names_of_one_role_are_refused():
    with pytest.raises(ValueError, match="name one role"):
        ModelEntry(name="m", source=["x"], prompts={"document": "a", "passage": "b"})


@pytest.mark.parametrize("key", ["shop", "STSBenchmark", "test", "shop-query", "scifact-document", "passage", "corpus"])
def test_names_of_tasks_and_roles_are_keys(key):
    assert ModelEntry(name="m", source=["x"], prompts={key: "x"}).prompts == {key: "x"}


def test_a_tokenizer_that_changes_texts_with_special_tokens_takes_no_end_token(tiny_model):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.eos_token = "[MASK]"

    class Changing:
        eos_token, eos_token_id = tokenizer.eos_token, tokenizer.eos_token_id
        backend_tokenizer = tokenizer.backend_tokenizer

        def __call__(self, text, add_special_tokens=True):
            return {"input_ids": [7, 8] if add_special_tokens else [9]}

    with pytest.raises(UsageError, match="changes a text"):
        append_end_token(Changing(), "m")
