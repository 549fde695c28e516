"""A loaded model as a folder that sentence-transformers loads by itself, with the settings of its entry in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.files import write_json
from bench.models.encoder import SentenceEncoder
from bench.models.export.exported_prompts import exported_prompts
from bench.models.export.merging import merge_adapters
from bench.models.export.portable import complete_code, drop_paths, machine_places
from bench.models.folders.outside import find_outside
from bench.models.folders.places import read_object
from bench.models.folders.stated import read_stated
from bench.models.keys import NAMES_OF_ROLES, ROLES, TASK_TYPES, Role, split_key
from bench.models.loaded.inspection import describe
from bench.models.profile import ModelProfile, TextContext
from bench.models.prompts import ANY_TASK, PromptTask, text_context
from bench.models.registry import ModelEntry
from bench.models.source import Located

# Largest difference of a vector read back, relative to its largest number: the same weights, laid out anew in memory.
_TOLERANCE = {"float32": 1e-5, "float16": 1e-2, "bfloat16": 5e-2}
# An adapter's weights are added to those of its base before they are multiplied, instead of after.
_MERGED = 10
_CONFIG = "config_sentence_transformers.json"
_OWN_FILES = "a module of the model does not save all that it needs: use the model's own files"
_PROBES = ("a steel pipe", "Which valve fits a pipe of two inches?", "Paint")


@dataclass(frozen=True)
class _Probe:
    """A text with the vector that the model gives it.

    Attributes:
        label: What it is a vector of, for messages.
        role: The role of the text, outside of any task; None where a task asks for an argument of its own.
        context: What it is encoded with.
        text: The text.
        vector: Its vector.
    """

    label: str
    role: Role | None
    context: TextContext
    text: str
    vector: npt.NDArray[np.float32]


def save_model(encoder: SentenceEncoder, entry: ModelEntry, located: Located, folder: Path) -> ModelProfile:
    """Write a model so that sentence-transformers encodes with it as bench does, and try that.

    The weights are written in the entry's dtype, those of an adapter as part of its base's. Its settings and prompts
    are in the folder's configuration: encode_query puts the entry's prompt before queries, encode_document that for
    documents, encode that for texts. All code that it runs is in the folder.

    Args:
        encoder: The model, loaded under the entry; its adapters are merged.
        entry: Its settings.
        located: Its files.
        folder: An empty folder.

    Returns:
        What is known of the written model.

    Raises:
        OSError: The folder cannot be written.
        BenchError: The model cannot be saved, or what was saved encodes in another way.
    """
    model, where = encoder.transformer, f"model `{entry.name}`"
    outside = find_outside(entry, located.path)
    probes = list(_probes(encoder, entry))
    with _told(entry, "its adapter cannot be merged into its base", "export is for adapters that peft can merge"):
        merged = merge_adapters(model)
    with _told(entry, "cannot be saved", "check that there is room on the disk"):
        model.save_pretrained(str(folder), create_model_card=False)
        if entry.trust_remote_code:
            complete_code(entry, located.path, folder)
        drop_paths(folder, machine_places(located.path, outside))
        _write_config(encoder.profile, entry, folder / _CONFIG)
    with _told(entry, "a saved copy of it does not work", _OWN_FILES):
        copy = _load(folder, entry)
        profile, differing = _compare(encoder.profile, copy, entry, folder, merged=merged)
        near = _TOLERANCE[entry.dtype] * (_MERGED if merged else 1)
        differing += dict.fromkeys(f"vectors of {probe.label}" for probe in probes if not _gives(copy, probe, near))
    if differing:
        raise BenchError(
            f"a saved copy of it encodes in another way: {', '.join(differing)} differ", where=where, hint=_OWN_FILES
        )
    return profile


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


def _write_config(profile: ModelProfile, entry: ModelEntry, file: Path) -> None:
    config: dict[str, Any] = read_object(file)
    prompts, default = exported_prompts(entry, profile)
    stated = {"prompts": prompts, "default_prompt_name": default, "similarity_fn_name": profile.similarity}
    write_json(file, {**config, **stated})


def _load(folder: Path, entry: ModelEntry) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(
        str(folder), device="cpu", trust_remote_code=entry.trust_remote_code, local_files_only=True
    )


def _compare(
    ours: ModelProfile, copy: Any, entry: ModelEntry, folder: Path, *, merged: bool
) -> tuple[ModelProfile, list[str]]:
    """What is known of a copy that was loaded without its entry, and which facts of a model differ."""
    plain = ModelEntry(name=entry.name, source=["copy"])
    known = {name: getattr(ours, name) for name in ("prompts", "default_prompt", "batching")}
    theirs = describe(copy, read_stated(folder, f"model `{entry.name}`"), plain).model_copy(update=known)
    # An adapter's own weights are gone.
    fewer = {"parameters", "weight_bytes"} if merged else set()
    names = [name for name in type(ours).model_fields if name not in fewer]
    return theirs, [name for name in names if getattr(theirs, name) != getattr(ours, name)]


def _probes(encoder: SentenceEncoder, entry: ModelEntry) -> Iterator[_Probe]:
    # A model with several ways through it may have none for texts that are neither queries nor documents.
    routed = any(type(module).__name__ == "Router" for module in encoder.transformer.modules())
    roles = [role for role in ROLES if role != "text" or not routed]
    wanted: list[tuple[str, Role | None, TextContext]] = [
        (f"a {role}", role, text_context(entry, encoder.profile, ANY_TASK, role)) for role in roles
    ]
    for key in entry.task:
        base, suffix = split_key(key)
        if base in {name for names in NAMES_OF_ROLES.values() for name in names}:
            continue
        task = PromptTask((), base) if base in TASK_TYPES else PromptTask((base,))
        of = [role for role in roles if suffix is None or suffix in NAMES_OF_ROLES[role]]
        wanted += [(f"a {role} on {base}", None, text_context(entry, encoder.profile, task, role)) for role in of]
    for label, role, context in wanted:
        for text in _PROBES:
            yield _Probe(label, role, context, text, encoder.embed([text], context)[0])


def _gives(copy: Any, probe: _Probe, near: float) -> bool:
    """Whether a copy gives a text its vector."""
    ways: dict[Role, Callable[..., Any]] = {
        "query": copy.encode_query,
        "document": copy.encode_document,
        "text": copy.encode,
    }
    if probe.role is not None and probe.context.task in {None, probe.role}:
        found = ways[probe.role](probe.text, show_progress_bar=False)
    else:
        context = probe.context
        found = copy.encode(probe.text, prompt=context.prompt, task=context.task, show_progress_bar=False)
    vector = np.asarray(found, dtype=np.float32)
    largest = near * float(np.abs(probe.vector).max())
    return vector.shape == probe.vector.shape and np.allclose(vector, probe.vector, rtol=0, atol=largest)
