"""Folders of families that are no single encoder of transformers: static, model2vec, Router, adapters, CLIP."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from . import encoders, tokens
from .files import save_weights, write_json, write_modules, write_settings

if TYPE_CHECKING:
    import torch

WIDTH = 32


def static(folder: Path) -> Path:
    """static-retrieval-mrl-en-v1: StaticEmbedding, the mean of its tokens' vectors."""
    from safetensors.torch import save_file

    home = folder / "0_StaticEmbedding"
    size = tokens.wordpiece(home)
    (home / "tokenizer_config.json").unlink()
    write_modules(folder, "StaticEmbedding")
    save_file({"embedding.weight": _drawn(size, 64)}, home / "model.safetensors")
    write_settings(folder)
    return folder


def model2vec(folder: Path, *, modules: bool = True) -> Path:
    """potion-base-8M: model2vec's own folder, and the modules.json that most of them have beside it."""
    from safetensors.torch import save_file

    size = tokens.wordpiece(folder)
    save_file({"embeddings": _drawn(size, WIDTH)}, folder / "model.safetensors")
    config = {
        "model_type": "model2vec", "architectures": ["StaticModel"], "tokenizer_name": "baai/bge-base-en-v1.5",
        "apply_pca": WIDTH, "apply_zipf": True, "hidden_dim": WIDTH, "seq_length": 1_000_000, "normalize": True,
    }  # fmt: skip
    write_json(folder / "config.json", config)
    if modules:
        write_modules(folder, "StaticEmbedding", "Normalize")
        stated = (folder / "modules.json").read_text(encoding="utf-8")
        (folder / "modules.json").write_text(stated.replace('"0_StaticEmbedding"', '"."'), encoding="utf-8")
        (folder / "0_StaticEmbedding").rmdir()
    return folder


def router(folder: Path) -> Path:
    """An asymmetric model, as sentence-transformers saves one: static queries, documents by a transformer."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Normalize, Router

    queries = SentenceTransformer(str(static(folder.with_name(f"{folder.name}-queries"))), device="cpu")
    documents = SentenceTransformer(
        str(encoders.bert(folder.with_name(f"{folder.name}-documents"), normalize=False)), device="cpu"
    )
    fitted = Dense(documents.get_embedding_dimension(), 64)
    routes = Router.for_query_document(
        query_modules=list(queries.children()), document_modules=[*documents.children(), fitted]
    )
    model = SentenceTransformer(modules=[routes, Normalize()], device="cpu", prompts={"query": "query: "})
    model.save_pretrained(str(folder), create_model_card=False)
    for part in ("queries", "documents"):
        shutil.rmtree(folder.with_name(f"{folder.name}-{part}"))
    return folder


def lora(folder: Path) -> Path:
    """A LoRA adapter over a base of another folder, as training with PEFT saves one."""
    import torch
    from peft import LoraConfig, TaskType
    from sentence_transformers import SentenceTransformer

    base = encoders.xlm_roberta(folder.with_name(f"{folder.name}-base"))
    model = SentenceTransformer(str(base), device="cpu", prompts={"query": "query: ", "document": "passage: "})
    targets = ["query", "value", "dense"]
    model.add_adapter(LoraConfig(target_modules=targets, task_type=TaskType.FEATURE_EXTRACTION, r=4, lora_alpha=32))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.copy_(0.1 * torch.randn(weight.shape, generator=generator))
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def clip(folder: Path) -> Path:
    """openai/clip-vit-base-patch32: a folder of transformers with both towers; texts are read at the end token."""
    from transformers import CLIPConfig, CLIPModel

    size = tokens.words_with_ends(folder)
    sizes = {"hidden_size": WIDTH, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    ends = {"bos_token_id": size - 2, "eos_token_id": size - 1, "pad_token_id": size - 1}
    config = CLIPConfig(
        text_config={"vocab_size": size, "max_position_embeddings": 77, **sizes, **ends},
        vision_config={"image_size": 32, "patch_size": 16, **sizes},
        projection_dim=48,
    )
    save_weights(CLIPModel(config), folder)
    images = {"image_processor_type": "CLIPImageProcessor", "crop_size": 32, "size": 32, "do_resize": True}
    write_json(folder / "preprocessor_config.json", images)
    return folder


def clip_sentences(folder: Path) -> Path:
    """sentence-transformers/clip-ViT-B-32: the same model as the only module of a folder of sentence-transformers."""
    clip(folder / "0_CLIPModel")
    write_modules(folder, "CLIPModel")
    write_settings(folder)
    return folder


def _drawn(rows: int, width: int) -> torch.Tensor:
    import torch

    return torch.randn(rows, width, generator=torch.Generator().manual_seed(3))
