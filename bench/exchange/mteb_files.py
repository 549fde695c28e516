"""Our results as result files of MTEB, written through mteb's own classes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.errors import BenchError, did_you_mean
from bench.exchange.collect import Export
from bench.exchange.published import MODEL_FILE
from bench.files import scratch_folder, write_bytes
from bench.mteb_import import import_mteb
from bench.neutral import neutral_json
from bench.paths import bytes_if_there, path_exists
from bench.reading import read_text
from bench.regular import MOST_RECORD

# ISO 639-3 and ISO 15924 for what nobody has stated.
UNKNOWN_LANGUAGE = "und-Zyyy"


def write_exports(exports: Sequence[Export], output: Path, *, overwrite: bool = False) -> dict[Path, bool]:
    """Write result files that `mteb.ResultCache(output).load_results()` reads.

    All files are made before any is written.

    Args:
        exports: What to write.
        output: The folder; files go to `results/<owner>__<name>/<revision>/` in it, scores of cut or quantised
            vectors to `experiments/<name>/` in that, with mteb's name of the experiment.
        overwrite: Whether files of other content may be replaced.

    Returns:
        Every file, and whether it was written; one that already had this content was not.

    Raises:
        BenchError: mteb is not installed or does not know a task; two exports are one file; a file is there with
            other content; the folder cannot be written.
    """
    import_mteb()
    contents: dict[Path, bytes] = {}
    origins: dict[Path, Export] = {}
    for export in exports:
        path, meta = _place(export, output)
        other = origins.setdefault(path, export)
        if other is not export or path.name == MODEL_FILE:
            raise _clash(export, other, path)
        contents[path] = _result_file(export)
        contents[path.with_name(MODEL_FILE)] = meta
    written = {path: not _holds(path, content) for path, content in contents.items()}
    changed = [path for path, new in written.items() if new and path_exists(path)]
    if changed and not overwrite:
        raise BenchError(
            f"{len(changed)} file{'s' if len(changed) > 1 else ''} there already with other content",
            where=str(changed[0]),
            hint="give another --output, or --overwrite to replace them",
        )
    for path, new in written.items():
        if new:
            write_bytes(path, contents[path])
    return written


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file has this content already."""
    return bytes_if_there(path, MOST_RECORD) == content


def _place(export: Export, output: Path) -> tuple[Path, bytes]:
    """Where mteb looks for a result, and the content of the model file beside it."""
    from mteb.cache import ResultCache
    from mteb.models import ModelMeta
    from mteb.models.model_meta import ScoringFunction
    from mteb.types import OutputDType

    info, dtype = export.model.info, export.experiment.get("output_dtypes")
    facts = {
        "name": export.model.name,
        "revision": export.model.revision,
        "n_parameters": info.parameters,
        "max_tokens": info.max_seq_length,
        "embed_dim": export.experiment.get("embed_dim", info.width),
        "similarity_fn_name": ScoringFunction(info.similarity) if info.similarity else None,
        "model_type": ["sparse"] if info.kind == "baseline" else ["dense"],
        "framework": [] if info.kind == "baseline" else ["Sentence Transformers", "PyTorch"],
        "output_dtypes": [OutputDType(str(dtype))] if dtype else None,
        "experiment_kwargs": export.experiment or None,
    }
    meta = ModelMeta.create_empty(overwrites=facts)
    with scratch_folder("mteb") as scratch:
        # Asking makes the folder, which must not be there before all is known to be right.
        place = ResultCache(scratch).get_task_result_path(export.task, meta).relative_to(scratch)
    content = json.dumps(meta.to_dict(), indent=4, sort_keys=True, default=str)
    return output / place, f"{neutral_json(content)}\n".encode()


def _result_file(export: Export) -> bytes:
    from mteb.results import TaskResult

    metadata = _task_metadata(export.mteb_task)
    scores: dict[str, list[dict[str, Any]]] = {}
    for task, values in export.scores:
        metrics = dict(values)
        main = metadata.main_score if metadata else task.main_metric
        if main not in metrics or not math.isfinite(metrics[main]):
            raise BenchError(
                f"bench has no value of {main}, mteb's main score of {export.task}",
                where=f"model `{export.model.info.name}`",
                hint="export the other tasks with --tasks",
            )
        languages = metadata.hf_subsets_to_langscripts.get(task.subset) if metadata else None
        scores.setdefault(task.split, []).append(
            metrics
            | {
                "main_score": metrics[main],
                "hf_subset": task.subset,
                "languages": list(languages or [UNKNOWN_LANGUAGE]),
            }
        )
    result = TaskResult(
        dataset_revision=export.dataset_revision,
        task_name=export.task,
        mteb_version=import_mteb().__version__,
        scores=scores,
        # A result keeps no time of a whole evaluation: it reuses vectors that another run encoded.
        evaluation_time=None,
        date=_time(export),
    )
    with scratch_folder("mteb") as scratch:
        result.to_disk(scratch / "result.json")
        return neutral_json(read_text(scratch / "result.json", MOST_RECORD)).encode()


def _time(export: Export) -> datetime:
    try:
        return datetime.fromisoformat(export.created)
    except ValueError as error:
        raise BenchError(
            f"`{export.created}` is no time",
            where=f"`created` of a record of {export.model.info.name} on {export.task}",
            hint="run again with --force",
        ) from error


def _task_metadata(name: str | None) -> Any:
    """What mteb says of a task, without making the task, which would seed the random generators."""
    if name is None:
        return None
    from mteb.get_tasks import TASK_LIST

    known = {task.metadata.name: task.metadata for task in TASK_LIST}
    if name not in known:
        raise BenchError(
            f"mteb {import_mteb().__version__} has no task `{name}`",
            hint=did_you_mean(name, known) or "correct `mteb` in the task's card, or upgrade mteb",
        )
    return known[name]


def _clash(export: Export, other: Export, path: Path) -> BenchError:
    where = f"model `{export.model.info.name}` on {export.scores[0][0].name}"
    if other is export:
        return BenchError(f"mteb keeps the name {path.name} for itself", where=where, hint="rename the task")
    return BenchError(
        f"would be the same file as model `{other.model.info.name}` on {other.scores[0][0].name}: {path}",
        where=where,
        hint="export one of them, with --model or --tasks",
    )
