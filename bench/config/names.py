"""Types of texts that name something: repositories of the Hub, folders, files within a data set."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from bench.inside import OutsideError, check_name


def inner_name(pattern: str) -> str:
    """A name or glob pattern that cannot lead out of a data set's folder.

    Raises:
        ValueError: It could.
    """
    try:
        check_name(pattern)
    except OutsideError as error:
        raise ValueError("leads outside the data set; name files within it") from error
    if any("**" in part and part != "**" for part in PurePosixPath(pattern).parts):
        raise ValueError("`**` stands for folders and is alone between slashes: data/**/*.csv")
    return pattern


# `owner/name`.
HubId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")]
# One component of a path.
PartName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
# The name or glob pattern of a file within a data set.
InnerFile = Annotated[str, StringConstraints(min_length=1), AfterValidator(inner_name)]
