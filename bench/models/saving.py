"""A loaded model as a folder that sentence-transformers loads by itself, with the settings of its entry in it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.files import walk_files, write_json, write_text
from bench.models.encoder import SentenceEncoder
from bench.models.inspection import describe
from bench.models.keys import Role
from bench.models.prompts import ANY_TASK, text_context
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.models.stated import read_stated

# Largest difference of a vector read back, relative to its largest number: the same weights, laid out anew in memory.
_TOLERANCE = {"float32": 1e-5, "float16": 1e-2, "bfloat16": 5e-2}
_OWN_FILES = "a module of the model does not save all that it needs: use the model's own files"
_CONFIG = "config_sentence_transformers.json"
_ROUTER = "router_config.json"
_LOADED = re.compile(r"^transformers_modules\..*?(\w+\.\w+)$")
_PROBES = ("a steel pipe", "Which valve fits a pipe of two inches?", "Paint")


def save_model(encoder: SentenceEncoder, entry: ModelEntry, located: Located, folder: Path) -> None:
    """Write a model so that sentence-transformers encodes with it as bench does, and try that.

    The weights are written in the entry's dtype; max_seq_length and the prompts stand in the folder's configuration:
    encode_query takes the entry's prompt for queries, encode_document that for documents, encode that for texts.

    Args:
        encoder: The model, loaded under the entry.
        entry: Its settings.
        located: Its files.
        folder: An empty folder.

    Raises:
        OSError: The folder cannot be written.
        BenchError: The model cannot be saved, or what was saved encodes in another way.
    """
    with _told(entry, "cannot be saved", "check that there is room on the disk"):
        encoder.transformer.save_pretrained(str(folder), create_model_card=False)
        if entry.trust_remote_code:
            copy_code(located.path, folder)
        _write_prompts(encoder, entry, folder / _CONFIG)
    with _told(entry, "a saved copy of it does not work", _OWN_FILES):
        differing = _differing(encoder, _load(folder, entry), entry, folder)
    if differing:
        raise BenchError(
            f"a saved copy of it encodes in another way: {differing} differ",
            where=f"model `{entry.name}`",
            hint=_OWN_FILES,
        )


@contextmanager
def _told(entry: ModelEntry, what: str, hint: str) -> Iterator[None]:
    """Turn whatever a model's own modules and the library that writes weights raise into an error with a way out."""
    try:
        yield
    except BenchError:
        raise
    except Exception as error:
        # Those of the system have a number; libraries raise others over what they do not find in a file.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = next((line for line in str(error).splitlines() if line.strip()), "")
        raise BenchError(
            f"{what}: {type(error).__name__}: {reason}",
            where=f"model `{entry.name}`",
            hint=f"{hint}; `bench --debug ...` shows the Python traceback",
        ) from error


def copy_code(source: Path, folder: Path) -> None:
    """Copy a model's own Python code: that of later modules is saved where no loader looks for it.

    A Router's configuration names such code by where this process loaded it from; it is made to name the copy.

    Args:
        source: The folder that the model was loaded from.
        folder: The folder that it was saved in.

    Raises:
        OSError: It cannot be written.
    """
    for path in walk_files(source):
        place = folder / path.relative_to(source)
        if path.suffix == ".py" and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    for path in walk_files(folder):
        if path.name == _ROUTER:
            config = json.loads(path.read_text(encoding="utf-8"))
            types = {name: _LOADED.sub(r"\1", kind) for name, kind in config["types"].items()}
            if types != config["types"]:
                # Not sorted: the first route may be the default one.
                write_text(path, json.dumps({**config, "types": types}, indent=4))


def _write_prompts(encoder: SentenceEncoder, entry: ModelEntry, file: Path) -> None:
    config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    profile = encoder.profile
    prompts = {
        **profile.prompts,
        "query": text_context(entry, profile, ANY_TASK, "query").prompt,
        "document": text_context(entry, profile, ANY_TASK, "document").prompt,
    }
    text = entry.prompts.get("text")
    if text is not None:
        prompts["text"] = text
        # An empty one takes the place of the model's own default prompt too.
        config["default_prompt_name"] = "text" if text else None
    write_json(file, {**config, "prompts": prompts})


def _load(folder: Path, entry: ModelEntry) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(
        str(folder), device="cpu", trust_remote_code=entry.trust_remote_code, local_files_only=True
    )


def _differing(encoder: SentenceEncoder, copy: Any, entry: ModelEntry, folder: Path) -> str:
    """What differs between a model and a copy of it that was loaded without its entry; empty when nothing does."""
    ours = encoder.profile
    plain = ModelEntry(name=entry.name, source=["copy"], similarity=entry.similarity)
    theirs = describe(copy, read_stated(folder, entry.name), plain).model_copy(
        update={"prompts": ours.prompts, "default_prompt": ours.default_prompt, "batching": ours.batching}
    )
    found = [name for name, value in ours.model_dump().items() if getattr(theirs, name) != value]
    ways: dict[Role, Any] = {"query": copy.encode_query, "document": copy.encode_document}
    if not ours.role_matters:
        # A model with several ways through it may have none for texts that are neither.
        ways["text"] = copy.encode
    for role, encode in ways.items():
        for text in _PROBES:
            expected = encoder.embed([text], text_context(entry, ours, ANY_TASK, role))[0]
            vector = np.asarray(encode(text, show_progress_bar=False), dtype=np.float32)
            near = _TOLERANCE[entry.dtype] * float(np.abs(expected).max())
            if expected.shape != vector.shape or not np.allclose(vector, expected, rtol=0, atol=near):
                found.append(f"vectors of a {role}")
                break
    return ", ".join(found)
