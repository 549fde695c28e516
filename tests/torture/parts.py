"""The parts of the campaign."""

from __future__ import annotations

from torture import damage, reference
from torture.campaign import Part

PARTS = [
    Part("damage", damage.cases, 2.0),
    # 4,000 flips take half an hour: by its name alone.
    Part("reference", reference.cases, 0.0),
]
