"""Measure all families and write their table into docs/models.md: `PYTHONPATH=tests python -m models.families`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .catalog import FAMILIES
from .compared import opened
from .table import PAGE, fill, table

with tempfile.TemporaryDirectory() as root, opened(Path(root)) as folders:
    found = {family.name: f"{folders.difference(family.name):.0e}".replace("0e+00", "0") for family in FAMILIES}
PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), table(found)), encoding="utf-8")
