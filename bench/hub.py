"""Files from the Hugging Face Hub: from its local cache, or downloaded."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from bench.cache import cache_root
from bench.errors import BenchError
from bench.files import digest_json, safe_name, write_text
from bench.paths import bytes_if_there, path_exists
from bench.regular import MOST_RECORD

RepoKind = Literal["model", "dataset"]

_PATIENCE_SECONDS = 10.0
_OFFLINE_FLAGS = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")


class NotDownloadedError(BenchError):
    """Something could be had from the Hub, but is not on this machine yet."""


def offline() -> bool:
    """Whether the environment forbids asking the Hub."""
    return any(os.environ.get(flag, "").upper() in {"1", "TRUE", "YES", "ON"} for flag in _OFFLINE_FLAGS)


def snapshot(
    repo: str,
    kind: RepoKind,
    *,
    revision: str | None,
    download: bool,
    usable: Callable[[Path], bool],
    where: str,
    otherwise: str,
    allow: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
) -> Path:
    """The folder of a repository's files at a revision; its name is the commit.

    Args:
        repo: `owner/name`.
        kind: What kind of repository it is.
        revision: Branch, tag or commit; None for the newest.
        download: Whether the Hub may be asked; otherwise only its local cache is.
        usable: Whether a folder found in the cache holds what is needed; it may raise a BenchError that says what
            is missing there.
        where: Who wants it, for messages.
        otherwise: What to do without the Hub, for messages.
        allow: Patterns of the files to download; None for all.
        ignore: Patterns of files not to download.

    Raises:
        NotDownloadedError: It is not in the cache and `download` is False.
        BenchError: The Hub cannot be asked, or does not have it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    options = {"revision": revision} | ({"repo_type": kind} if kind != "model" else {})
    wanted = {"allow_patterns": _anywhere(allow), "ignore_patterns": ignore}
    wanted = {name: patterns for name, patterns in wanted.items() if patterns}
    cached: Path | None = None
    try:
        cached = Path(snapshot_download(repo, local_files_only=True, **options, **wanted))
    except HFValidationError as error:
        raise BenchError(f"`{repo}` is neither a folder nor a Hub id", where=where) from error
    except LocalEntryNotFoundError as error:
        # The client lists the repository's files, and some are not here: which ones count is up to `usable`.
        cached = Path(found) if (found := getattr(error, "snapshot_path", None)) else None
    # The cache may hold part of a snapshot, from a download that broke off or a loader that wanted little.
    missing: BenchError | None = None
    if cached is not None:
        try:
            cached = cached if usable(cached) else None
        except BenchError as error:
            cached, missing = None, error
    if cached is not None and (offline() or not download or path_exists(_mark(repo, kind, cached, allow))):
        return cached
    if offline():
        raise _switched_off(repo, where, otherwise, missing)
    if not download:
        raise NotDownloadedError(f"{repo} has to be downloaded from the Hub first", where=where)
    if (trouble := _trouble(repo, kind, revision)) is not None:
        if cached is not None:
            return cached
        raise unreachable(repo, trouble, where, otherwise) from trouble
    try:
        path = Path(snapshot_download(repo, **options, **wanted))
    except Exception as error:
        # The Hub's refusals, a full disk, and the errors of whichever HTTP library it uses: of no common type.
        raise unreachable(repo, error, where, otherwise) from error
    write_text(_mark(repo, kind, path, allow), "")
    return path


def _anywhere(patterns: Sequence[str] | None) -> list[str]:
    """Patterns as the Hub's client reads them, to which `**/` means at least one folder."""
    return list(dict.fromkeys(each for pattern in patterns or () for each in (pattern, pattern.replace("**/", ""))))


@dataclass(frozen=True)
class HubFolder:
    """A data set's files on the Hub, read where they are: only the bytes that are asked for come over the network.

    Attributes:
        repo: `owner/name`.
        commit: Its revision.
    """

    repo: str
    commit: str

    def glob(self, pattern: str) -> list[str]:
        """Names of the files that match a pattern, sorted."""
        return sorted(path.removeprefix(f"{self._root}/") for path in _file_system().glob(f"{self._root}/{pattern}"))

    def open(self, name: str) -> BinaryIO:
        """One file for reading, seekable."""
        handle: BinaryIO = _file_system().open(f"{self._root}/{name}", "rb")
        return handle

    @property
    def _root(self) -> str:
        return f"datasets/{self.repo}@{self.commit}"


def remote_folder(repo: str, *, revision: str | None, download: bool, where: str, otherwise: str) -> HubFolder:
    """A data set's files on the Hub, for reading parts of them without downloading all (see `snapshot`).

    Raises:
        NotDownloadedError: `download` is False.
        BenchError: The Hub cannot be asked, or does not have it.
    """
    if offline():
        raise _switched_off(repo, where, otherwise)
    if not download:
        raise NotDownloadedError(f"{repo} has to be downloaded from the Hub first", where=where)
    from huggingface_hub import HfApi

    try:
        found = HfApi().repo_info(repo, repo_type="dataset", revision=revision, timeout=_PATIENCE_SECONDS)
    except Exception as error:
        raise unreachable(repo, error, where, otherwise) from error
    return HubFolder(repo, str(found.sha))


def _file_system() -> Any:
    from huggingface_hub import HfFileSystem

    return HfFileSystem()


def _switched_off(repo: str, where: str, otherwise: str, missing: BenchError | None = None) -> BenchError:
    state = f"{repo} is not in the Hub's local cache"
    if missing is not None:
        state += f" as a whole: {missing.message}"
    return BenchError(
        f"{state}, and the Hub is switched off (HF_HUB_OFFLINE)",
        where=where,
        hint=f"unset HF_HUB_OFFLINE to download it, or {otherwise}",
    )


def downloaded(repo: str, kind: RepoKind, folder: Path, allow: Sequence[str] | None = None) -> bool:
    """Whether `snapshot` has downloaded a repository's files to this folder of the cache, to the last one."""
    return path_exists(_mark(repo, kind, folder, allow))


def repository_files(folder: Path) -> frozenset[str] | None:
    """The names of all files of a repository at a snapshot in the Hub's cache; None where the cache does not list them.

    Args:
        folder: The snapshot, or any other folder.
    """
    if not is_snapshot(folder):
        return None
    try:
        listed = json.loads(bytes_if_there(folder.parents[1] / "trees" / f"{folder.name}.json", MOST_RECORD) or b"")
        return frozenset(listed["files"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def known_absent(folder: Path, name: str) -> bool:
    """Whether the Hub's cache holds that a repository has no such file, at the commit of a snapshot.

    Args:
        folder: The snapshot, or any other folder.
        name: The file's name.
    """
    listed = repository_files(folder)
    if listed is not None:
        return name not in listed
    return is_snapshot(folder) and path_exists(folder.parents[1] / ".no_exist" / folder.name / name)


def is_snapshot(folder: Path) -> bool:
    """Whether a folder is where the Hub's client keeps a repository at a commit."""
    return folder.parent.name == "snapshots" and folder.parents[1].name.startswith(("models--", "datasets--"))


def _trouble(repo: str, kind: RepoKind, revision: str | None) -> Exception | None:
    """Why the Hub cannot give a repository just now, asked quickly; None where it can.

    Without an answer snapshot_download would try for half a minute, or give a cached part as if it were all.
    """
    from huggingface_hub import HfApi

    try:
        HfApi().repo_info(repo, repo_type=kind, revision=revision, timeout=_PATIENCE_SECONDS)
    except Exception as error:  # noqa: BLE001 - of no common type, see above
        return error
    return None


def unreachable(repo: str, error: Exception, where: str, otherwise: str) -> BenchError:
    """The error for a Hub that did not give something."""
    reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return BenchError(
        f"could not get {repo} from the Hub: {reason}",
        where=where,
        hint=f"check the id, the revision and the network (HF_TOKEN for private ones), or {otherwise}",
    )


def _mark(repo: str, kind: RepoKind, folder: Path, allow: Sequence[str] | None) -> Path:
    """The file that says that bench has seen a snapshot's download to its end."""
    part = f"-{digest_json(sorted(allow))[:8]}" if allow else ""
    prefix = "" if kind == "model" else f"{kind}-"
    return cache_root() / "downloads" / f"{prefix}{safe_name(repo)}-{folder.name}{part}"
