"""The families: how a folder of each is made, the entry that gives its vectors, and what gives others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from . import coded, decoders, encoders, others, reference, traps
from .entries import (
    BGE,
    BM_RETRIEVER,
    E5_INSTRUCT,
    FRIDA,
    JINA_V3,
    JINA_V5,
    KALM,
    KALM_OWN,
    KALM_V1_OWN,
    NOMIC,
    QWEN3,
    REMOTE,
    RURI,
    instruct,
)
from .traps import DOCUMENT, EVERY, QUERY, SYMMETRIC, Trap


@dataclass(frozen=True)
class Family:
    """A family of models.

    Attributes:
        name: The best known model of it, as its folder is called.
        special: What decides its vectors, for people.
        build: Writes a tiny model into a folder, as the real folder is.
        traps: Ways to encode that look right and give other vectors.
        mteb: The model whose loader and settings in mteb give the reference; the plain wrapper where mteb has none.
        entry: Keys of its entry besides name and source.
        cut: A truncation dimension, where the family is made to be cut.
        retrieval: The retrieval task whose metadata the reference reads.
    """

    name: str
    special: str
    build: Callable[[Path], Path]
    traps: tuple[Trap, ...]
    mteb: str | None = None
    entry: Mapping[str, Any] = field(default_factory=dict)
    cut: int | None = None
    retrieval: str = "SciFact"


PLAINLY = traps.plainly(*EVERY)
FAMILIES = [
    Family(
        "all-MiniLM-L6-v2",
        "BERT, mean pooling",
        partial(encoders.bert, pooling="mean"),
        (traps.pooled("cls", *EVERY),),
        mteb="sentence-transformers/all-MiniLM-L6-v2",
    ),
    Family(
        "bge-base-en-v1.5",
        "CLS pooling; an instruction before queries that the folder does not state",
        encoders.bert,
        (traps.plainly(*QUERY), traps.pooled("mean", *EVERY)),
        mteb="BAAI/bge-base-en-v1.5",
        entry={"prompts": {"query": BGE}},
    ),
    Family(
        "UAE-Large-V1",
        "the same, with another loader in mteb",
        partial(encoders.bert, normalize=False),
        (traps.plainly(*QUERY),),
        mteb="WhereIsAI/UAE-Large-V1",
        entry={"prompts": {"query": BGE}},
    ),
    Family(
        "mxbai-embed-large-v1",
        "CLS pooling; the folder states the prompts `query` and `passage`",
        partial(encoders.bert, prompts={"query": BGE, "passage": ""}, normalize=False),
        (traps.plainly(*QUERY),),
        mteb="mixedbread-ai/mxbai-embed-large-v1",
        cut=16,
    ),
    Family(
        "snowflake-arctic-embed-m-v1.5",
        "CLS pooling; the folder states a query prompt",
        partial(encoders.bert, prompts={"query": BGE}),
        (traps.plainly(*QUERY),),
        mteb="Snowflake/snowflake-arctic-embed-m-v1.5",
        cut=8,
    ),
    Family(
        "snowflake-arctic-embed-l-v2.0",
        "XLM-RoBERTa, CLS pooling; the folder states a query prompt",
        partial(encoders.xlm_roberta, pooling="cls", prompts={"query": "query: "}),
        (traps.plainly(*QUERY), traps.pooled("mean", *EVERY)),
        mteb="Snowflake/snowflake-arctic-embed-l-v2.0",
        cut=16,
    ),
    Family(
        "multilingual-e5-base",
        "XLM-RoBERTa, mean pooling; prompts by role that the folder does not state",
        encoders.xlm_roberta,
        (traps.plainly(*QUERY, *DOCUMENT),),
        mteb="intfloat/multilingual-e5-base",
        entry={"prompts": {"query": "query: ", "document": "passage: "}},
    ),
    Family(
        "multilingual-e5-large-instruct",
        "an instruction by task before queries and texts",
        partial(encoders.xlm_roberta, length=96),
        (traps.plainly(*QUERY, *SYMMETRIC),),
        mteb="intfloat/multilingual-e5-large-instruct",
        entry=instruct(E5_INSTRUCT),
    ),
    Family(
        "e5-mistral-7b-instruct",
        "last token; instructions; an end token by tokenizer option",
        decoders.e5_mistral,
        (PLAINLY,),
        mteb="intfloat/e5-mistral-7b-instruct",
        entry=instruct(E5_INSTRUCT) | {"add_eos_token": True},
    ),
    Family(
        "Qwen3-Embedding-0.6B",
        "last token, padding on the left; instructions in place of the folder's query prompt",
        decoders.qwen3,
        (traps.plainly(*QUERY, *SYMMETRIC), traps.prompted(decoders.WEB.rstrip(" "), *EVERY)),
        mteb="Qwen/Qwen3-Embedding-0.6B",
        entry=instruct(QWEN3),
        cut=16,
    ),
    Family(
        "harrier-oss-v1-270m",
        "causal Gemma3, last token; instructions, of some tasks the model's own",
        decoders.harrier,
        (traps.plainly(*QUERY, *SYMMETRIC),),
        mteb="microsoft/harrier-oss-v1-270m",
        entry=instruct(QWEN3, STSBenchmark="Instruct: Retrieve semantically similar text\nQuery:"),
    ),
    Family(
        "KaLM-embedding-mini-instruct-v2.5",
        "Qwen2, mean pooling; max_seq_length; instructions, of some tasks its own",
        decoders.kalm,
        (traps.plainly(*QUERY, *SYMMETRIC),),
        mteb="KaLM-Embedding/KaLM-embedding-multilingual-mini-instruct-v2.5",
        entry=instruct(KALM, **KALM_OWN) | {"max_seq_length": 512},
    ),
    Family(
        "KaLM-embedding-mini-instruct-v1",
        "the same without instructions on STS and its like",
        decoders.kalm,
        (traps.plainly(*QUERY, "classification"),),
        mteb="HIT-TMG/KaLM-embedding-multilingual-mini-instruct-v1",
        entry=instruct(KALM, **KALM_V1_OWN) | {"max_seq_length": 512},
    ),
    Family(
        "KaLM-Embedding-Gemma3-12B",
        "an instruction on documents too, where the task has one for them",
        decoders.harrier,
        (PLAINLY,),
        mteb="tencent/KaLM-Embedding-Gemma3-12B-2511",
        entry=instruct(KALM, STSBenchmark="Instruct: Retrieve semantically similar text \n Query: ")
        | {"instruct_documents": True, "max_seq_length": 512},
        retrieval="CosQA",
    ),
    Family(
        "BMRetriever-410M",
        "a folder of transformers: pooling, padding and end token stand in the card",
        decoders.bm_retriever,
        (PLAINLY,),
        mteb="BMRetriever/BMRetriever-410M",
        entry=BM_RETRIEVER,
    ),
    Family(
        "gte-Qwen2-7B-instruct",
        "code in the folder under a model_type of transformers; instructions; an end token",
        coded.gte_qwen2,
        (PLAINLY, traps.native()),
        mteb="Alibaba-NLP/gte-Qwen2-7B-instruct",
        entry=instruct(E5_INSTRUCT) | REMOTE | {"add_eos_token": True},
    ),
    Family(
        "embeddinggemma-300m",
        "Gemma3 attending both ways, two Dense modules; the folder states prompts by task type",
        decoders.embedding_gemma,
        (PLAINLY, traps.without(2, 3)),
        mteb="google/embeddinggemma-300m",
        cut=16,
    ),
    Family(
        "nomic-embed-text-v1.5",
        "code in another repository; prompts by task type; layer_norm before cuts",
        coded.nomic,
        (PLAINLY, traps.prompted("classification: ", *SYMMETRIC)),
        mteb="nomic-ai/nomic-embed-text-v1.5",
        entry={"prompts": NOMIC, "layer_norm": True} | REMOTE,
        cut=8,
    ),
    Family(
        "modernbert-embed-base",
        "ModernBERT, mean pooling; prompts by task type",
        partial(encoders.modernbert, pooling="mean", normalize=True),
        (PLAINLY,),
        mteb="nomic-ai/modernbert-embed-base",
        entry={"prompts": NOMIC},
        cut=8,
    ),
    Family(
        "gte-modernbert-base",
        "ModernBERT, CLS pooling, vectors of any length",
        partial(encoders.modernbert, pooling="cls", normalize=False),
        (traps.pooled("mean", *EVERY),),
        mteb="Alibaba-NLP/gte-modernbert-base",
    ),
    Family(
        "ruri-v3-30m",
        "ModernBERT, mean pooling; Japanese prompts, none for STS",
        partial(encoders.modernbert, pooling="mean", normalize=False),
        (traps.plainly("query", "document", "classification"),),
        mteb="cl-nagoya/ruri-v3-30m",
        entry={"prompts": RURI},
    ),
    Family(
        "gte-multilingual-base",
        "code in another repository; CLS pooling",
        coded.gte,
        (traps.pooled("mean", *EVERY),),
        mteb="Alibaba-NLP/gte-multilingual-base",
        entry=REMOTE,
        cut=16,
    ),
    Family(
        "stella_en_400M_v5",
        "code in the folder; a Dense of several; the bare instruction as prompt",
        coded.stella,
        (traps.plainly(*QUERY, *SYMMETRIC), traps.without(2)),
        mteb="NovaSearch/stella_en_400M_v5",
        entry=instruct("{instruction}") | REMOTE,
    ),
    Family(
        "jina-embeddings-v3",
        "a module of the folder's own with task adapters; prompts for retrieval",
        coded.jina,
        (PLAINLY, traps.prompted("Represent the query for retrieving evidence documents: ", *QUERY)),
        mteb="jinaai/jina-embeddings-v3",
        entry=JINA_V3 | REMOTE,
        cut=16,
    ),
    Family(
        "jina-embeddings-v5-text-small",
        "task adapters by task type, prompts by role",
        coded.jina_v5,
        (PLAINLY,),
        mteb="jinaai/jina-embeddings-v5-text-small",
        entry=JINA_V5 | REMOTE,
        cut=16,
    ),
    Family(
        "FRIDA",
        "the encoder of a T5, CLS pooling; prompts by task type that the folder names otherwise",
        encoders.frida,
        (PLAINLY,),
        mteb="ai-forever/FRIDA",
        entry={"prompts": FRIDA},
    ),
    Family(
        "LaBSE",
        "BERT, CLS pooling, a Dense with tanh",
        encoders.labse,
        (traps.without(2),),
        mteb="sentence-transformers/LaBSE",
    ),
    Family(
        "sentence-t5-base",
        "the encoder of a T5, mean pooling, a Dense",
        encoders.sentence_t5,
        (traps.without(2),),
        mteb="sentence-transformers/sentence-t5-base",
    ),
    Family(
        "instructor-base",
        "pooling without the prompt's tokens",
        encoders.instructor,
        (traps.plainly(*QUERY, *DOCUMENT), traps.with_prompt_tokens()),
    ),
    Family(
        "static-retrieval-mrl-en-v1",
        "StaticEmbedding: no transformer",
        others.static,
        (traps.counting_special_tokens(),),
        mteb="sentence-transformers/static-retrieval-mrl-en-v1",
        cut=16,
    ),
    Family(
        "potion-base-8M",
        "model2vec's folder with modules.json beside it",
        others.model2vec,
        (traps.counting_special_tokens(),),
        mteb="minishlab/potion-base-8M",
    ),
    Family(
        "M2V_base_output",
        "model2vec's folder by itself",
        partial(others.model2vec, modules=False),
        (),
    ),
    Family(
        "Router",
        "static queries and transformed documents: the route by role, documents' for symmetric tasks",
        others.router,
        (traps.plainly(*QUERY), traps.routed("query", *DOCUMENT, *SYMMETRIC)),
        cut=16,
    ),
    Family(
        "LoRA",
        "an adapter over a base in another folder; prompts by role that the adapter states",
        others.lora,
        (traps.plainly(*QUERY, *DOCUMENT), traps.bare("-base")),
    ),
    Family(
        "clip-vit-base-patch32",
        "a folder of transformers with two towers; the text tower's vector of the end token",
        others.clip,
        (traps.averaged_states(),),
        mteb="openai/clip-vit-base-patch32",
    ),
    Family(
        "clip-ViT-B-32",
        "the same as a module of sentence-transformers",
        others.clip_sentences,
        (traps.averaged_states(),),
    ),
]


def reference_of(family: Family, folder: Path, cut: int | None = None) -> reference.Reference:
    """The reference of a family over a folder that it built, at full width or at a cut."""
    if family.name == "M2V_base_output":
        return reference.of_model2vec(folder)
    if cut is not None and family.entry.get("layer_norm"):
        return reference.of_nomic(folder, str(family.mteb), cut)
    return reference.of_mteb(folder, family.mteb, cut)
