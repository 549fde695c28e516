"""The parts of the campaign."""

from __future__ import annotations

from torture import code, concurrency, damage, kills, limits, mutated, payloads, reference, special, stored
from torture.campaign import Part

PARTS = [
    Part("kills", kills.cases, 2.0, (2, kills.at_changes_only)),
    Part("concurrency", concurrency.cases, 2.0, (1, concurrency.without_training)),
    Part("damage", damage.cases, 2.0, (30, None)),
    Part("stored", stored.cases, 2.0, (5, stored.without_training)),
    Part("limits", limits.cases, 2.0, (16, None)),
    Part("special", special.cases, 2.0, (16, special.without_training)),
    Part("payloads", payloads.cases, 2.0, (36, None)),
    Part("mutated", mutated.cases, 1.5, (28, None)),
    Part("code", code.cases, 0.5, (8, None)),
    # Its 4,000 flips are more than a share of some minutes.
    Part("reference", reference.cases, 0.0, (40, reference.small)),
]
