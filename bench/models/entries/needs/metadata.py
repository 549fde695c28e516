"""What the installed mteb's metadata say of one model, as the keys of an entry."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from bench.models.entries.needs.keys import Keys, as_keys
from bench.models.entries.needs.record import ModelNeeds
from bench.models.entries.needs.wrappers import Loading, Wrapper, read_wrapper
from bench.mteb_import import contained, import_mteb

# Arguments without any effect on the vectors of texts.
_WITHOUT_EFFECT = (
    "device attn_implementation device_map use_cache num_frames max_frames fps min_frames max_samples "
    "target_sampling_rate low_cpu_mem_usage"
).split()
_SHOWN_TASKS = 5


def read_needs(model: str) -> ModelNeeds | None:
    """What the installed mteb says of a model; None where it does not know it.

    Args:
        model: Its Hub id.

    Raises:
        BenchError: mteb is not installed.
    """
    mteb = import_mteb()
    with contained():
        try:
            meta = mteb.get_model_meta(model)
        except KeyError:
            return None
    return needs_of(meta)


def all_metadata() -> Sequence[Any]:
    """The metadata of every model of the installed mteb.

    Raises:
        BenchError: mteb is not installed.
    """
    mteb = import_mteb()
    with contained():
        metas: Sequence[Any] = mteb.get_model_metas()
        return metas


def all_tasks() -> tuple[str, ...]:
    """The names of the tasks of the installed mteb.

    Raises:
        BenchError: mteb is not installed.
    """
    import_mteb()
    tasks = importlib.import_module("mteb.get_tasks").TASK_LIST
    return tuple(str(cls.metadata.name) for cls in tasks)


def needs_of(meta: Any) -> ModelNeeds:
    """What one entry of mteb's metadata (`ModelMeta`) says."""
    loader = meta.loader
    name = _loader_name(loader)
    notes = _unlike_bench(meta)
    loading = Loading(meta.name, loader, name, dict(meta.loader_kwargs))
    wrapper = None if notes else read_wrapper(loading)
    keys, settings = Keys(), {}
    if wrapper is not None:
        with contained():
            keys = as_keys(wrapper)
        settings = {**_settings(loading.arguments), **wrapper.settings}
        notes += wrapper.notes
        if keys.others:
            shown = ", ".join(keys.others[:_SHOWN_TASKS]) + (", ..." if len(keys.others) > _SHOWN_TASKS else "")
            notes.append(f"mteb puts another prompt on {len(keys.others)} of its tasks: {shown}")
    elif not notes:
        notes.append(f"mteb encodes with a class of its own, {name}, whose prompts and settings are not read")
    dims = [meta.embed_dim] if isinstance(meta.embed_dim, int) else list(meta.embed_dim or ())
    settings.setdefault("truncate_dims", tuple(sorted(dims, reverse=True)) if len(dims) > 1 else ())
    return ModelNeeds(
        model=meta.name,
        loader=name,
        prompts=keys.prompts,
        instruct_documents=keys.instruct_documents,
        task=keys.task,
        similarity=_similarity(meta, wrapper),
        width=max(dims, default=None),
        revision=meta.revision,
        licence=meta.license,
        parameters=meta.n_parameters,
        notes=tuple(notes),
        **settings,
    )


def _similarity(meta: Any, wrapper: Wrapper | None) -> Any:
    """How vectors are compared, where that is not left to the model's folder, whose own default is cosine."""
    name = meta.similarity_fn_name.value if meta.similarity_fn_name is not None else None
    return name if name == "dot" or (name == "cosine" and wrapper is not None and wrapper.compares) else None


def _loader_name(loader: Any) -> str:
    """The name of the class or function that loads a model."""
    if loader is None:
        return "none"
    # Some modules of mteb wrap a class in a function without a name of its own.
    inner = inspect.getclosurevars(loader).nonlocals.get("wrapper") if inspect.isfunction(loader) else None
    return str(getattr(inner or getattr(loader, "func", loader), "__name__", loader))


def _unlike_bench(meta: Any) -> list[str]:
    """Why bench cannot run a model at all, whatever its entry says."""
    kinds = [kind for kind in meta.model_type if kind not in {"dense", "router"}]
    if kinds:
        return [f"mteb says that it is {' and '.join(kinds)}: bench scores models that make one vector of a text"]
    if "text" not in meta.modalities:
        return [f"mteb says that it encodes {' and '.join(meta.modalities)}, not texts"]
    if meta.loader is None:
        return ["mteb does not say how it is loaded"]
    if "API" in meta.framework:
        return ["its vectors come from a provider's API: bench runs local files"]
    return []


def _settings(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in the arguments of a loader, by the names of ModelNeeds."""
    settings: dict[str, Any] = {"options": {}}
    for name, value in _flat(arguments):
        if name in {"padding_side", "add_eos_token", "trust_remote_code"}:
            settings[name] = value
        elif name in {"max_seq_length", "model_max_length"}:
            settings["max_seq_length"] = value
        elif name in {"dtype", "torch_dtype"}:
            settings["dtype"] = str(getattr(value, "value", value)).removeprefix("torch.")
        elif name == "embed_dim":
            settings["truncate_dims"] = (value,)
        elif name not in _WITHOUT_EFFECT:
            settings["options"][name] = value if isinstance(value, bool | int | float | str) else str(value)
    return settings


def _flat(arguments: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Arguments with those of model, tokenizer and configuration among them."""
    flat: list[tuple[str, Any]] = []
    for name, value in arguments.items():
        inner = name in {"tokenizer_kwargs", "processor_kwargs", "model_kwargs", "config_kwargs"}
        flat += _flat(value) if inner and isinstance(value, Mapping) else [(name, value)]
    return flat
