"""Folders of families of encoders that transformers knows: BERT, XLM-RoBERTa, ModernBERT, T5."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import tokens
from .files import save_weights, write_dense, write_modules, write_pooling, write_settings

WIDTH = 32
_SIZES = {"num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


def bert(
    folder: Path,
    *,
    pooling: str = "cls",
    length: int = 64,
    prompts: Mapping[str, str] | None = None,
    normalize: bool = True,
) -> Path:
    """all-MiniLM (mean), bge, mxbai, snowflake-arctic-embed (CLS): BertModel, pooled and normalised."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=tokens.wordpiece(folder), hidden_size=WIDTH, max_position_embeddings=128, type_vocab_size=2, **_SIZES
    )
    save_weights(BertModel(config), folder)
    return _pooled(folder, pooling, length, prompts, normalize=normalize, lower=True)


def xlm_roberta(
    folder: Path,
    *,
    pooling: str = "mean",
    length: int = 64,
    prompts: Mapping[str, str] | None = None,
) -> Path:
    """multilingual-e5 and its instruct model (mean), bge-m3, snowflake-arctic-embed-l-v2.0 (CLS): XLMRobertaModel."""
    from transformers import XLMRobertaConfig, XLMRobertaModel

    config = XLMRobertaConfig(
        vocab_size=tokens.unigram(folder),
        hidden_size=WIDTH,
        max_position_embeddings=130,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        **_SIZES,
    )
    save_weights(XLMRobertaModel(config), folder)
    _pooled(folder, pooling, length, prompts)
    if prompts is None:
        (folder / "config_sentence_transformers.json").unlink()
    return folder


def modernbert(
    folder: Path, *, pooling: str, prompts: Mapping[str, str] | None = None, normalize: bool, length: int = 64
) -> Path:
    """gte-modernbert, granite-embedding-english-r2 (CLS), modernbert-embed, ruri-v3 (mean)."""
    from transformers import ModernBertConfig, ModernBertModel

    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    names = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    vocabulary = tokens.byte_level(
        folder, "PreTrainedTokenizerFast", special, first="[CLS]", last="[SEP]", mask_token="[MASK]", length=8192,
        model_input_names=["input_ids", "attention_mask"], **names,
    )  # fmt: skip
    config = ModernBertConfig(
        vocab_size=vocabulary,
        hidden_size=WIDTH,
        max_position_embeddings=256,
        # Local attention reaches over a part of a long text only.
        local_attention=8,
        global_attn_every_n_layers=2,
        pad_token_id=3,
        cls_token_id=1,
        sep_token_id=2,
        bos_token_id=1,
        eos_token_id=2,
        **_SIZES,
    )
    save_weights(ModernBertModel(config), folder)
    return _pooled(folder, pooling, length, prompts, normalize=normalize)


def labse(folder: Path) -> Path:
    """LaBSE: BertModel, CLS pooling, a Dense with tanh."""
    bert(folder, pooling="cls", normalize=False)
    write_modules(folder, "Transformer", "Pooling", "Dense", "Normalize")
    write_dense(folder, 2, WIDTH, WIDTH, activation="Tanh", bias=True)
    return folder


def sentence_t5(folder: Path) -> Path:
    """sentence-t5: the encoder of a T5, mean pooling, a Dense without bias."""
    from transformers import T5EncoderModel

    save_weights(T5EncoderModel(_t5(tokens.unigram(folder, t5=True))), folder)
    _pooled(folder, "mean", 64, None)
    write_modules(folder, "Transformer", "Pooling", "Dense", "Normalize")
    write_dense(folder, 2, WIDTH, 48)
    return folder


def instructor(folder: Path) -> Path:
    """instructor-base: sentence-t5 whose pooling leaves the prompt's tokens out."""
    sentence_t5(folder)
    write_pooling(folder, "mean", WIDTH, include_prompt=False)
    prompts = {"query": "Represent the query for retrieving: ", "document": "Represent the document for retrieval: "}
    write_settings(folder, length=64, prompts=prompts)
    return folder


def frida(folder: Path) -> Path:
    """FRIDA: the encoder of a T5 with a CLS token, prompts by names that are no task types of MTEB."""
    from transformers import T5EncoderModel

    special = ["<pad>", "</s>", "<unk>", "[CLS]"]
    names = {"cls_token": "[CLS]", "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    vocabulary = tokens.byte_level(
        folder, "PreTrainedTokenizerFast", special, first="[CLS]", last="</s>", **names,
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip
    save_weights(T5EncoderModel(_t5(vocabulary)), folder)
    words = ["search_query", "search_document", "paraphrase", "categorize", "categorize_sentiment", "categorize_topic"]
    return _pooled(folder, "cls", 64, {word: f"{word}: " for word in [*words, "categorize_entailment"]})


def _t5(vocabulary: int) -> Any:
    from transformers import T5Config

    return T5Config(
        vocab_size=vocabulary,
        d_model=WIDTH,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        pad_token_id=0,
        eos_token_id=1,
    )


def _pooled(
    folder: Path,
    pooling: str,
    length: int | None,
    prompts: Mapping[str, str] | None,
    *,
    normalize: bool = True,
    lower: bool = False,
) -> Path:
    write_modules(folder, "Transformer", "Pooling", *(["Normalize"] if normalize else []))
    write_pooling(folder, pooling, WIDTH)
    write_settings(folder, length=length, prompts=prompts, lower=lower)
    return folder
