"""What mteb's metadata say that public models need: against model cards, and against mteb's own classes at work."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from bench.models.entries import needs as room
from bench.models.entries.folder_facts import read_facts
from bench.models.entries.needs import known_models, known_needs, known_tasks
from bench.models.entries.needs import record as recorded
from bench.models.entries.needs.keys import mteb_tasks
from bench.models.entries.needs.metadata import all_metadata, needs_of, read_needs
from bench.models.entries.new_entry import Wanted, entry_lines
from bench.models.keys import ROLES, check_key
from bench.models.prompts import ANY_TASK, Instruction, PromptTask, resolve_prompt, task_argument
from bench.models.registry import ModelEntry, Registry
from bench.mteb_import import contained
from bench.tasks.mteb_bridge import mteb_instruction

pytest.importorskip("mteb")

SEARCH = "Represent this sentence for searching relevant passages: "

# From the models' cards: prompts for a search's query and document, for STS and for classification, and settings.
CARDS = [
    ("BAAI/bge-base-en-v1.5", (SEARCH, "", "", ""), {}),
    ("intfloat/e5-base", ("query: ", "passage: ", "", ""), {}),
    ("intfloat/multilingual-e5-large-instruct", ("Instruct: DO\nQuery: ", "", "Instruct: DO\nQuery: ", ...), {}),
    ("intfloat/e5-mistral-7b-instruct", ("Instruct: DO\nQuery: ", "", ..., ...), {"add_eos_token": True}),
    ("Qwen/Qwen3-Embedding-0.6B", ("Instruct: DO\nQuery:", "", "Instruct: DO\nQuery:", ...), {}),
    # Its folder states its prompts.
    ("google/embeddinggemma-300m", ("", "", "", ""), {"max_seq_length": None}),
    (
        "nomic-ai/nomic-embed-text-v1.5",
        ("search_query: ", "search_document: ", "classification: ", "classification: "),
        {"layer_norm": True, "trust_remote_code": True},
    ),
    ("nomic-ai/nomic-embed-text-v1", ("search_query: ", "search_document: ", ..., ...), {"layer_norm": False}),
    (
        "jinaai/jina-embeddings-v3",
        ("Represent the query for retrieving evidence documents: ", "Represent the document for retrieval: ", "", ""),
        {"trust_remote_code": True},
    ),
    ("Snowflake/snowflake-arctic-embed-m-v2.0", ("", "", "", ""), {"trust_remote_code": True}),
    ("mixedbread-ai/mxbai-embed-large-v1", (SEARCH, "", "", ""), {}),
    (
        "Alibaba-NLP/gte-Qwen2-7B-instruct",
        ("Instruct: DO\nQuery: ", "", ..., ...),
        {"add_eos_token": True, "trust_remote_code": True},
    ),
    ("NovaSearch/stella_en_1.5B_v5", ("DO", "", "DO", "DO"), {"trust_remote_code": True}),
    ("HIT-TMG/KaLM-embedding-multilingual-mini-instruct-v1", ("Instruct: DO \n Query: ", "", "", ...), {}),
    ("ai-forever/FRIDA", ("search_query: ", "search_document: ", "paraphrase: ", "categorize: "), {}),
    ("cl-nagoya/ruri-base", ("クエリ: ", "文章: ", "", ""), {}),
    ("cl-nagoya/ruri-v3-30m", ("検索クエリ: ", "検索文書: ", "", "トピック: "), {}),
    ("sentence-transformers/all-mpnet-base-v2", ("", "", "", ""), {"parameters": 109_486_464}),
    ("sentence-transformers/all-MiniLM-L6-v2", ("", "", "", ""), {"licence": "apache-2.0"}),
    ("minishlab/potion-base-8M", ("", "", "", ""), {}),
    ("BMRetriever/BMRetriever-410M", ("DO\nQuery: ", "Represent this passage\npassage: ", ..., ...),
     {"pooling": "lasttoken", "padding_side": "left", "add_eos_token": True}),
    ("ReasonIR/ReasonIR-8B", ("<|user|>\nDO\n<|embed|>\n", "<|embed|>\n", ..., ...), {}),
    ("sentence-transformers/multi-qa-mpnet-base-dot-v1", ("", "", "", ""), {"similarity": "dot"}),
    ("ibm-granite/granite-embedding-311m-multilingual-r2", ("", "", "", ""),
     {"truncate_dims": (768, 512, 384, 256, 128)}),
    ("nvidia/Nemotron-3-Embed-1B-BF16", ("", "", "", ""), {"max_seq_length": 4096}),
]  # fmt: skip


def prompts_of(model: str, kind: str, name: str = "Mine") -> list[str]:
    """The prompts that an entry with a model's keys gives on a task of a type."""
    found = read_needs(model)
    entry = ModelEntry(
        name="m", source=["m"], prompts=found.prompts, task=found.task, instruct_documents=found.instruct_documents
    )
    task = PromptTask((name,), kind, lambda _: Instruction("DO", "card"))
    roles = ("query", "document") if kind == "Retrieval" else ("text",)
    return [resolve_prompt(entry, {}, None, task, role).prompt for role in roles]


@pytest.mark.parametrize(("model", "prompts", "settings"), CARDS, ids=[card[0] for card in CARDS])
def test_a_model_needs_what_its_card_says(model, prompts, settings):
    given = [*prompts_of(model, "Retrieval"), *prompts_of(model, "STS"), *prompts_of(model, "Classification")]
    assert [wanted if wanted is ... else text for text, wanted in zip(given, prompts, strict=True)] == list(prompts)
    found = read_needs(model)
    assert {key: getattr(found, key) for key in settings} == settings


def test_keys_by_the_names_of_tasks_are_kept():
    found = read_needs("BAAI/bge-small-en-v1.5").prompts
    assert found["BrightBiologyRetrieval-query"] == "Represent this biology post for searching relevant passages: "
    assert found["query"] == SEARCH


def test_task_arguments_of_jina():
    assert read_needs("jinaai/jina-embeddings-v3").task["Retrieval-query"] == "retrieval.query"
    assert read_needs("jinaai/jina-embeddings-v3").task["STS"] == "text-matching"
    fifth = read_needs("jinaai/jina-embeddings-v5-text-nano")
    assert (fifth.task["query"], fifth.task["Clustering"]) == ("retrieval", "clustering")
    assert prompts_of(fifth.model, "Retrieval") == ["Query: ", "Document: "]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("openai/text-embedding-3-small", "a provider's API"),
        ("jxm/cde-small-v2", "a class of its own, CDEWrapper"),
        ("McGill-NLP/LLM2Vec-Mistral-7B-Instruct-v2-mntp-supervised", "a class of its own, LLM2VecModel"),
        ("cross-encoder/ms-marco-MiniLM-L6-v2", "cross-encoder"),
        ("naver/splade-v3", "sparse"),
        ("lightonai/GTE-ModernColBERT-v1", "late-interaction"),
        ("NovaSearch/stella_en_400M_v5", "the bare instruction"),
        ("WhereIsAI/UAE-Large-V1", "Summarization goes around the text"),
        ("intfloat/e5-mistral-7b-instruct", "`add_bos_token` to True"),
        ("GritLM/GritLM-7B", "`include_prompt` to False"),
        ("NovaSearch/jasper_en_vision_language_v1", "`vector_dim` to 12288"),
        ("geevec-ai/geevec-embeddings-1.0-lite", "`domain`"),
    ],
)
def test_what_no_key_expresses_is_said(model, words):
    assert words in "; ".join(read_needs(model).left_open())


def test_options_that_the_folder_states_are_not_open(tmp_path, tiny_model):
    found = read_needs("intfloat/e5-mistral-7b-instruct")
    config = tiny_model / "tokenizer_config.json"
    assert found.left_open(read_facts(tiny_model, "m").options)
    config.write_text(json.dumps({**json.loads(config.read_text()), "add_bos_token": True}))
    assert found.left_open(read_facts(tiny_model, "m").options) == ()


class Recorder:
    """In place of a SentenceTransformer: keeps how it is made and what it is given."""

    made: list[Recorder]

    def __init__(self, *names, **arguments):
        self.arguments = arguments
        self.prompts = {"query": "", "document": ""}
        self.tokenizer = SimpleNamespace()
        self.seen: tuple[str, str | None] = ("", None)
        Recorder.made.append(self)

    def __getitem__(self, _):
        return self

    def _first_module(self):
        return SimpleNamespace(auto_model=SimpleNamespace(config=SimpleNamespace(_attn_implementation="sdpa")))

    def get_word_embedding_dimension(self):
        return 4

    def set_pooling_include_prompt(self, include_prompt):
        self.include_prompt = include_prompt

    def encode(self, sentences, prompt=None, prompt_name=None, task=None, **_):
        if prompt is None and prompt_name is not None:
            prompt = self.prompts[prompt_name]
        (text,) = sentences
        self.seen = ((prompt or "") + text, task)
        return np.zeros((1, 4), np.float32)

    def encode_query(self, sentences, prompt=None, **_):
        return self.encode(sentences, self.prompts.get("query") if prompt is None else prompt)

    def encode_document(self, sentences, prompt=None, **_):
        named = next((name for name in ("document", "passage", "corpus") if name in self.prompts), "")
        return self.encode(sentences, self.prompts.get(named) if prompt is None else prompt)


class OneText:
    """A data loader of mteb with one text."""

    dataset = SimpleNamespace(features=("text",))

    def __iter__(self) -> Iterator[dict]:
        yield {"text": ["TEXT"]}


@pytest.fixture
def recording(monkeypatch):
    import sentence_transformers

    Recorder.made = []
    monkeypatch.setattr(sentence_transformers, "SentenceTransformer", Recorder)
    monkeypatch.setattr("sentence_transformers.models.Transformer", Recorder)
    monkeypatch.setattr("sentence_transformers.models.Pooling", Recorder)


def seen_by(wrapper, task, role) -> tuple[str, str | None]:
    from mteb.types import PromptType

    prompt_type = PromptType(role) if role != "text" else None
    wrapper.encode(OneText(), task_metadata=task, hf_split="test", hf_subset="default", prompt_type=prompt_type)
    return wrapper.model.seen


def some_tasks(meta, everything):
    """Tasks that a model's arguments name, and some of every type."""
    named = {key.removesuffix("-query").removesuffix("-document") for key in prompts_in(meta)}
    chosen = random.Random(meta.name).sample(sorted(everything), 15)
    return [*chosen, *[name for name in sorted(named) if name in everything][:10]]


def prompts_in(meta) -> dict:
    return meta.loader_kwargs.get("prompts_dict") or meta.loader_kwargs.get("model_prompts") or {}


@pytest.fixture(scope="module")
def everything() -> list[tuple]:
    """The metadata of every model of texts, and what it needs."""
    return [(meta, needs_of(meta)) for meta in all_metadata() if meta.modalities == ["text"]]


def test_the_keys_give_what_mtebs_own_classes_give(recording, everything):
    """Every model that mteb loads with sentence-transformers, by the class of mteb that encodes with it."""
    from mteb.get_tasks import TASK_LIST

    metadata = {cls.metadata.name: cls.metadata for cls in TASK_LIST}
    roles = {task.name: roles for task, roles in mteb_tasks()}
    texts = {(name, role): mteb_instruction(name, role) for name in roles for role in ROLES}
    stated = {key: None if text is None else Instruction(text, "mteb") for key, text in texts.items()}
    tried: dict[str, int] = {}
    with contained():
        for meta, found in everything:
            # Classes that use the model in another way than `encode`, or with arguments that SentenceTransformer lacks.
            if found.notes or found.loader in {"Model2VecModel", "OPSWrapper"} or meta.name == "Sailesh97/Hinvec":
                continue
            wrapper = meta.loader(meta.name, revision=meta.revision, **json_copy(meta.loader_kwargs))
            wrapper.mteb_model_meta = meta
            entry = ModelEntry(
                name="m", source=["m"], prompts=found.prompts, task=found.task,
                instruct_documents=found.instruct_documents,
            )  # fmt: skip
            for name in some_tasks(meta, roles):
                task = PromptTask((name,), metadata[name].type, lambda role, name=name: stated[name, role])
                for role in roles[name]:
                    prompt = resolve_prompt(entry, {}, None, task, role).prompt
                    given = (prompt + "TEXT", task_argument(entry, task, role))
                    assert given == seen_by(wrapper, metadata[name], role), (meta.name, name, role)
            tried[found.loader] = tried.get(found.loader, 0) + 1
            check_settings(found, Recorder.made[-1])
    assert tried["SentenceTransformerEncoderWrapper"] > 300
    assert tried["InstructSentenceTransformerModel"] > 60
    assert {"KALMWrapper", "NomicWrapper", "JinaWrapper", "JinaV5TextWrapper", "q3e_instruct_loader"} <= set(tried)


def json_copy(arguments: dict) -> dict:
    """Arguments that a class may change without changing the metadata."""
    return {key: dict(value) if isinstance(value, dict) else value for key, value in arguments.items()}


def check_settings(found, model) -> None:
    """The settings of a model that mteb made, against its needs."""
    made = model.arguments
    tokenizer = {**made.get("tokenizer_kwargs", {}), **made.get("processor_kwargs", {}), **vars(model.tokenizer)}
    assert bool(tokenizer.get("add_eos_token")) == found.add_eos_token or found.pooling, found.model
    assert tokenizer.get("padding_side") == found.padding_side or found.pooling, found.model
    limit = getattr(model, "max_seq_length", tokenizer.get("model_max_length"))
    assert limit == found.max_seq_length, found.model
    trusted = made.get("trust_remote_code") or made.get("model_kwargs", {}).get("trust_remote_code")
    assert bool(trusted) == found.trust_remote_code, found.model


def test_every_model_of_texts_has_an_entry_or_says_why_not(everything):
    """All 600 of the installed mteb: the entry is one that models.yaml can hold, with the keys unchanged."""
    assert len(everything) > 500
    for meta, found in everything:
        lines = entry_lines(Wanted("a model", [meta.name], None, found, "1.0"))
        entry = Registry.model_validate(yaml.load("models:\n" + "\n".join(lines), yaml.CSafeLoader)).models[0]
        assert (entry.prompts, entry.task) == (found.prompts, found.task)
        assert entry.revision == found.revision
        runnable = set(meta.model_type) <= {"dense", "router"} and "API" not in meta.framework and meta.loader
        assert runnable or found.left_open()
        text = " ".join(" ".join(lines).replace("# ", "").split())
        assert all(" ".join(phrase.split()) in text for phrase in found.left_open())
    assert sum(not found.left_open() for _, found in everything) > 400


def test_reading_leaves_mtebs_metadata_as_they_are():
    meta = next(meta for meta in all_metadata() if meta.name == "BMRetriever/BMRetriever-410M")
    before = repr(meta.loader_kwargs)
    assert needs_of(meta) == needs_of(meta)
    assert repr(meta.loader_kwargs) == before


def test_what_was_read_is_kept_by_the_version_of_mteb(monkeypatch):
    first = known_needs("intfloat/e5-base")
    assert known_needs("nobody/knows-this") is None
    assert "SciFact" in known_tasks() and "intfloat/e5-base" in known_models()

    def refuse(*_):
        raise AssertionError("read again")

    monkeypatch.setattr("bench.models.entries.needs.metadata.read_needs", refuse)
    assert known_needs("intfloat/e5-base") == first
    assert known_needs("nobody/knows-this") is None
    monkeypatch.setattr(recorded, "mteb_version", lambda: "99.0")
    with pytest.raises(AssertionError, match="read again"):
        known_needs("intfloat/e5-base")


def test_a_broken_cache_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    first = known_needs("intfloat/e5-base")
    (kept,) = tmp_path.rglob("*e5-base*.json")
    for content in ("", "[1]", '{"model": 1}', "\xff"):
        kept.write_text(content, encoding="latin-1")
        assert known_needs("intfloat/e5-base") == first


def test_generic_inputs_have_no_instruction():
    entry = ModelEntry(name="m", source=["m"], prompts=read_needs("Qwen/Qwen3-Embedding-4B").prompts)
    assert resolve_prompt(entry, {}, None, ANY_TASK, "query").prompt == ""
    assert room.mteb_version() == sys.modules["mteb"].__version__


def test_no_name_of_a_task_is_taken_for_a_role():
    """NFCorpus is near `corpus`, which is a name of the documents' role."""
    for name in known_tasks():
        for key in (name, f"{name}-query", f"{name}-document"):
            check_key(key)
