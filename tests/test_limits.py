"""Sizes that files and archives may claim or unpack to: each is refused with the number that it goes beyond."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile

import pyarrow as pa
import pytest
from special_files import in_time
from support import write_hub, write_scored

from bench.config.yaml_document import plain_yaml
from bench.errors import BenchError
from bench.models.registry import ModelEntry
from bench.models.source import locate
from bench.results import archives
from bench.results.archives import unpack_results
from bench.results.store import ResultStore
from bench.tasks.hub_layout import HubLayout
from bench.tasks.readers import rows, streams
from bench.tasks.readers.files import local_file
from bench.tasks.readers.rows import columns_of, read_rows


@pytest.fixture(autouse=True)
def alarm():
    with in_time():
        yield


def read(path):
    return list(read_rows(local_file(path), lambda columns: columns))


def packed(path, content):
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content))
    else:
        path.write_bytes(pa.compress(content, codec="zstd", asbytes=True))
    return path


@pytest.mark.parametrize("name", ["x.jsonl.gz", "x.jsonl.zst"])
def test_compressed_bombs(tmp_path, monkeypatch, name):
    monkeypatch.setattr(streams, "_UNPACKED", 5_000_000)
    path = packed(tmp_path / name, b'{"a": "b"}\n' * 2_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(BenchError) as caught:
        read(path)
    assert "unpacks to more than 5 MB and 200 times its size" in caught.value.message
    assert name in caught.value.where


@pytest.mark.parametrize("name", ["x.jsonl.gz", "x.jsonl.zst"])
def test_what_is_packed_well_is_no_bomb(tmp_path, monkeypatch, name):
    monkeypatch.setattr(streams, "_UNPACKED", 100_000)
    path = packed(tmp_path / name, b"".join(b'{"a": "%d"}\n' % number for number in range(100_000)))
    assert len(read(path)) == 100_000


def test_a_line_without_an_end(tmp_path):
    path = tmp_path / "x.jsonl"
    with path.open("wb") as handle:
        handle.write(b'{"a": 1}\n')
        handle.truncate(50_000_000_000)
    with pytest.raises(BenchError) as caught:
        columns_of(local_file(path))
    assert caught.value.message.startswith("a line of more than 100 MB")
    assert caught.value.where.endswith("x.jsonl, line 2")


def test_a_cell_without_an_end(tmp_path, monkeypatch):
    from bench.tasks.readers import delimited

    monkeypatch.setattr(delimited, "_LONGEST_CELL", 1000)
    path = tmp_path / "x.csv"
    path.write_text('a,b\n1,"' + "x\n" * 1000)
    with pytest.raises(BenchError, match=r"larger than field limit \(1000\)"):
        read(path)


@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.parquet.gz"])
def test_files_that_are_read_whole(tmp_path, monkeypatch, name):
    for module in (rows, streams):
        monkeypatch.setattr(module, "MOST_WHOLE", 5000)
    path = tmp_path / name
    content = {"x.json": b"[\n" + b'{"a": 1},\n' * 1000, "x.jsonl": ('{"a": 1}\n' * 1000).encode("utf-16")}
    packed(path, bytes(10_000)) if name.endswith("gz") else path.write_bytes(content[name])
    with pytest.raises(BenchError, match="more than 5,000 bytes"):
        read(path)


def test_headers_in_a_tar_archive(tmp_path):
    """The library reads the name of a member whole, which a header of 600 bytes may say is of any length."""
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE):
        header = tarfile.TarInfo("x")
        header.type, header.size = kind, 1 << 40
        path = tmp_path / "x.tar"
        path.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(10_240))
        with pytest.raises(BenchError, match="a name or header of 1,099,511,627,776 bytes; at most 1,000,000"):
            unpack_results(path, tmp_path / "out")


@pytest.mark.parametrize("name", ["x.zip", "x.tgz"])
def test_archives_that_unpack_to_many_times_their_size(tmp_path, monkeypatch, name):
    monkeypatch.setattr(archives, "_FREE_OF_RATIO", 1000)
    path, content = tmp_path / name, bytes(5_000_000)
    if name == "x.zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("results/quality/shop/x.json", content)
    else:
        with tarfile.open(path, "w:gz") as archive:
            entry = tarfile.TarInfo("results/quality/shop/x.json")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    with pytest.raises(BenchError, match="no results folder is so large"):
        unpack_results(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_results_in_an_archive_are_far_from_the_ratio(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_FREE_OF_RATIO", 0)
    monkeypatch.setattr(archives, "_RATIO", 40)
    write_scored(tmp_path / "results", {(32, "float32"): {f"q{number}": number / 500 for number in range(500)}})
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as archive:
        archive.add(tmp_path / "results", "results")
    unpack_results(tmp_path / "x.tgz", tmp_path / "out")
    assert len(ResultStore(tmp_path / "out").records()) == 1


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        "a: &a [*a]",
        "a: &a {b: *a}",
        "a: " + "[" * 100_000,
        "a: !!python/object/apply:os.system [x]",
        "a: [",
        "a: {[1]: 2}",
    ],
)
def test_yaml_of_others(text):
    with pytest.raises(ValueError):
        plain_yaml(text)


def test_yaml_of_others_is_what_pyyaml_reads():
    assert plain_yaml("") is None
    assert plain_yaml("a: &x [1, 2.5, on]\nb: *x\n") == {"a": [1, 2.5, True], "b": [1, 2.5, True]}


def test_a_readme_of_aliases_names_no_files(tmp_path):
    hub = write_hub(tmp_path / "hub", {"default": {"test": [{"a": "b"}]}})
    (hub / "README.md").write_text(f"---\n{LAUGHS}configs: *a9\n---\n")
    assert HubLayout.of(hub).configs == {}


@pytest.mark.parametrize("name", ["config.json", "modules.json", "tokenizer_config.json", "1_Pooling/config.json"])
def test_json_that_is_nested_too_deeply(tiny_model, name):
    (tiny_model / name).write_text('{"a": ' + "[" * 200_000 + "]" * 200_000 + "}")
    with pytest.raises(BenchError) as caught:
        locate(ModelEntry(name="m", source=[str(tiny_model)]), download=False)
    assert str(tiny_model / name) in caught.value.message
    assert "nested too deeply" in caught.value.message


def test_model_files_without_an_end(tiny_model):
    for name in ("config.json", "tokenizer_config.json"):
        content = (tiny_model / name).read_bytes()
        with (tiny_model / name).open("ab") as handle:
            handle.truncate(50_000_000_000)
        with pytest.raises(BenchError, match="more than 1 GB, the most that is read of such a file"):
            locate(ModelEntry(name="m", source=[str(tiny_model)]), download=False)
        (tiny_model / name).write_bytes(content)


def test_a_record_that_is_nested_too_deeply(tmp_path):
    path = tmp_path / "quality" / "shop" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"a": 1})[:-1] + ', "b": ' + "[" * 200_000)
    with pytest.raises(BenchError, match="not JSON"):
        ResultStore(tmp_path).records()
