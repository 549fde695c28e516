"""Types of texts that name something: repositories of the Hub, folders, files within a data set."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def inside(pattern: str) -> str:
    """A name or glob pattern that cannot lead out of a data set's folder.

    Raises:
        ValueError: It could.
    """
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts or "\\" in pattern or "\x00" in pattern:
        raise ValueError("leads outside the data set; name files within it")
    if any("**" in part and part != "**" for part in path.parts):
        raise ValueError("`**` stands for folders and is alone between slashes: data/**/*.csv")
    return pattern


# `owner/name`.
HubId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")]
# One component of a path.
PartName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
# The name or glob pattern of a file within a data set.
InnerFile = Annotated[str, StringConstraints(min_length=1), AfterValidator(inside)]
