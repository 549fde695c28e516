"""The indices that search is measured with, and their bytes, worked out from the layout of faiss's index_write.cpp.

An index is a header, its settings and its arrays, each array after its length in 8 bytes. HNSW adds the top layer of
each document (4 bytes), where its links begin (8 bytes) and the links (4 bytes each), 2M in the lowest layer and M in
each layer above, whether used or not. A document reaches a layer above with probability 1/M of the one before
(Malkov and Yashunin 2016, section 4.1, with the level factor 1/ln M), so that the number of upper layers is an
expectation; all else is exact.
"""

from __future__ import annotations

from math import exp, log
from typing import Literal, get_args

from bench.views import View

Kind = Literal["flat", "hnsw"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# Malkov and Yashunin 2016, with what vector databases start with: links a document (twice as many in the lowest
# layer), candidates while building and while searching.
M = 16
EF_CONSTRUCTION = 100
EF_SEARCH = 64
HNSW_SETTINGS = {"M": M, "efConstruction": EF_CONSTRUCTION, "efSearch": EF_SEARCH}
# Documents of a synthetic corpus: fewer are no corpus, and faiss numbers HNSW's links in 31 bits.
FEWEST_DOCUMENTS, MOST_DOCUMENTS = 1000, 1_000_000_000

_FOURCC = 4
_LENGTH = 8
# Dimensions, documents, two unused numbers, whether trained, metric.
_HEADER = 4 + 8 + 8 + 8 + 1 + 4
# Dimensions, bytes of a code, documents, whether trained, metric.
_BINARY_HEADER = 4 + 4 + 8 + 1 + 4
# Type, range statistic and its argument, dimensions, bytes of a code.
_SCALAR_QUANTISER = 4 + 4 + 4 + 8 + 8
# Entry point, top layer, efConstruction, efSearch, and a number no longer used.
_HNSW_NUMBERS = 5 * 4
# faiss stops the table of layers where fewer than one in a thousand million documents would reach.
_LEAST = 1e-9


def padded(dim: int) -> int:
    """Bits of a binary code: faiss wants whole bytes; padding is 0 on both sides and adds nothing to a distance."""
    return (dim + 7) // 8 * 8


def index_bytes(view: View, documents: int, kind: Kind) -> int:
    """Bytes of a serialised index.

    Args:
        view: The view.
        documents: How many documents are in it.
        kind: `flat`: exact to the byte. `hnsw`: expected, with M links.
    """
    storage = _flat_bytes(view, documents)
    if kind == "flat":
        return storage
    header = _BINARY_HEADER if view.precision == "binary" else _HEADER
    return _FOURCC + header + hnsw_bytes(documents) + storage


def hnsw_bytes(documents: int, links: int = M) -> int:
    """Bytes of the layers and links of HNSW, expected.

    Args:
        documents: How many documents there are.
        links: M.
    """
    reach = _layers(links)
    tables = _LENGTH + 8 * len(reach) + _LENGTH + 4 * (len(reach) + 1)
    levels = _LENGTH + 4 * documents
    offsets = _LENGTH + 8 * (documents + 1)
    neighbours = _LENGTH + 4 * documents * (2 * links + links * sum(reach[1:]))
    return round(tables + levels + offsets + neighbours) + _HNSW_NUMBERS


def _flat_bytes(view: View, documents: int) -> int:
    """Bytes of an exact index, which HNSW keeps its vectors in too."""
    dim = view.truncate_dim
    match view.precision:
        case "binary":
            return _FOURCC + _BINARY_HEADER + _LENGTH + documents * padded(dim) // 8
        case "float32":
            return _FOURCC + _HEADER + _LENGTH + documents * view.bytes_per_vector
    # int8 keeps the lowest value and the width of each dimension's range.
    ranges = _LENGTH + (2 * 4 * dim if view.precision == "int8" else 0)
    return _FOURCC + _HEADER + _SCALAR_QUANTISER + ranges + _LENGTH + documents * view.bytes_per_vector


def _layers(links: int) -> list[float]:
    """The share of documents that reach each layer, from the lowest, 1, to the highest that faiss provides for."""
    factor = 1 / log(links)
    shares: list[float] = []
    while (share := exp(-len(shares) / factor)) * (1 - exp(-1 / factor)) >= _LEAST:
        shares.append(share)
    return shares
