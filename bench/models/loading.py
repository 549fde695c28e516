"""Loading a model's files with sentence-transformers; whatever is wrong with them is an error that says so."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.models.applying import apply_settings
from bench.models.backend import loading_options
from bench.models.encoder import SentenceEncoder
from bench.models.fingerprint import fingerprint
from bench.models.fitting import fit_settings
from bench.models.inspection import describe, try_out
from bench.models.profile import ModelProfile
from bench.models.ready import ready_folder
from bench.models.registry import ModelEntry
from bench.models.source import Located, exported_files
from bench.models.stated import read_stated

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_MISSING_LINE = re.compile(r"^(.+?)\s*\|\s*(?:\x1b\[[0-9;]*m)?MISSING", re.MULTILINE)
# Weights that a checkpoint may lack: sentence-transformers pools tokens itself and never asks for the pooler.
_OPTIONAL_WEIGHTS = ("pooler.", "position_ids")


def load_encoder(entry: ModelEntry, located: Located, profile: ModelProfile | None = None) -> SentenceEncoder:
    """Load a model's local files.

    Args:
        entry: The entry.
        located: Its files.
        profile: What an earlier load of the same files found out; None to find it out now.

    Raises:
        UsageError: A setting of the entry does not fit the model.
        BenchError: The device is not there, the files are no model that sentence-transformers can load, the model
            compares its vectors in a way that bench does not score, or it cannot encode.
    """
    model = load_transformer(entry, located)
    exported = [] if entry.backend == "torch" else exported_files(ready_folder(entry, located), entry.backend)
    with _reasons_told(entry, located):
        return make_encoder(model, entry, located.path, profile, exported)


def make_encoder(
    model: SentenceTransformer,
    entry: ModelEntry,
    folder: Path,
    profile: ModelProfile | None = None,
    exported: Sequence[Path] = (),
) -> SentenceEncoder:
    """An encoder of a loaded model (see load_encoder).

    Args:
        model: The model, with its entry's settings.
        entry: The entry.
        folder: The folder whose configuration counts.
        profile: What is known of the model; None to find it out now.
        exported: The files of its export, where another backend than torch runs it.
    """
    model.eval()
    known = profile or describe(model, read_stated(folder, f"model `{entry.name}`"), entry, exported)
    encoder = SentenceEncoder(model, entry.name, known, parallel=not exported)
    if profile is None:
        encoder.profile = try_out(encoder, entry)
    return encoder


def load_transformer(entry: ModelEntry, located: Located) -> SentenceTransformer:
    """The model of sentence-transformers behind `load_encoder`, with its entry's settings.

    Raises:
        UsageError: The backend cannot run it under its settings, or one of them does not fit the model.
        BenchError: The device is not there, or the files are no model that can be loaded.
    """
    where = f"model `{entry.name}`"
    _quiet()
    from sentence_transformers import SentenceTransformer

    device = check_device(entry.device if entry.backend == "torch" else "cpu", where)
    stated = read_stated(located.path, where)
    entry, _ = fit_settings(entry, stated)
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
        apply_settings(model, entry, stated)
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


def load_verified(
    entry: ModelEntry, located: Located, space: str, profile: ModelProfile | None = None
) -> SentenceEncoder:
    """`load_encoder`, for files that were fingerprinted earlier: what is found must not go under another's name.

    Args:
        entry: The entry.
        located: Its files.
        space: The fingerprint of the vector space that the files had.
        profile: What an earlier load of the same files found out; None to find it out now.

    Raises:
        BenchError: It cannot be loaded, or its files have changed since.
    """
    encoder = load_encoder(entry, located, profile)
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
