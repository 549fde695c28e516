"""Loading a model's files with sentence-transformers; whatever is wrong with them is an error that says so."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.models.backend import loading_options
from bench.models.encoder import SentenceEncoder
from bench.models.fingerprint import fingerprint
from bench.models.fitting import fit_settings
from bench.models.folders.checking import check_folder
from bench.models.folders.stated import read_stated
from bench.models.folders.weights import exported_files
from bench.models.loaded.applying import apply_settings
from bench.models.loaded.inspection import describe, try_out
from bench.models.loaded.load_report import LoadReport
from bench.models.loaded.loading_errors import as_bench_errors
from bench.models.loaded.model2vec import load_model2vec
from bench.models.loaded.usable import check_usable, limit_to_positions
from bench.models.profile import ModelProfile
from bench.models.ready import ready_folder
from bench.models.registry import ModelEntry
from bench.models.source import Located

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


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
    with as_bench_errors(located.path, f"model `{entry.name}`", drawn=entry.drawn):
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


def load_transformer(entry: ModelEntry, located: Located, *, trainable: bool = False) -> SentenceTransformer:
    """The model of sentence-transformers behind `load_encoder`, with its entry's settings.

    Args:
        entry: The entry.
        located: Its files.
        trainable: Whether all its modules have to be sentence-transformers' own, so that they can be trained and saved.

    Raises:
        UsageError: The backend cannot run it under its settings, or one of them does not fit the model.
        BenchError: The device is not there, or the files are no model that can be loaded.
    """
    where = f"model `{entry.name}`"
    _quiet()
    from sentence_transformers import SentenceTransformer

    device = check_device(entry.device if entry.backend == "torch" else "cpu", where)
    check_folder(entry, located.path)
    stated = read_stated(located.path, where)
    entry, _ = fit_settings(entry, stated)
    with as_bench_errors(located.path, where, drawn=entry.drawn):
        folder = ready_folder(entry, located)
        if stated.model2vec:
            model = load_model2vec(folder, where, device, trainable=trainable)
        else:
            with LoadReport(where) as report:
                model = SentenceTransformer(
                    str(folder),
                    device=device,
                    trust_remote_code=entry.trust_remote_code,
                    local_files_only=True,
                    **loading_options(entry),
                )
            report.check(model)
        check_usable(model, where)
        limit_to_positions(model)
        apply_settings(model, entry, stated)
        return model


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
