"""The vectors of mteb's own wrapper of a family, or of its documentation where mteb has none, without bench."""

from __future__ import annotations

import copy
import functools
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.tasks.mteb_data import arrow_cache

from .traps import Vectors

# A text as mteb encodes it: by the name of a task, and as query, document or neither.
Reference = Callable[[list[str], str, str | None], Vectors]
# Types of weights that the real models are measured in there; here it is float32.
_TYPES = ("dtype", "torch_dtype")


class Wrapper:
    """A model as mteb's evaluators take it, by a reference.

    Args:
        encode: The reference.
    """

    def __init__(self, encode: Reference) -> None:
        from mteb.models.model_meta import ModelMeta

        self._encode = encode
        self.mteb_model_meta = ModelMeta.create_empty()

    def encode(self, inputs: Any, *, task_metadata: Any, prompt_type: Any = None, **_: Any) -> Vectors:
        """As mteb's EncoderProtocol has it."""
        found = [text for batch in inputs for text in batch["text"]]
        return self._encode(found, task_metadata.name, prompt_type.value if prompt_type else None)

    def similarity(self, first: Any, second: Any) -> Any:
        """Cosines of all pairs."""
        from mteb.similarity_functions import cos_sim

        return cos_sim(first, second)

    def similarity_pairwise(self, first: Any, second: Any) -> Any:
        """Cosines of rows."""
        from mteb.similarity_functions import pairwise_cos_sim

        return pairwise_cos_sim(first, second)


def scores(encode: Reference, data: Mapping[str, Path], arrow: Path) -> dict[str, float]:
    """The main scores that mteb computes from a reference's vectors.

    Args:
        encode: The reference.
        data: Folders of data by names of tasks.
        arrow: Where the library `datasets` keeps what it reads.
    """
    import mteb

    found = {}
    for name, folder in data.items():
        with arrow_cache(arrow):
            task = mteb.get_task(name, eval_splits=["test"])
            source = {**task.metadata.dataset, "path": str(folder), "revision": "1"}
            task.metadata = task.metadata.model_copy(update={"dataset": source})
            result = mteb.evaluate(Wrapper(encode), task, cache=None, co2_tracker=False, show_progress_bar=False)
        (scored,) = result.task_results[0].scores["test"]
        found[name] = scored["main_score"]
    return found


@functools.cache
def _metadata(task: str) -> Any:
    import mteb

    return mteb.get_task(task).metadata


def of_mteb(folder: Path, model: str | None, cut: int | None = None) -> Reference:
    """The wrapper that mteb loads a model with, over a folder.

    Args:
        folder: The folder.
        model: The model whose loader and settings are meant; None for the wrapper of sentence-transformers.
        cut: Leading dimensions that it is told to keep.
    """
    wrapper = load_wrapper(folder, model, cut)

    def encode(texts: list[str], task: str, role: str | None) -> Vectors:
        from datasets import Dataset
        from mteb.types import PromptType
        from torch.utils.data import DataLoader

        found = wrapper.encode(
            DataLoader(Dataset.from_dict({"text": texts}), batch_size=32),
            task_metadata=_metadata(task),
            hf_split="test",
            hf_subset="default",
            prompt_type=PromptType(role) if role else None,
            show_progress_bar=False,
        )
        return np.asarray(found, dtype=np.float32)

    return encode


def load_wrapper(folder: Path, model: str | None, cut: int | None = None) -> Any:
    """The wrapper behind `of_mteb`."""
    import mteb
    from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper

    with warnings.catch_warnings():
        # It says that stated prompts are replaced, and which are no task types.
        warnings.simplefilter("ignore")
        if model is None:
            return SentenceTransformerEncoderWrapper(str(folder), device="cpu", embed_dim=cut)
        meta = next(meta for meta in mteb.get_model_metas() if meta.name == model)
        # Loaders write into the settings that they are given.
        settings = copy.deepcopy(meta.loader_kwargs)
        for name in _TYPES:
            settings.get("model_kwargs", {}).pop(name, None)
        settings.setdefault("device", "cpu")
        if cut is not None:
            settings["embed_dim"] = cut
        if "model_args" in settings:
            return _last_token_wrapper(folder, meta)
        wrapper = meta.loader(str(folder), revision=None, **settings)
    if hasattr(wrapper, "model_name"):
        # Some wrappers decide by the name.
        wrapper.model_name = model
    return wrapper


def _last_token_wrapper(folder: Path, meta: Any) -> Any:
    """BMRetriever's wrapper, which cannot be made with sentence-transformers 6: its model is put together here."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    settings = meta.loader_kwargs
    options = {key: settings[key] for key in ("padding_side", "add_eos_token")}
    transformer = Transformer(str(folder), processor_kwargs=options)
    wrapper = meta.loader.__new__(meta.loader)
    wrapper.model = SentenceTransformer(
        modules=[transformer, Pooling(transformer.get_embedding_dimension(), "lasttoken")], device="cpu"
    )
    wrapper.instruction_template = settings["instruction_template"]
    wrapper.apply_instruction_to_passages = settings["apply_instruction_to_passages"]
    return wrapper


def of_model2vec(folder: Path) -> Reference:
    """What the package model2vec computes: the mean of the tokens' vectors, without special and unknown tokens."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    weights = load_file(folder / "model.safetensors")["embeddings"]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    unknown = tokenizer.token_to_id(json.loads(tokenizer.to_str())["model"]["unk_token"])
    # It cuts texts to as many characters as 512 tokens have, then to 512 tokens.
    tokenizer.enable_truncation(512)
    characters = 512 * int(np.median([len(token) for token in tokenizer.get_vocab()]))

    def encode(texts: list[str], task: str, role: str | None) -> Vectors:
        rows = [tokenizer.encode(text[:characters], add_special_tokens=False).ids for text in texts]
        means = [weights[[row for row in ids if row != unknown]].mean(axis=0) for ids in rows]
        return np.stack([mean / np.linalg.norm(mean) for mean in means])

    return encode


def of_nomic(folder: Path, model: str, cut: int) -> Reference:
    """The card of nomic-embed-text-v1.5: layer_norm, then the cut; mteb's wrapper cuts first."""
    whole = of_mteb(folder, model)

    def encode(texts: list[str], task: str, role: str | None) -> Vectors:
        # The wrapper's vectors have been through layer_norm and are of length 1.
        return whole(texts, task, role)[:, :cut]

    return encode
