"""Folders of families made of language models: Mistral, Qwen, Gemma, pooled at the last token or both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import tokens
from .files import save_weights, write_dense, write_modules, write_pooling, write_settings

WIDTH = 32
WEB = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: "
_SIZES = {
    "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 64, "head_dim": 8, "max_position_embeddings": 256,
}  # fmt: skip
# The heads of a Qwen2 share its width.
QWEN2 = {key: value for key, value in _SIZES.items() if key != "head_dim"} | {"bos_token_id": 0, "eos_token_id": 0}


def e5_mistral(folder: Path) -> Path:
    """e5-mistral-7b-instruct: last token; the end token by tokenizer option; prompts under names of its own."""
    from transformers import MistralConfig, MistralModel

    vocabulary = tokens.byte_fallback(
        folder, "LlamaTokenizer", ["<unk>", "<s>", "</s>"], "<s>", None,
        bos_token="<s>", eos_token="</s>", pad_token="</s>", add_bos_token=True, add_eos_token=False,
    )  # fmt: skip
    config = MistralConfig(
        vocab_size=vocabulary, sliding_window=None, bos_token_id=1, eos_token_id=2, pad_token_id=2, **_SIZES
    )
    save_weights(MistralModel(config), folder)
    prompts = {
        "web_search_query": WEB,
        "sts_query": "Instruct: Retrieve semantically similar text.\nQuery: ",
        "summarization_query": "Instruct: Given a news summary, retrieve other semantically similar summaries\nQuery: ",
        "bitext_query": "Instruct: Retrieve parallel sentences.\nQuery: ",
    }
    return _pooled(folder, "lasttoken", 96, prompts, similarity=None)


def qwen_tokens(folder: Path, tokenizer_class: str = "Qwen2Tokenizer", *, ends: bool, **names: Any) -> int:
    """Qwen's tokenizer, with or without an end token after every text."""
    end = "<|endoftext|>"
    return tokens.byte_level(
        folder, tokenizer_class, [end, "<|im_start|>", "<|im_end|>"], last=end if ends else None, length=131072,
        pad_token=end, unk_token=None, bos_token=None, **{"eos_token": end, **names},
    )  # fmt: skip


def qwen3(folder: Path) -> Path:
    """Qwen3-Embedding: last token, padding on the left, an end token by the tokenizer's template, a query prompt."""
    from transformers import Qwen3Config, Qwen3Model

    vocabulary = qwen_tokens(folder, ends=True, padding_side="left")
    config = Qwen3Config(vocab_size=vocabulary, bos_token_id=0, eos_token_id=0, tie_word_embeddings=True, **_SIZES)
    save_weights(Qwen3Model(config), folder)
    return _pooled(folder, "lasttoken", None, {"query": WEB.rstrip(" "), "document": ""})


def kalm(folder: Path) -> Path:
    """KaLM-embedding-mini-instruct: a Qwen2 with mean pooling; no prompts in the folder."""
    from transformers import Qwen2Config, Qwen2Model

    config = Qwen2Config(vocab_size=qwen_tokens(folder, ends=False), **QWEN2)
    save_weights(Qwen2Model(config), folder)
    return _pooled(folder, "mean", 512, None)


def embedding_gemma(folder: Path) -> Path:
    """EmbeddingGemma: Gemma3 attending both ways, mean pooling, two Dense modules, prompts by task type."""
    from transformers import Gemma3TextConfig, Gemma3TextModel

    vocabulary = tokens.byte_fallback(
        folder, "GemmaTokenizer", ["<pad>", "<eos>", "<bos>", "<unk>"], "<bos>", "<eos>",
        bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", add_bos_token=True, add_eos_token=True,
    )  # fmt: skip
    config = Gemma3TextConfig(
        vocab_size=vocabulary,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=2,
        sliding_window=16,
        layer_types=["sliding_attention", "full_attention"],
        use_bidirectional_attention=True,
        query_pre_attn_scalar=8,
        **_SIZES,
    )
    save_weights(Gemma3TextModel(config), folder)
    search, similar = "task: search result | query: ", "task: sentence similarity | query: "
    classify, document = "task: classification | query: ", "title: none | text: "
    prompts = {
        "query": search,
        "document": document,
        "BitextMining": search,
        "Clustering": "task: clustering | query: ",
        "Classification": classify,
        "InstructionRetrieval": "task: code retrieval | query: ",
        "MultilabelClassification": classify,
        "PairClassification": similar,
        "Reranking": search,
        "Retrieval": search,
        "Retrieval-query": search,
        "Retrieval-document": document,
        "STS": similar,
        "Summarization": "task: summarization | query: ",
    }
    _pooled(folder, "mean", 96, prompts)
    write_modules(folder, "Transformer", "Pooling", "Dense", "Dense", "Normalize")
    write_dense(folder, 2, WIDTH, 64)
    write_dense(folder, 3, 64, WIDTH)
    return folder


def harrier(folder: Path) -> Path:
    """harrier-oss-v1: a causal Gemma3 pooled at the last token; instructions in prompts under names of its own."""
    from transformers import Gemma3TextConfig, Gemma3TextModel

    vocabulary = tokens.byte_fallback(
        folder, "GemmaTokenizer", ["<pad>", "<eos>", "<bos>", "<unk>"], "<bos>", "<eos>",
        bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", add_bos_token=True, add_eos_token=True,
        padding_side="left",
    )  # fmt: skip
    config = Gemma3TextConfig(
        vocab_size=vocabulary, pad_token_id=0, eos_token_id=1, bos_token_id=2, sliding_window=16,
        layer_types=["sliding_attention", "full_attention"], query_pre_attn_scalar=8, **_SIZES,
    )  # fmt: skip
    save_weights(Gemma3TextModel(config), folder)
    return _pooled(folder, "lasttoken", 96, {"web_search_query": WEB})


def bm_retriever(folder: Path) -> Path:
    """BMRetriever: a folder of transformers, its pooling, padding and end token in the card alone."""
    from transformers import GPTNeoXConfig, GPTNeoXModel

    end = "<|endoftext|>"
    vocabulary = tokens.byte_level(
        folder, "GPTNeoXTokenizer", [end, "<|padding|>"], length=2048, bos_token=end, eos_token=end, unk_token=end,
        pad_token="<|padding|>",
    )  # fmt: skip
    config = GPTNeoXConfig(
        vocab_size=vocabulary, hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=256, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    save_weights(GPTNeoXModel(config), folder)
    return folder


def _pooled(
    folder: Path, pooling: str, length: int | None, prompts: dict[str, str] | None, similarity: str | None = "cosine"
) -> Path:
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, pooling, WIDTH)
    write_settings(folder, length=length, prompts=prompts, similarity=similarity)
    return folder
