"""Which rows share a batch in each pass over a data set, where no text may be twice in a batch.

Sentence-transformers fills a batch with the next rows that fit, states rows / batch size as its number of batches and
yields more of them where texts repeat: rows in those are never trained on. Its batches are kept where that leaves
out next to nothing; otherwise the rows of a pass are spread evenly over as many batches as hold them all.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

# A pass may leave out one row in this many, which would fill further batches of a few rows, each a whole step.
_LEFT_OUT = 200
# Looks at a row, for each row of the data, after which filling batches in turn counts as failed.
_LOOKS = 50
# Orders to try before a pass is given one batch more, fewer where they are long.
_DRAWS, _DRAWN_ROWS = 20, 200_000
# Passes that are planned; later ones take up their orders again.
_PLANNED = 100

Batch = list[int]
_Texts = tuple[int, ...]


@dataclass(frozen=True)
class Passes:
    """The batches of every pass over one data set.

    Attributes:
        texts: By row, the numbers of its texts.
        size: Rows a batch at most.
        seed: Decides, with the number of the pass, what is drawn.
        spread: How many batches every pass is spread over; None where sentence-transformers' own batches serve.
    """

    texts: list[_Texts]
    size: int
    seed: int
    spread: int | None = None

    def __len__(self) -> int:
        """Batches a pass."""
        return self.spread or _at_least(len(self.texts), self.size)

    def batches(self, number: int) -> list[Batch]:
        """The rows of each batch of a pass, the same ones at every call.

        Those beyond `len`, which only sentence-transformers' own batches have, are not trained on.

        Args:
            number: Of the pass, from 0.
        """
        if self.spread is None:
            return fill(_draw(len(self.texts), self._source(number)), self.texts, self.size)
        return self._spread(number % _PLANNED, self.spread)

    def needed(self, number: int, count: int) -> int:
        """Over how many batches a pass can be spread, `count` or more."""
        return len(self._spread(number, count))

    def leaves_few(self, number: int) -> bool:
        """Whether sentence-transformers' own batches of a pass hold all rows but a few."""
        rows = len(self.texts)
        stated = fill(_draw(rows, self._source(number)), self.texts, self.size, len(self))
        return (rows - sum(map(len, stated))) * _LEFT_OUT <= rows

    def _spread(self, number: int, count: int) -> list[Batch]:
        source = self._source(number)
        rows = len(self.texts)
        best: list[Batch] = []
        for _ in range(max(1, min(_DRAWS, _DRAWN_ROWS // rows))):
            found = spread(_draw(rows, source), self.texts, self.size, count)
            best = found if not best or len(found) < len(best) else best
            if len(best) == count:
                break
        # Rows whose texts repeat most were placed first, in the first batches.
        return [best[place] for place in _draw(len(best), source)]

    def _source(self, number: int) -> torch.Generator:
        import torch

        return torch.Generator().manual_seed(self.seed + number)


def plan_passes(columns: Mapping[str, Sequence[Any]], size: int, seed: int, passes: int) -> Passes:
    """How a data set is cut into batches without a text that is there twice.

    Args:
        columns: The texts of each row, by role.
        size: Rows a batch at most.
        seed: The recipe's.
        passes: How many will be made, a part of one included.
    """
    numbers: dict[str, int] = {}
    texts = [
        tuple({numbers.setdefault(text, len(numbers)) for text in row}) for row in zip(*columns.values(), strict=True)
    ]
    planned = range(min(passes, _PLANNED))
    plain = Passes(texts, size, seed)
    most = max(Counter(text for row in texts for text in row).values())
    # A text that is in more rows than there are batches leaves out those beyond.
    if most == 1 or (
        (most - len(plain)) * _LEFT_OUT <= len(texts) and all(plain.leaves_few(number) for number in planned)
    ):
        return plain
    count, needed = 0, max(len(plain), most)
    # A pass that needs one batch more gives all of them one more: a trainer takes one number for all.
    while count != needed:
        count, needed = needed, max(plain.needed(number, needed) for number in planned)
    return Passes(texts, size, seed, count)


def fill(order: Sequence[int], texts: Sequence[_Texts], size: int, most: int | None = None) -> list[Batch]:
    """Batches as sentence-transformers' NoDuplicatesBatchSampler fills them: each with the next rows that fit in it.

    Args:
        order: The rows.
        texts: By row.
        size: Rows a batch at most.
        most: Batches after which to end, also when they take too long to find; by default all rows are placed.
    """
    batches: list[Batch] = []
    waiting = deque(order)
    looks = 0
    while waiting and (most is None or (len(batches) < most and looks < _LOOKS * len(order))):
        batch: Batch = []
        held: set[int] = set()
        passed: list[int] = []
        while waiting and len(batch) < size:
            row = waiting.popleft()
            looks += 1
            if held.isdisjoint(texts[row]):
                batch.append(row)
                held.update(texts[row])
            else:
                passed.append(row)
        waiting.extendleft(reversed(passed))
        batches.append(batch)
    return batches


def spread(order: Sequence[int], texts: Sequence[_Texts], size: int, count: int) -> list[Batch]:
    """Batches of about the same number of rows, all rows in them; more than `count` only where those do not suffice.

    Rows whose texts repeat most are placed first, each in the emptiest batch that has none of its texts.

    Args:
        order: The rows.
        texts: By row.
        size: Rows a batch at most.
        count: Batches to begin with, at most one a row.
    """
    uses = Counter(text for row in order for text in texts[row])
    batches: list[Batch] = [[] for _ in range(count)]
    held: list[set[int]] = [set() for _ in range(count)]
    emptiest = [(0, place) for place in range(count)]
    for row in sorted(order, key=lambda row: -max(uses[text] for text in texts[row])):
        passed = []
        while emptiest and not held[emptiest[0][1]].isdisjoint(texts[row]):
            passed.append(heapq.heappop(emptiest))
        if emptiest:
            _, place = heapq.heappop(emptiest)
        else:
            place = len(batches)
            batches.append([])
            held.append(set())
        batches[place].append(row)
        held[place].update(texts[row])
        if len(batches[place]) < size:
            heapq.heappush(emptiest, (len(batches[place]), place))
        for other in passed:
            heapq.heappush(emptiest, other)
    return batches


def _at_least(rows: int, size: int) -> int:
    return -(-rows // size)


def _draw(rows: int, source: torch.Generator) -> list[int]:
    """An order of rows, drawn as sentence-transformers draws it."""
    import torch

    kind = torch.int32 if rows <= torch.iinfo(torch.int32).max else torch.int64
    drawn: list[int] = torch.randperm(rows, generator=source, dtype=kind).tolist()
    return drawn
