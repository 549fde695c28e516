"""A campaign against the program: it is killed, damaged, starved and lied to, and must never lie itself.

    python -m torture --minutes 10 --seed 1

runs all parts (with `tests/` on the path: `make torture`) and prints a table of tries and faults. A try is named by its
part, the seed and its number, and can be repeated alone: `--only damage:17`.
"""
