"""Writing a model as a folder that stands by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError, UsageError
from bench.files import whole_folder, write_text
from bench.inside import OutsideError, check_links, copy_inside
from bench.models.export.portable import below_places, check_no_place, machine_places
from bench.models.export.saving import save_model
from bench.models.fingerprint import files_read, fingerprint
from bench.models.fitting import fit_settings
from bench.models.folders.outside import Outside, find_outside
from bench.models.folders.stated import read_stated
from bench.models.loading import load_verified
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.paths import entries, is_folder, matching, path_exists
from bench.publish.card import CARD_NAME, Subject, render_card
from bench.publish.scores import own_results
from bench.results.schema import UnitRecord
from bench.training.record import read_record

# Terms that have to go with the files.
_TERMS = ("LICENSE*", "LICENCE*", "NOTICE*")


@dataclass(frozen=True)
class Published:
    """What was written.

    Attributes:
        fingerprint: The model's fingerprint.
        cells: How many results stand in its card: task units times views.
    """

    fingerprint: str
    cells: int


def check_free(folder: Path) -> None:
    """Refuse a place where something is.

    Raises:
        UsageError: It is a file, or a folder that is not empty.
        BenchError: The folder cannot be read.
    """
    hint = "name a folder that is not there yet"
    if not path_exists(folder):
        return
    if not is_folder(folder):
        raise UsageError("there is a file of this name", where=str(folder), hint=hint)
    if entries(folder):
        raise UsageError("the folder is not empty", where=str(folder), hint=hint)


def publish_model(
    entry: ModelEntry,
    located: Located,
    records: Sequence[tuple[Path, UnitRecord]],
    folder: Path,
) -> Published:
    """Write a model that sentence-transformers encodes with as bench measured it, and its card.

    Args:
        entry: The model's entry.
        located: Its files.
        records: All results, oldest first.
        folder: The folder, which is not there yet, or empty.

    Raises:
        UsageError: Its weights are random, or it runs on another backend than torch.
        BenchError: The model cannot be loaded or saved, its record is broken, a file of it names a folder of this
            machine, or the folder cannot be written.
    """
    where = f"model `{entry.name}`"
    if entry.drawn:
        raise UsageError("its weights are random: there is no model to export", where=where)
    if entry.backend != "torch":
        raise UsageError(
            f"it runs on {entry.backend}, and what is exported is a model for torch",
            where=where,
            hint="export the entry of the same source without `backend`",
        )
    check_free(folder)
    place = folder.resolve()
    # Where it was measured matters to no vector, and this machine may have no such device.
    stated = read_stated(located.path, where)
    entry, _ = fit_settings(entry.model_copy(update={"device": "cpu"}), stated)
    if entry.truncate_dims is None and stated.truncate_dim is not None:
        # The written folder gives full width; its card shows the cut.
        entry = entry.model_copy(update={"truncate_dims": [stated.truncate_dim]})
    outside = find_outside(entry, located.path)
    _check_links(entry, located.path, outside)
    identity = fingerprint(entry, located.path)
    record = read_record(located.path.parent) if located.kind == "recipe" else None
    results = own_results(records, entry.name, identity.model)
    with whole_folder(place) as draft:
        encoder = load_verified(entry, located, identity.space)
        profile = save_model(encoder, entry, located, draft)
        if record is None:
            _copy_terms(located.path, draft)
        for base in outside.bases.values():
            _copy_terms(base.place.folder, draft, "base-")
        subject = Subject(entry, located, identity.model, profile, record, results, outside)
        places = machine_places(located.path, outside)
        write_text(draft / CARD_NAME, below_places(render_card(subject, place.name), places))
        check_no_place(draft, places, where)
    return Published(identity.model, len(results.cells))


def _copy_terms(source: Path, folder: Path, prefix: str = "") -> None:
    for path in _terms(source):
        copy_inside(source, path.name, folder / f"{prefix}{path.name}")


def _terms(source: Path) -> list[Path]:
    return [path for pattern in _TERMS for path in matching(source, pattern)]


def _check_links(entry: ModelEntry, folder: Path, outside: Outside) -> None:
    """Refuse a model some of whose files are links to elsewhere: whoever gets it would get what they lead to."""
    places = {folder: [*files_read(entry, folder), *_terms(folder)]}
    for base in outside.bases.values():
        whole = base.place.folder
        places[whole] = [*(whole / name for name in base.files), *_terms(whole)]
    for part in outside.all_code:
        places.setdefault(part.place.folder, []).extend(part.place.folder / name for name in part.files)
    try:
        for place, paths in places.items():
            check_links(place, paths)
    except OutsideError as error:
        raise BenchError(error.message, where=f"model `{entry.name}`", hint=error.hint) from error
