"""Files that ONNX graphs take weights from; graphs are written here byte by byte, by the format of protobuf."""

from __future__ import annotations

import random

import pytest

from bench.errors import BenchError
from bench.models.folders.external_data import external_data
from bench.models.registry import ModelEntry
from bench.models.source import locate


def number(value):
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def field(index, content):
    if isinstance(content, int):
        return number(index << 3) + number(content)
    return number(index << 3 | 2) + number(len(content)) + content


def tensor(location, *, key=b"location"):
    """TensorProto: dims, data_type, name, raw_data, external_data, data_location."""
    entry = field(1, key) + field(2, location.encode())
    offset = field(1, b"offset") + field(2, b"0")
    return (
        field(1, 300) + field(2, 1) + field(8, b"w") + field(9, b"\x6a\x02xx" * 50)
        + field(13, offset) + field(13, entry) + field(14, 1)
    )  # fmt: skip


def model(graph):
    """ModelProto: ir_version, producer_name, graph, opset_import."""
    return field(1, 10) + field(2, b"test") + field(7, graph) + field(8, field(2, 17))


def in_node(part):
    """A graph whose node has an attribute with a part."""
    return field(1, field(1, b"x") + field(4, b"Constant") + field(5, field(1, b"value") + part))


PLACES = {
    "initializer": lambda name: model(field(5, tensor(name))),
    "sparse": lambda name: model(field(15, field(1, tensor(name)))),
    "constant": lambda name: model(in_node(field(5, tensor(name)))),
    "subgraph": lambda name: model(in_node(field(6, field(5, tensor(name))))),
    "list of graphs": lambda name: model(in_node(field(11, in_node(field(10, tensor(name)))))),
    "function": lambda name: field(25, field(7, field(5, field(5, tensor(name))))),
    "training": lambda name: field(20, field(2, field(5, tensor(name)))),
}


@pytest.mark.parametrize("place", PLACES)
def test_each_place_of_a_graph(tmp_path, place):
    (tmp_path / "x.onnx").write_bytes(PLACES[place]("a/weights.bin"))
    assert external_data(tmp_path / "x.onnx", "m") == {"a/weights.bin"}


def test_graphs_that_hold_their_weights(tmp_path):
    (tmp_path / "x.onnx").write_bytes(model(field(5, tensor("x", key=b"checksum"))))
    assert external_data(tmp_path / "x.onnx", "m") == set()


def test_cut_and_changed_graphs_are_errors_or_read(tmp_path):
    whole = PLACES["list of graphs"]("weights.bin")
    draw = random.Random(5)
    for end in range(1, len(whole)):
        changed = bytearray(whole)
        changed[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        for content in (whole[:end], bytes(changed)):
            (tmp_path / "x.onnx").write_bytes(content)
            try:
                external_data(tmp_path / "x.onnx", "m")
            except BenchError as error:
                assert "no ONNX graph, or cut off" in error.message


def test_nesting_has_an_end(tmp_path):
    part = b""
    for _ in range(2000):
        part = in_node(field(6, part))
    (tmp_path / "x.onnx").write_bytes(model(part))
    with pytest.raises(BenchError, match="nested too deeply"):
        external_data(tmp_path / "x.onnx", "m")


@pytest.mark.parametrize("name", ["/etc/passwd", "../../secret", "..\\x"])
def test_weights_outside_of_the_folder(tiny_model, name):
    (tiny_model / "onnx").mkdir()
    (tiny_model / "onnx" / "model.onnx").write_bytes(PLACES["initializer"](name))
    entry = ModelEntry(name="m", source=[str(tiny_model)], backend="onnx")
    with pytest.raises(BenchError, match="outside of the model's folder"):
        locate(entry, download=False)


def test_weights_in_a_file_of_the_export(tiny_model):
    (tiny_model / "onnx").mkdir()
    (tiny_model / "onnx" / "model.onnx").write_bytes(PLACES["initializer"]("model.onnx_data"))
    entry = ModelEntry(name="m", source=[str(tiny_model)], backend="onnx")
    with pytest.raises(BenchError, match=r"takes weights from the file model\.onnx_data, which is not there"):
        locate(entry, download=False)
    (tiny_model / "onnx" / "model.onnx_data").write_bytes(b"1234")
    assert locate(entry, download=False).path == tiny_model.resolve()
