"""Models that the package model2vec wrote, encoded as its StaticModel does.

sentence-transformers' StaticEmbedding reads such folders too, but keeps unknown tokens and cuts no texts.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.models.folders.folder import ModelFolder
from bench.models.folders.weights import safetensors_header
from bench.paths import has_file

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer
    from torch import Tensor

# The second is the name of the first versions.
_WEIGHTS = ("model.safetensors", "embeddings.safetensors")
# What StaticModel assumes where the configuration says nothing.
_MAX_LENGTH = 512


def is_model2vec(folder: ModelFolder) -> bool:
    """Whether model2vec wrote a folder, for its own StaticModel alone.

    Newer versions write a modules.json too: such a folder is loaded by sentence-transformers, as mteb loads it, unless
    its rows are whole numbers, which sentence-transformers cannot load.

    Raises:
        BenchError: A file that says so is broken.
    """
    file = weights_of(folder.path)
    if folder.modules is not None:
        static = [module.name for module in folder.modules] in (["StaticEmbedding"], ["StaticEmbedding", "Normalize"])
        return static and file is not None and _has_whole_numbers(file, folder)
    if folder.config.get("model_type") == "model2vec" or folder.config.get("architectures") == ["StaticModel"]:
        return True
    if file is None or "model_type" in folder.config or not has_file(folder.path / "tokenizer.json"):
        return False
    return "embeddings" in safetensors_header(file, folder.where)


def _has_whole_numbers(file: Path, folder: ModelFolder) -> bool:
    rows = safetensors_header(file, folder.where).get("embeddings")
    return isinstance(rows, dict) and str(rows.get("dtype", "")).startswith(("I", "U"))


def weights_of(path: Path) -> Path | None:
    """The file with a model2vec folder's embeddings."""
    return next((path / name for name in _WEIGHTS if has_file(path / name)), None)


def load_model2vec(path: Path, where: str, device: str, *, trainable: bool = False) -> SentenceTransformer:
    """A model of sentence-transformers that gives the vectors of model2vec's `StaticModel.encode`.

    Args:
        path: A folder that model2vec wrote.
        where: What messages call the model.
        device: The torch device.
        trainable: Whether to build it of sentence-transformers' own modules: their vectors differ where a text has
            unknown tokens, or more characters than model2vec reads.

    Raises:
        BenchError: A file is missing or broken, or the files do not fit together.
    """
    from safetensors.torch import load_file
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    from bench.models.loaded.static_model import StaticModel

    folder = ModelFolder(path, where)
    file = weights_of(path)
    if file is None:
        raise folder.error(f"no weights in {path} (looked for {' and '.join(_WEIGHTS)})", "copy the whole model folder")
    safetensors_header(file, where)
    tensors = load_file(file)
    # A folder of sentence-transformers that model2vec's files were put beside names them in its way.
    rows = tensors.get("embeddings", tensors.get("embedding.weight"))
    if rows is None:
        raise folder.error(f"{file} has no tensor `embeddings`; it has {', '.join(sorted(tensors))}")
    limit = folder.config.get("max_length", _MAX_LENGTH)
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise folder.error(f"{path / 'config.json'}: `max_length` must be a whole number or null, found {limit!r}")
    tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    tokens, mapping, weights = tokenizer.get_vocab_size(), tensors.get("mapping"), tensors.get("weights")
    for name, count in (("embeddings", len(rows if mapping is None else mapping)), ("weights", weights)):
        found = count if isinstance(count, int) or count is None else len(count)
        if found is not None and found != tokens:
            named = "mapping" if name == "embeddings" and mapping is not None else name
            raise folder.error(
                f"tokenizer.json has {tokens:,} tokens, and `{named}` in {file.name} has {found:,} rows",
                "copy both files from the same model",
            )
    normalize = bool(folder.config.get("normalize", False))
    if trainable:
        modules = _own_modules(tokenizer, rows, mapping, weights, limit, normalize=normalize)
    else:
        modules = [StaticModel(tokenizer, rows, mapping, weights, max_length=limit, normalize=normalize)]
    stated = folder.sentence_config
    return SentenceTransformer(
        modules=modules,
        device=device,
        prompts=stated.get("prompts"),
        default_prompt_name=stated.get("default_prompt_name"),
        similarity_fn_name=stated.get("similarity_fn_name"),
    )


def _own_modules(
    tokenizer: Tokenizer,
    rows: Tensor,
    mapping: Tensor | None,
    weights: Tensor | None,
    limit: int | None,
    *,
    normalize: bool,
) -> list[Any]:
    from sentence_transformers.models import Normalize, StaticEmbedding

    table = rows.float() if mapping is None else rows[mapping.long()].float()
    if weights is not None:
        table = table * weights.float()[:, None]
    if limit is not None:
        tokenizer.enable_truncation(limit)
    embedding = StaticEmbedding(tokenizer, embedding_weights=table.contiguous())
    return [embedding, Normalize()] if normalize else [embedding]
