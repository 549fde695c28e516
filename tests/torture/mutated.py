"""Part: mutated data, registries, cards, rules, model folders, published results and archives."""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fuzz_reading

from torture.beds import Project, ResultsBed, files_of, project, results_bed
from torture.campaign import Case, chance
from torture.forked import call
from torture.verdicts import fault_of

_PUBLISHED = {
    "task_name": "STS17",
    "dataset_revision": "abc",
    "mteb_version": "1.12.75",
    "scores": {"test": [{"hf_subset": "en-en", "languages": ["eng-Latn"], "cosine_spearman": 0.5, "main_score": 0.5}]},
}
_SECONDS = 60


def cases(folder: Path, seed: int) -> Iterator[Case]:
    """Files with one to three changes, until the time is up."""
    bed, own = results_bed(folder / "bed"), project(folder / "project", run=False)
    tasks = list(fuzz_reading.written_tasks(folder / "tasks", seed))
    published = own.folder / "published" / "mini" / "0" / "STS17.json"
    published.parent.mkdir(parents=True)
    published.write_text(json.dumps(_PUBLISHED, indent=1))
    archives = _archives(bed)
    commands = [
        ("registries", [own.folder / "models.yaml"], own, ["run", "--dry-run"]),
        ("cards", files_of(own.folder / "tasks" / "shop")[-1:], own, ["run", "--dry-run"]),
        ("rules", [bed.folder / "gates.yaml"], bed, ["gate", "--baseline", "baseline"]),
        ("model folders", _of_model(own), own, ["run", "--model", "tiny", "--tasks", "talk", "--no-cost", "--force"]),
        ("published results", [published], own, ["reproduce", "--published", "published", "--model", "tiny"]),
        ("archives", archives, bed, ["gate", "--baseline"]),
        ("records", [path for path in bed.files() if path.suffix == ".json"], bed, ["results"]),
    ]  # fmt: skip
    for number in range(1_000_000):
        rng = chance(seed, number)
        if number % 2:
            task = tasks[number // 2 % len(tasks)]
            yield Case("data", f"{task.name}", lambda t=task, r=rng: _data(t, r))
            continue
        kind, files, where, words = commands[number // 2 % len(commands)]
        path = files[int(rng.integers(len(files)))]
        words = [*words, path.name] if kind == "archives" else words
        changed = fuzz_reading.mutated(path.read_bytes(), "", rng)
        yield Case(kind, f"{path.name}", lambda p=path, c=changed, w=where, a=words: _changed(p, c, w.folder, a))


def _of_model(own: Project) -> list[Path]:
    return [path for path in files_of(own.folder / "tiny") if path.suffix in {".json", ".txt", ".safetensors"}]


def _archives(bed: ResultsBed) -> list[Path]:
    found = []
    with zipfile.ZipFile(bed.folder / "r.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files_of(bed.folder / "baseline"):
            archive.write(path, path.relative_to(bed.folder))
        found.append(bed.folder / "r.zip")
    for mode in ("", "gz", "xz", "bz2"):
        path = bed.folder / f"r.tar{'.' if mode else ''}{mode}"
        with tarfile.open(path, f"w:{mode}") as archive:
            archive.add(bed.folder / "baseline", "baseline")
        found.append(path)
    return found


def _data(task: fuzz_reading.Written, rng: object) -> str | None:
    try:
        fuzz_reading.check(task, rng)
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[-600:]}"
    return None


def _changed(path: Path, content: bytes, folder: Path, words: list[str]) -> str | None:
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        return fault_of(call(folder, *words, seconds=_SECONDS))
    finally:
        path.write_bytes(before)
