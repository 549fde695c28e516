"""What the registry's models rank first, with the texts encoded that the store lacks: asked for by `--encode`."""

from __future__ import annotations

from pathlib import Path

from bench.errors import UsageError
from bench.labelling.places import Places, dense_places, word_places
from bench.listener import Listener
from bench.loaded import JobVectors, LoadedModels
from bench.models.keys import Role
from bench.models.registry import ModelEntry
from bench.plan import Job, Options
from bench.planning import plan_model
from bench.tasks.data import RetrievalData
from bench.tasks.unit import TaskUnit
from bench.views import View


def encoded_places(
    entry: ModelEntry, view: View | None, unit: TaskUnit, data: RetrievalData, k: int, listener: Listener
) -> tuple[str, Places]:
    """What a model ranks among the first k.

    Args:
        entry: The model, whose folder is known.
        view: Its view; its whole vectors in float32 by default.
        unit: The task unit, for its prompts.
        data: Its data.
        k: Ranks that count.
        listener: Told how encoding goes on.

    Returns:
        The model and its view, as commands take them, and the places.

    Raises:
        UsageError: The model has no such view.
        BenchError: The model cannot be loaded or cannot encode the texts.
    """
    loaded = LoadedModels(listener)
    model, _ = plan_model(entry, Options(results=Path("results"), cost=False), loaded.profile)
    if model.space is None or model.located is None or model.width is None:
        if view is not None:
            raise UsageError(f"`{entry.name}` has no vectors, and no views of them", hint=f"name it {entry.name}")
        return entry.name, word_places(data, k)
    view = view or View(model.width)
    if view.truncate_dim > model.width:
        raise UsageError(f"`{entry.name}` has {model.width} dimensions, not {view.truncate_dim}")
    profile = loaded.profile(model.entry, model.located, model.space)
    texts: dict[Role, list[str]] = {"query": data.queries, "document": data.documents}
    found = JobVectors(loaded, listener).encode(Job(model, unit, {}, None), profile, texts, [])
    loaded.drop()
    places = dense_places(data, found["query"], found["document"], view, profile.similarity, k)
    return f"{entry.name}@{view.truncate_dim}/{view.precision}", places
