"""Folders of families that bring Python code, in the folder or in a repository of the Hub that config.json names."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

from hub_folders import fill_hub_cache

from . import decoders, encoders, tokens
from .files import change_json, save_weights, write_dense, write_modules, write_pooling, write_settings

CODE = Path(__file__).parent / "code"
WIDTH = encoders.WIDTH
_SIZES = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
JINA_TASKS = ["retrieval.query", "retrieval.passage", "separation", "classification", "text-matching"]


def nomic(folder: Path) -> Path:
    """nomic-embed-text-v1.5: code in another repository under a model_type of transformers; no Normalize module."""
    module = _module("nomic_bert", "modeling_hf_nomic_bert")
    size = tokens.wordpiece(folder)
    config = module.NomicBertConfig(vocab_size=size, max_position_embeddings=128, type_vocab_size=2, **_SIZES)
    save_weights(module.NomicBertModel(config), folder)
    code = _published(folder, "nomic_bert", "nomic-ai/nomic-bert-2048")
    classes = {"AutoConfig": "configuration_hf_nomic_bert.NomicBertConfig"}
    classes["AutoModel"] = "modeling_hf_nomic_bert.NomicBertModel"
    _map(folder, classes, code)
    write_modules(folder, "Transformer", "Pooling")
    write_pooling(folder, "mean", WIDTH)
    write_settings(folder, length=64)
    return folder


def gte(folder: Path) -> Path:
    """gte-multilingual-base: code in another repository under a model_type that only that knows; CLS pooling."""
    _new(folder, tokens.unigram(folder))
    code = _published(folder, "new_impl", "Alibaba-NLP/new-impl")
    _map(folder, {"AutoConfig": "configuration.NewConfig", "AutoModel": "modeling.NewModel"}, code)
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, "cls", WIDTH)
    write_settings(folder, length=64)
    return folder


def stella(folder: Path) -> Path:
    """stella_en_400M_v5: code in the folder, mean pooling, one of several Dense modules, prompts of other names."""
    _new(folder, tokens.wordpiece(folder))
    shutil.copytree(CODE / "new_impl", folder, dirs_exist_ok=True)
    _map(folder, {"AutoConfig": "configuration.NewConfig", "AutoModel": "modeling.NewModel"})
    write_modules(folder, "Transformer", "Pooling", "Dense")
    write_pooling(folder, "mean", WIDTH)
    write_dense(folder, 2, WIDTH, 48, bias=True)
    # The widths to choose from; modules.json names one of them.
    (folder / "2_Dense").rename(folder / "2_Dense_48")
    write_dense(folder, 2, WIDTH, 16, bias=True)
    (folder / "2_Dense").rename(folder / "2_Dense_16")
    text = (folder / "modules.json").read_text(encoding="utf-8")
    (folder / "modules.json").write_text(text.replace('"2_Dense"', '"2_Dense_48"'), encoding="utf-8")
    prompts = {"s2p_query": decoders.WEB, "s2s_query": "Instruct: Retrieve semantically similar text.\nQuery: "}
    write_settings(folder, length=96, prompts=prompts)
    return folder


def jina(folder: Path, tasks: list[str] = JINA_TASKS, prompts: dict[str, str] | None = None) -> Path:
    """jina-embeddings-v3: a first module of the folder's own that takes a task, over code in another repository."""
    module = _module("xlm_roberta_flash", "modeling_lora")
    config = module.XLMRobertaFlashConfig(
        vocab_size=tokens.unigram(folder), max_position_embeddings=130, type_vocab_size=1, pad_token_id=1,
        lora_adaptations=tasks, **_SIZES,
    )  # fmt: skip
    save_weights(module.XLMRobertaLoRA(config), folder)
    code = _published(folder, "xlm_roberta_flash", "jinaai/xlm-roberta-flash-implementation")
    classes = {
        "AutoConfig": "configuration_xlm_roberta.XLMRobertaFlashConfig",
        "AutoModel": "modeling_lora.XLMRobertaLoRA",
    }
    _map(folder, classes, code)
    shutil.copy(CODE / "jina" / "custom_st.py", folder)
    write_modules(folder, "custom_st.Transformer", "Pooling", "Normalize", kwargs={"custom_st.Transformer": ["task"]})
    write_pooling(folder, "mean", WIDTH)
    stated = dict.fromkeys(tasks, "") | {
        "retrieval.query": "Represent the query for retrieving evidence documents: ",
        "retrieval.passage": "Represent the document for retrieval: ",
    }
    write_settings(folder, length=64, prompts=stated if prompts is None else prompts)
    return folder


def jina_v5(folder: Path) -> Path:
    """jina-embeddings-v5-text: tasks without roles, prompts by role."""
    tasks = ["retrieval", "text-matching", "clustering", "classification"]
    return jina(folder, tasks, {"query": "Query: ", "document": "Document: "})


def gte_qwen2(folder: Path) -> Path:
    """gte-Qwen2-instruct: a class of the folder's own under model_type qwen2, and a tokenizer that ends texts."""
    end = "<|endoftext|>"
    vocabulary = decoders.qwen_tokens(folder, "Qwen2Tokenizer", ends=False, add_eos_token=True)
    code = ["tokenization_qwen.Qwen2TokenizerFast", "tokenization_qwen.Qwen2TokenizerFast"]
    change_json(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": code}, eos_token=end)
    module = _module("gte_qwen2", "modeling_qwen")
    save_weights(module.Qwen2Model(module.Qwen2Config(vocab_size=vocabulary, **decoders.QWEN2)), folder)
    shutil.copytree(CODE / "gte_qwen2", folder, dirs_exist_ok=True)
    _map(folder, {"AutoModel": "modeling_qwen.Qwen2Model"})
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, "lasttoken", WIDTH)
    write_settings(folder, length=96, prompts={"query": decoders.WEB})
    return folder


def _new(folder: Path, vocabulary: int) -> None:
    module = _module("new_impl", "modeling")
    config = module.NewConfig(vocab_size=vocabulary, max_position_embeddings=128, type_vocab_size=2, **_SIZES)
    save_weights(module.NewModel(config), folder)


def _module(package: str, name: str) -> ModuleType:
    """A module of the code that models bring, which makes their weights here."""
    home = f"families_code_{package}"
    if home not in sys.modules:
        sys.modules[home] = ModuleType(home)
        sys.modules[home].__path__ = [str(CODE / package)]
    return importlib.import_module(f"{home}.{name}")


def _published(folder: Path, package: str, repo: str) -> str:
    """Put code into the Hub's cache of the test; returns the repository's id."""
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE)
    if not (cache / f"models--{repo.replace('/', '--')}").exists():
        fill_hub_cache(cache, repo, CODE / package)
    return repo


def _map(folder: Path, classes: dict[str, str], repo: str | None = None) -> None:
    """Name the classes of a model's own code in config.json."""
    mapped = {key: f"{repo}--{name}" if repo else name for key, name in classes.items()}
    change_json(folder / "config.json", auto_map=mapped)
