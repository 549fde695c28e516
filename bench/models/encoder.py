"""A loaded sentence-transformers model: texts in, float32 vectors at full width out."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.profile import ModelProfile, Similarity, TextContext
from bench.models.registry import ModelEntry
from bench.models.source import Located

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# A token is about four characters of English; only used for models without a tokenizer of their own.
_CHARACTERS_PER_TOKEN = 4


class SentenceEncoder:
    """A model ready to encode. Its methods may be called from several threads at once.

    Attributes:
        profile: Width, similarity, prompts and size.
        device: The device that it runs on.
        torch_threads: Torch threads of one call, as the process was set up.
    """

    def __init__(self, model: SentenceTransformer, name: str) -> None:
        self._model = model
        self.name = name
        self.device = str(model.device)
        self.profile = _profile(model, name)

    def token_counts(self, texts: list[str], context: TextContext) -> npt.NDArray[np.int64]:
        """Tokens of each text after its prompt is put on and it is cut, shape (n,)."""
        tokenizer = getattr(self._model, "tokenizer", None)
        limit = self.profile.max_seq_length
        prompted = [context.prompt + text for text in texts]
        if not callable(tokenizer):
            counts = np.array([1 + len(text) // _CHARACTERS_PER_TOKEN for text in prompted], dtype=np.int64)
            return np.minimum(counts, limit) if limit else counts
        encoded = tokenizer(
            prompted,
            truncation=limit is not None,
            max_length=limit,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        return np.array([len(ids) for ids in encoded["input_ids"]], dtype=np.int64)

    def embed(self, texts: list[str], context: TextContext) -> npt.NDArray[np.float32]:
        """The vectors of one batch, shape (n, width), float32, row i for text i.

        Raises:
            torch.OutOfMemoryError: The batch does not fit on the device.
        """
        import torch

        extra = {"task": context.route} if context.route else {}
        with torch.inference_mode():
            features: dict[str, Any] = self._model.preprocess(texts, prompt=context.prompt or None, **extra)
            moved = {
                key: value.to(self._model.device) if isinstance(value, torch.Tensor) else value
                for key, value in features.items()
            }
            vectors = self._model(moved, **extra)["sentence_embedding"]
            return np.ascontiguousarray(vectors.float().cpu().numpy())


def load_encoder(entry: ModelEntry, located: Located) -> SentenceEncoder:
    """Load a model's local files.

    Raises:
        BenchError: The device is not there, the files are no model that sentence-transformers can load, or the
            model compares its vectors in a way that bench does not score.
    """
    where = f"model `{entry.name}`"
    _quiet()
    import torch
    from sentence_transformers import SentenceTransformer

    device = check_device(entry.device, where)
    try:
        model = SentenceTransformer(
            str(located.path),
            device=device,
            trust_remote_code=entry.trust_remote_code,
            local_files_only=True,
            model_kwargs={"dtype": getattr(torch, entry.dtype)},
        )
        model.eval()
        if entry.max_seq_length is not None:
            model.max_seq_length = entry.max_seq_length
        return SentenceEncoder(model, entry.name)
    except BenchError:
        raise
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), "")
        hint = "check that the folder is a whole sentence-transformers model"
        if "trust_remote_code" in str(error):
            hint = "this model brings its own Python code: read it, then set `trust_remote_code: true`"
        raise BenchError(
            f"cannot load {located.path}: {type(error).__name__}: {reason}", where=where, hint=hint
        ) from error


def check_device(device: str, where: str) -> str:
    """The torch device for a `device` setting.

    Raises:
        BenchError: The machine has no such device.
    """
    import torch

    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if device.startswith("cuda"):
        index = int(device.partition(":")[2] or 0)
        if not torch.cuda.is_available() or index >= torch.cuda.device_count():
            raise BenchError(
                f"there is no device {device} here (torch {torch.__version__} sees {torch.cuda.device_count()} GPUs)",
                where=where,
                hint="use `--device cpu`, or install a CUDA build of torch; `bench doctor` shows what it finds",
            )
    if device == "mps" and not torch.backends.mps.is_available():
        raise BenchError("there is no device mps here", where=where, hint="use `--device cpu`")
    return device


def _quiet() -> None:
    """Keep the libraries' own progress bars and advice out of bench's output."""
    warnings.filterwarnings("ignore", module=r"(transformers|sentence_transformers|torch|huggingface_hub).*")
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)


def _profile(model: SentenceTransformer, name: str) -> ModelProfile:
    width = model.get_embedding_dimension()
    if width is None:
        width = model.encode(["width"]).shape[1]
    similarity = str(model.similarity_fn_name or "cosine")
    known: dict[str, Similarity] = {"cosine": "cosine", "dot": "dot"}
    if similarity not in known:
        raise BenchError(
            f"compares its vectors by {similarity}; bench scores cosine and dot product",
            where=f"model `{name}`",
        )
    limit = getattr(model, "max_seq_length", None)
    parameters = list(model.parameters())
    return ModelProfile(
        width=int(width),
        similarity=known[similarity],
        prompts={key: value for key, value in (model.prompts or {}).items() if isinstance(value, str)},
        default_prompt=model.default_prompt_name,
        routed=any(type(module).__name__ == "Router" for module in model.modules()),
        parameters=sum(weight.numel() for weight in parameters),
        weight_bytes=sum(weight.numel() * weight.element_size() for weight in parameters),
        # Some tokenizers state "no limit" as a huge number.
        max_seq_length=int(limit) if isinstance(limit, int) and limit < 1_000_000 else None,
    )
