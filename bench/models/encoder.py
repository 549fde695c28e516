"""A loaded sentence-transformers model: texts in, float32 vectors at full width out."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.models.backend import loading_options
from bench.models.fingerprint import fingerprint
from bench.models.profile import ModelProfile, Similarity, TextContext
from bench.models.ready import ready_folder
from bench.models.registry import ModelEntry
from bench.models.source import Located, exported_files

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# A token is about four characters of English; only used for models without a tokenizer of their own.
_CHARACTERS_PER_TOKEN = 4
_COUNTED = 256
_MISSING_LINE = re.compile(r"^(.+?)\s*\|\s*(?:\x1b\[[0-9;]*m)?MISSING", re.MULTILINE)
# Weights that a checkpoint may lack: sentence-transformers pools tokens itself and never asks for the pooler.
_OPTIONAL_WEIGHTS = ("pooler.", "position_ids")


class SentenceEncoder:
    """A model ready to encode. Its methods may be called from several threads at once.

    Attributes:
        profile: Width, similarity, prompts and size.
        device: The device that it runs on.

    Args:
        model: The loaded model.
        name: What messages call it.
        exported: The files of its export, where another backend than torch runs it.
    """

    def __init__(self, model: SentenceTransformer, name: str, exported: Sequence[Path] = ()) -> None:
        self._model = model
        # A tokenizer keeps its padding and truncation between calls: two threads at once would mix them up.
        self._tokenizing = threading.Lock()
        # An export answers one request at a time, with all its threads.
        self._running = threading.Lock() if exported else nullcontext()
        self.name = name
        self.device = str(model.device)
        self.profile = _profile(model, name, exported)

    @property
    def transformer(self) -> SentenceTransformer:
        """The model of sentence-transformers."""
        return self._model

    @property
    def counts_tokens(self) -> bool:
        """Whether the model's own tokenizer counts tokens; else they are estimated from characters."""
        return callable(getattr(self._model, "tokenizer", None))

    def token_counts(self, texts: list[str], context: TextContext, *, cut: bool = True) -> npt.NDArray[np.int64]:
        """Tokens of each text after its prompt is put on, and cut to max_seq_length unless told not to, shape (n,)."""
        # A tokenizer's output is many times the size of its text: keep little of it at once.
        parts = [texts[start : start + _COUNTED] for start in range(0, len(texts), _COUNTED)]
        limit = self.profile.max_seq_length if cut else None
        return np.concatenate([self._counts([context.prompt + text for text in part], limit) for part in parts or [[]]])

    def _counts(self, prompted: list[str], limit: int | None) -> npt.NDArray[np.int64]:
        tokenizer = getattr(self._model, "tokenizer", None)
        if not prompted:
            return np.empty(0, dtype=np.int64)
        if not callable(tokenizer):
            counts = np.array([1 + len(text) // _CHARACTERS_PER_TOKEN for text in prompted], dtype=np.int64)
            return np.minimum(counts, limit) if limit else counts
        with self._tokenizing:
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
        return self.forward(self.tokenize(texts, context), context)

    def tokenize(self, texts: list[str], context: TextContext) -> dict[str, Any]:
        """The first half of `embed`: what the model takes in for one batch, in main memory."""
        with self._tokenizing:
            features: dict[str, Any] = self._model.preprocess(
                texts, prompt=context.prompt or None, **_route_of(context)
            )
        return features

    def forward(self, features: dict[str, Any], context: TextContext) -> npt.NDArray[np.float32]:
        """The second half of `embed`: features to the device, through the model, and the vectors back."""
        import torch

        with torch.inference_mode():
            moved = {
                key: value.to(self._model.device) if isinstance(value, torch.Tensor) else value
                for key, value in features.items()
            }
            with self._running:
                vectors = self._model(moved, **_route_of(context))["sentence_embedding"]
            return np.ascontiguousarray(vectors.float().cpu().numpy())


def _route_of(context: TextContext) -> dict[str, Any]:
    return {"task": context.route} if context.route else {}


def load_encoder(entry: ModelEntry, located: Located) -> SentenceEncoder:
    """Load a model's local files.

    Raises:
        BenchError: The device is not there, the files are no model that sentence-transformers can load, or the
            model compares its vectors in a way that bench does not score.
    """
    model = load_transformer(entry, located)
    model.eval()
    exported = [] if entry.backend == "torch" else exported_files(ready_folder(entry, located), entry.backend)
    with _reasons_told(entry, located):
        return SentenceEncoder(model, entry.name, exported)


def load_transformer(entry: ModelEntry, located: Located) -> SentenceTransformer:
    """The model of sentence-transformers behind `load_encoder`, with its entry's settings.

    Raises:
        UsageError: The backend cannot run it under its settings.
        BenchError: The device is not there, or the files are no model that can be loaded.
    """
    where = f"model `{entry.name}`"
    _quiet()
    from sentence_transformers import SentenceTransformer

    device = check_device(entry.device if entry.backend == "torch" else "cpu", where)
    with _reasons_told(entry, located):
        folder = ready_folder(entry, located)
        with _MissingWeights() as missing:
            model = SentenceTransformer(
                str(folder),
                device=device,
                trust_remote_code=entry.trust_remote_code,
                local_files_only=True,
                **loading_options(entry),
            )
        missing.check(where)
        # Vectors are stored at full width, whatever the model's configuration cuts them to.
        model.truncate_dim = None
        if entry.max_seq_length is not None:
            model.max_seq_length = entry.max_seq_length
            _try_longest(model, entry.max_seq_length, where)
        return model


@contextmanager
def _reasons_told(entry: ModelEntry, located: Located) -> Iterator[None]:
    """Turn whatever a library raises over a model's files into an error that can be reported."""
    try:
        yield
    except BenchError:
        raise
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), "")
        hint = "check that the folder is a whole sentence-transformers model"
        if entry.drawn:
            hint = "check that config.json is that of a text encoder which transformers knows"
        if "trust_remote_code" in str(error):
            hint = "this model brings its own Python code: read it, then set `trust_remote_code: true`"
        raise BenchError(
            f"cannot load {located.path}: {type(error).__name__}: {reason}",
            where=f"model `{entry.name}`",
            hint=hint,
        ) from error


def load_verified(entry: ModelEntry, located: Located, space: str) -> SentenceEncoder:
    """`load_encoder`, for files that were fingerprinted earlier: what is found must not go under another's name.

    Args:
        entry: The entry.
        located: Its files.
        space: The fingerprint of the vector space that the files had.

    Raises:
        BenchError: It cannot be loaded, or its files have changed since.
    """
    encoder = load_encoder(entry, located)
    if fingerprint(entry, located.path).space != space:
        raise BenchError(
            f"the files in {located.path} changed while bench was running",
            where=f"model `{entry.name}`",
            hint="run again",
        )
    return encoder


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
    for name in ("sentence_transformers", "optimum"):
        logging.getLogger(name).setLevel(logging.ERROR)


class _MissingWeights(logging.Handler):
    """Listens for transformers' report of weights that a checkpoint lacks and that were made up at random."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._names: list[str] = []
        self._logger = logging.getLogger("transformers.modeling_utils")

    def emit(self, record: logging.LogRecord) -> None:
        self._names += _MISSING_LINE.findall(record.getMessage())

    def __enter__(self) -> _MissingWeights:
        self._state = self._logger.level, self._logger.propagate
        self._logger.setLevel(logging.WARNING)
        self._logger.propagate = False
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        level, self._logger.propagate = self._state
        # Not by assignment: loggers remember which levels they are enabled for.
        self._logger.setLevel(level)

    def check(self, where: str) -> None:
        """Refuse a model whose vectors would depend on chance."""
        names = [name for name in self._names if not any(part in name for part in _OPTIONAL_WEIGHTS)]
        if names:
            raise BenchError(
                f"{len(names)} weights are not in its files and would be random: {', '.join(sorted(names)[:3])}, ...",
                where=where,
                hint="copy the whole model again, or check that its config.json belongs to its weights",
            )


def _try_longest(model: SentenceTransformer, wanted: int, where: str) -> None:
    """Refuse a max_seq_length for which the model has no positions: how many it has, only trying tells."""
    try:
        model.encode(["a " * wanted], show_progress_bar=False)
    except (IndexError, RuntimeError, ValueError) as error:
        config = getattr(model.transformers_model, "config", None)
        positions = getattr(config, "max_position_embeddings", None)
        raise BenchError(
            f"a text of {wanted} tokens (max_seq_length) cannot be encoded: {type(error).__name__}",
            where=where,
            hint=f"lower max_seq_length; the model's configuration states {positions or 'no'} positions",
        ) from error


def _profile(model: SentenceTransformer, name: str, exported: Sequence[Path]) -> ModelProfile:
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
        # Of an export the library shows no weights.
        parameters=None if exported else sum(weight.numel() for weight in parameters),
        weight_bytes=sum(weight.numel() * weight.element_size() for weight in parameters)
        + sum(path.stat().st_size for path in exported),
        # Some tokenizers state "no limit" as a huge number.
        max_seq_length=int(limit) if isinstance(limit, int) and limit < 1_000_000 else None,
    )
