"""The command line of the campaign."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from torture.campaign import Table, printed, try_part
from torture.forked import load_libraries
from torture.parts import PARTS


def main() -> int:
    """Run the parts asked for and print the table; 1 where there were faults."""
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="How long all parts may take together.")
    parser.add_argument("--seed", type=int, default=1, help="What draws the tries.")
    parser.add_argument("--only", default="", help="Parts, with commas between them; PART:NUMBER is one try.")
    parser.add_argument("--count", type=int, help="Tries of each part at most.")
    parser.add_argument("--small", action="store_true", help="The few tries of make test.")
    options = parser.parse_args()
    wanted = dict(name.partition(":")[::2] for name in options.only.split(",") if name)
    if unknown := set(wanted) - {part.name for part in PARTS}:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are: {', '.join(part.name for part in PARTS)}")
    if wrong := [number for number in wanted.values() if number and not number.isdigit()]:
        parser.error(f"{wrong[0]} is no number of a try")
    load_libraries()
    parts = [part for part in PARTS if part.name in wanted or (not wanted and part.weight)]
    if options.small:
        parts = [part.as_small() for part in parts]
    table: Table = {}
    end = time.monotonic() + 60 * options.minutes
    for row, part in enumerate(parts):
        share = part.weight / sum(each.weight for each in parts[row:]) if part.weight else 1.0
        with tempfile.TemporaryDirectory(prefix="bench-torture-") as folder:
            only = int(wanted[part.name]) if wanted.get(part.name) else None
            seconds = float("inf") if only is not None else share * (end - time.monotonic())
            if options.small:
                seconds = float("inf")
            count = part.small[0] if options.small else options.count
            try_part(part, Path(folder), options.seed, table, seconds=seconds, count=count, only=only)
    print(printed(table))
    return int(any(tally.faults for tally in table.values()))


if __name__ == "__main__":
    sys.exit(main())
