"""The parts of the campaign."""

from __future__ import annotations

from torture import concurrency, damage, kills, limits, reference, special
from torture.campaign import Part

PARTS = [
    Part("kills", kills.cases, 2.0),
    Part("concurrency", concurrency.cases, 2.0),
    Part("damage", damage.cases, 2.0),
    Part("limits", limits.cases, 2.0),
    Part("special", special.cases, 2.0),
    # 4,000 flips take half an hour: by its name alone.
    Part("reference", reference.cases, 0.0),
]
