"""All that a model's files alone can tell against loading them, in one call."""

from __future__ import annotations

from pathlib import Path

from bench.models.completeness import check_complete
from bench.models.configuration import check_configuration
from bench.models.folder import ModelFolder
from bench.models.kinds import check_kind
from bench.models.registry import ModelEntry
from bench.models.trust import check_trust


def inspect_folder(entry: ModelEntry, path: Path) -> None:
    """Refuse a folder that does not hold, whole, a model that can be encoded with as its author means.

    Args:
        entry: The entry that the folder is loaded for.
        path: The folder.

    Raises:
        BenchError: It holds another kind of model, code that is not trusted, or a file is missing or wrong.
    """
    folder = ModelFolder(path, f"model `{entry.name}`")
    check_kind(folder)
    check_trust(folder, trusted=entry.trust_remote_code)
    check_complete(
        folder, backend=entry.backend, drawn=entry.drawn, pooling=_pooling(entry), trusted=entry.trust_remote_code
    )
    check_configuration(folder)


def _pooling(entry: ModelEntry) -> str | None:
    return getattr(entry, "pooling", None)
