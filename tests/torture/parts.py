"""The parts of the campaign."""

from __future__ import annotations

from torture import code, concurrency, damage, kills, limits, mutated, payloads, reference, special, stored
from torture.campaign import Part

PARTS = [
    Part("kills", kills.cases, 2.0),
    Part("concurrency", concurrency.cases, 2.0),
    Part("damage", damage.cases, 2.0),
    Part("stored", stored.cases, 2.0),
    Part("limits", limits.cases, 2.0),
    Part("special", special.cases, 2.0),
    Part("payloads", payloads.cases, 2.0),
    Part("mutated", mutated.cases, 1.5),
    Part("code", code.cases, 0.5),
    # 4,000 flips take half an hour: by its name alone.
    Part("reference", reference.cases, 0.0),
]
