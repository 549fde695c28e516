"""Part: what would run code, in files of every kind that libraries would run it from."""

from __future__ import annotations

import io
import json
import pickle
import pickletools
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from torture.beds import RUN, copied, files_of, project
from torture.campaign import Case, shuffled
from torture.forked import call
from torture.verdicts import fault_of


class _Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (self.path,))


def _pickled(marker: Path) -> bytes:
    found = pickle.dumps(_Touch(marker))
    pickletools.dis(found, out=io.StringIO())
    return found


def _array(marker: Path) -> bytes:
    sink = io.BytesIO()
    array = np.empty(1, dtype=object)
    array[0] = _Touch(marker)
    np.save(sink, array, allow_pickle=True)
    return sink.getvalue()


def _torch(marker: Path) -> bytes:
    """The zip file that torch.save writes, with another pickle in it."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("archive/data.pkl", _pickled(marker))
        archive.writestr("archive/version", "3")
    return sink.getvalue()


def _module(marker: Path) -> str:
    return f"from pathlib import Path\nPath({str(marker)!r}).touch()\nclass Model: ...\nclass Evil(Model): ...\n"


def _yaml(marker: Path) -> str:
    return f"a: !!python/object/apply:os.system ['touch {marker}']\n"


def _own_class(folder: Path, marker: Path) -> None:
    """A model whose configuration names code in its folder."""
    (folder / "tiny" / "evil.py").write_text(_module(marker))
    path = folder / "tiny" / "config.json"
    classes = dict.fromkeys(("AutoConfig", "AutoModel", "AutoTokenizer"), "evil.Evil")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"auto_map": classes, "model_type": "evil"}))


def _own_module(name: str) -> Callable[[Path, Path], None]:
    def write(folder: Path, marker: Path) -> None:
        (folder / "tiny" / "evil.py").write_text(_module(marker))
        path = folder / "tiny" / "modules.json"
        modules = json.loads(path.read_text())
        modules[-1]["type"] = name
        path.write_text(json.dumps(modules))

    return write


def _weights(name: str, content: Callable[[Path], bytes]) -> Callable[[Path, Path], None]:
    def write(folder: Path, marker: Path) -> None:
        (folder / "tiny" / "model.safetensors").unlink()
        (folder / "tiny" / name).write_bytes(content(marker))

    return write


def _chunks(folder: Path, marker: Path) -> None:
    for path in files_of(folder / "cache"):
        if path.suffix in {".npy", ".npz"}:
            path.write_bytes(_array(marker))


def _everywhere(folder: Path, marker: Path) -> None:
    """Modules in the places that Python might look in."""
    for place in (folder, folder / "tasks", folder / "tasks" / "shop", folder / "tiny", folder / "results"):
        place.mkdir(exist_ok=True)
        for name in (
            "conftest",
            "sitecustomize",
            "numpy",
            "json",
            "torch",
            "bench",
            "__init__",
            "evil",
            "task",
            "setup",
        ):
            (place / f"{name}.py").write_text(_module(marker))


def _activation(folder: Path, marker: Path) -> None:
    (folder / "tiny" / "evil.py").write_text(_module(marker))
    (folder / "tiny" / "3_Dense").mkdir()
    config = {"in_features": 16, "out_features": 16, "bias": True, "activation_function": "evil.Evil"}
    (folder / "tiny" / "3_Dense" / "config.json").write_text(json.dumps(config))
    path = folder / "tiny" / "modules.json"
    modules = [*json.loads(path.read_text()), {"idx": 3, "name": "3", "path": "3_Dense",
               "type": "sentence_transformers.models.Dense"}]  # fmt: skip
    path.write_text(json.dumps(modules))


def _written(name: str, content: Callable[[Path], str | bytes]) -> Callable[[Path, Path], None]:
    def write(folder: Path, marker: Path) -> None:
        found = content(marker)
        (folder / name).write_bytes(found if isinstance(found, bytes) else found.encode())

    return write


TRAPS: dict[str, Callable[[Path, Path], None]] = {
    "a pickle for weights": _weights("pytorch_model.bin", _pickled),
    "a pickle of torch for weights": _weights("pytorch_model.bin", _torch),
    "a pickle under the name of safetensors": _weights("model.safetensors", _pickled),
    "a class of its own": _own_class,
    "a module of its own": _own_module("evil.Evil"),
    "a module from the standard library": _own_module("os.system"),
    "a module from the working folder": _own_module("conftest.Evil"),
    "an activation of its own": _activation,
    "arrays of objects in the cache": _chunks,
    "modules in all folders": _everywhere,
    "a tag of Python in models.yaml": _written("models.yaml", _yaml),
    "a tag of Python in gates.yaml": _written("gates.yaml", _yaml),
    "a tag of Python in a card": _written("tasks/shop/task.yaml", _yaml),
    "a pickle for a corpus": _written("tasks/shop/corpus.jsonl", _pickled),
    "a pickle for a Parquet file": _written("tasks/talk/test.parquet", _pickled),
    "a pickle for models.yaml": _written("models.yaml", _pickled),
}
_COMMANDS = (RUN, ["run", "--dry-run"], ["models"], ["tasks", "check"], ["models", "add", "./tiny", "--name", "new"],
             ["gate", "--baseline", "results"], ["export", "model", "tiny", "--output", "out"], ["doctor"])  # fmt: skip


def cases(folder: Path, seed: int) -> Iterator[Case]:
    """Every trap and every command, once."""
    base = project(folder / "project")
    for trap, words in shuffled([(trap, words) for trap in TRAPS for words in _COMMANDS], seed):
        yield Case(trap, " ".join(words), lambda t=trap, w=words: _sprung(base, folder, t, w))


def _sprung(base: object, folder: Path, trap: str, words: list[str]) -> str | None:
    bed = copied(base, folder / "tried")
    marker = folder / "ran"
    marker.unlink(missing_ok=True)
    TRAPS[trap](bed.folder, marker)
    words = [*words, "--force"] if words == RUN else words
    seen = call(bed.folder, *words)
    return f"code ran: {seen.text[-300:]}" if marker.exists() else fault_of(seen)
