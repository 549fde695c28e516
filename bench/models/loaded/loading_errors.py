"""What libraries raise over a model's files, as errors that name the file and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import is_zipfile

from bench.errors import BenchError
from bench.models.folders.folder import check_pointer, read_json
from bench.models.folders.weights import own_files, safetensors_header
from bench.regular import open_regular

_WHOLE = "check that the folder is a whole sentence-transformers model"
_CODE = "this model brings its own Python code: read it, then set `trust_remote_code: true`"
_DRAWN = "check that config.json is that of a text encoder which transformers knows"
_LONGEST_REASON = 500

# What an exception says, the hint that goes with it; the first that fits.
_HINTS: tuple[tuple[str, str], ...] = (
    ("trust_remote_code", _CODE),
    (
        "does not recognize this architecture",
        "the installed transformers does not know the `model_type` in config.json: a newer one may",
    ),
    (r"requires the .*NLTK|nltk", "pip install nltk"),
    (r"peft", "check adapter_config.json: its base and target modules must fit the installed peft and the base"),
    (r"sentencepiece", "pip install sentencepiece"),
    (r"tiktoken", "pip install tiktoken"),
    (r"size mismatch|state_dict", "get weights and configuration of its modules from the same model"),
    (r"requirement|is required for", "install what config_sentence_transformers.json asks for under `requirements`"),
)


@contextmanager
def as_bench_errors(path: Path, where: str, *, drawn: bool = False) -> Iterator[None]:
    """Turn whatever a library raises over a model's files into an error that can be reported.

    Args:
        path: The folder with the files.
        where: What messages call the model.
        drawn: Whether its weights are drawn, so that it holds configurations alone.

    Raises:
        BenchError: A library raised something.
    """
    try:
        yield
    except BenchError as error:
        if error.where is None:
            raise BenchError(error.message, where=where, hint=error.hint) from error
        raise
    except Exception as error:
        _check_files(path, where)
        text = str(error)
        # Not in the folder's own name.
        said = text.replace(str(path), "")
        hint = next((hint for pattern, hint in _HINTS if re.search(pattern, said)), _DRAWN if drawn else _WHOLE)
        raise BenchError(
            f"cannot load {path}: {type(error).__name__}: {_reason(text)}", where=where, hint=hint
        ) from error


def _check_files(path: Path, where: str) -> None:
    """Name the file that is broken, where one is: libraries say what they found, and seldom in which file."""
    for file in own_files(path):
        if file.suffix in {".json", ".txt", ".model"}:
            check_pointer(file, where)
        if file.suffix == ".json":
            value = read_json(file, where)
            if file.name == "tokenizer.json" and not (isinstance(value, dict) and "model" in value):
                raise BenchError(
                    f"{file} holds no tokenizer", where=where, hint="copy or download the whole file again"
                )
        elif file.suffix == ".safetensors":
            safetensors_header(file, where)
        elif file.match("pytorch_model*.bin"):
            check_pointer(file, where)
            if not _is_pickle(file):
                raise BenchError(
                    f"{file} is no torch file, or cut off", where=where, hint="copy or download the whole file again"
                )


def _is_pickle(file: Path) -> bool:
    """Whether a file can be one of torch: a whole zip archive, or a pickle of earlier versions."""
    with open_regular(file) as handle:
        start = handle.read(2)
        return is_zipfile(handle) if start == b"PK" else start.startswith(b"\x80")


def _reason(text: str) -> str:
    """What an exception says, on one line; torch lists the weights that do not fit on lines of their own."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    if not lines[0].endswith(":"):
        return lines[0]
    joined = " ".join(lines)
    return joined if len(joined) <= _LONGEST_REASON else f"{joined[:_LONGEST_REASON].rstrip()} ..."
