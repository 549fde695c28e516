"""Part: every name that a file can carry holds something that would act on a terminal, a runner, a page or a disk."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import xml.etree.ElementTree
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml

from bench.results.digests import record_text
from torture.beds import MODEL, READERS, Project, ResultsBed, contents, files_of, project, results_bed
from torture.campaign import Case, chance
from torture.forked import Outcome, call
from torture.verdicts import fault_of, text_fault

MARK = "zqx"
PAYLOADS = {
    "escape sequences": f"{MARK}\x1b[31m\x1b]0;{MARK}\x07\x1b[2J",
    "C1 controls": f"{MARK}\x9b31m\x85\x90{MARK}",
    "NUL and backspaces": f"{MARK}\x00\x08\x7f",
    "carriage return": f"{MARK}\rerror: all is well",
    "bidirectional overrides": f"{MARK}\u202e\u2066txt\u2069\u200f",
    "separators of lines": f"{MARK}\u2028::error::{MARK}\u2029",
    "a workflow command": f"{MARK}\n::error file=x::{MARK}\n::set-output name=a::b",
    "a command of Azure": f"##vso[task.setvariable variable={MARK}]1",
    "a workflow command alone": f"::error::{MARK}",
    "a script": f"<script>{MARK}()</script>",
    "an image": f"<img src=x onerror={MARK}()>",
    "an attribute": f'"\' onmouseover="{MARK}()" x="',
    "a closing tag": f"</svg></td></style></title><b>{MARK}",
    "a link of Markdown": f"[{MARK}](javascript:{MARK})",
    "an image of Markdown": f"![{MARK}](https://{MARK}.example/x.png)",
    "a table of Markdown": f"{MARK} | 0.99 | x |\n| {MARK} | 0.1",
    "a heading of Markdown": f"\n# {MARK}\n\n```\n",
    "a mention": f"@{MARK} https://{MARK}.example",
    "a formula": f"=cmd|' /C {MARK}'!A0",
    "a formula after a tab": f"\t=HYPERLINK({MARK})",
    "a formula with plus": f"+{MARK}",
    "a formula with minus": f"-{MARK}()",
    "a formula with at": f"@{MARK}()",
    "markup of rich": f"[red]{MARK}[/red][link=https://{MARK}.example]",
    "a broken tag of rich": f"[/{MARK}]",
    "a format": f"{{{MARK}}} %s %({MARK})s {{0.__class__}}",
    "a path upwards": f"../../../{MARK}",
    "an absolute path": f"/tmp/{MARK}-escaped",
    "a path of Windows": f"..\\..\\{MARK} C:\\{MARK}",
    "a path in the home": f"~/{MARK}",
    "the folder itself": ".",
    "the folder above": "..",
    "a device": "/dev/zero",
    "a long name": MARK + "x" * 5_000,
    "a long name of wide letters": MARK + "\U0001f600" * 300,
    "empty": "",
    "half of a pair": "\ud800",
    "spaces": f"  {MARK}  ",
    "an option": f"--help{MARK}",
    "a YAML tag": f"!!python/object/apply:os.system ['{MARK}']",
    "XML": f"<!DOCTYPE x [<!ENTITY {MARK} SYSTEM 'file:///etc/passwd'>]>&{MARK};]]>",
}  # fmt: skip
_MORE = {
    "results as CSV": ["results", "--format", "csv", "--all"],
    "results as a table": ["results", "--all"],
    "compare as Markdown": ["compare", "mini", MODEL, "--all-views", "--format", "markdown"],
    "compare as a table": ["compare", "mini", MODEL, "--all-views"],
    "gate as Markdown": ["gate", "--baseline", "baseline", "--format", "markdown", "--junit", "out/junit.xml"],
    "gate as a table": ["gate", "--baseline", "baseline", "--explain", "quality"],
    "choose as text": ["choose", "--task", "shop"],
    "verify": ["results", "--verify"],
}
COMMANDS = READERS | _MORE
_CONFIGURED = (
    "models.yaml", "gates.yaml", "tasks/shop/task.yaml", "tasks/talk/test.jsonl", "tasks/shop/corpus.jsonl",
    "tasks/shop/queries.jsonl", "tasks/shop/qrels/test.tsv", "tiny/modules.json", "tiny/1_Pooling/config.json",
    "tiny/config_sentence_transformers.json", "tiny/tokenizer_config.json", "tiny/config.json",
)  # fmt: skip
_HOSTILE_HTML = re.compile(rf"(?<!\\)<(?:(script|img|b)\b[^>]*{MARK}|script>{MARK}|b>{MARK})", re.IGNORECASE)
_HOSTILE_MARKDOWN = re.compile(rf"(?<!\\)\]\((?:javascript:{MARK}|https://{MARK})", re.IGNORECASE)
_LIST = re.compile(rf"^# {MARK}", re.MULTILINE)


def cases(folder: Path, seed: int) -> Iterator[Case]:
    """Every payload in names of records, registries, cards and rules, until the time is up."""
    bed, own = results_bed(folder / "inner" / "bed"), project(folder / "inner" / "project", run=False)
    names = list(PAYLOADS)
    for number in range(1_000_000):
        rng = chance(seed, number)
        payload = names[number % len(names)]
        if number % 3 == 2:
            files = [own.folder / name for name in _CONFIGURED]
            path = files[int(rng.integers(len(files)))]
            yield Case(f"{path.suffix[1:]} of a project", f"{payload} in {path.name}",
                       lambda p=path, n=number, w=payload: _configured(
                           own, folder, p, PAYLOADS[w], seed, n))  # fmt: skip
        else:
            records = [path for path in bed.files() if path.suffix == ".json"]
            path = records[int(rng.integers(len(records)))]
            command = list(COMMANDS)[int(rng.integers(len(COMMANDS)))]
            yield Case(f"{path.relative_to(bed.results).parts[0]}: record", f"{payload} in {path.name}, {command}",
                       lambda p=path, n=number, w=payload, c=command: _recorded(
                           bed, folder, p, PAYLOADS[w], c, seed, n))  # fmt: skip


def places(value: Any, key: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Where the texts are in a JSON value; a key is the place that ends with None."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield (*key, name, None)
            yield from places(part, (*key, name))
    elif isinstance(value, list):
        for row, part in enumerate(value):
            yield from places(part, (*key, row))
    elif isinstance(value, str):
        yield key


def put(value: Any, key: tuple[object, ...], payload: str) -> None:
    """Put a text at a place."""
    if key[-1] is None:
        *way, name, _ = key
    else:
        *way, name = key
    for step in way:
        value = value[step]
    if key[-1] is None:
        value[payload] = value.pop(name)
    else:
        value[name] = payload


def _recorded(
    bed: ResultsBed, folder: Path, path: Path, payload: str, command: str, seed: int, number: int
) -> str | None:
    """A record with a payload in one of its names, or in the same name of all records that share it."""
    before = {each: each.read_bytes() for each in bed.files() if each.suffix == ".json"}
    value = json.loads(before[path])
    # Values leave schemas alone more often than keys.
    ways = [way for way in places(value) if way[0] not in {"digest", "table_digest"}]
    rng = chance(seed, number, "place")
    way = ways[int(rng.integers(len(ways)))]
    old = value
    for step in way:
        old = old if step is None else old[step]
    everywhere = isinstance(old, str) and rng.random() < 0.5
    try:
        for each, content in before.items():
            changed = json.loads(content)
            todo = [way] if each == path else []
            if everywhere:
                todo = [one for one in places(changed) if one[-1] is not None and _at(changed, one) == old]
            for one in todo:
                put(changed, one, payload)
            if todo:
                each.write_bytes(_signed(changed))
        return _looked(folder, bed.folder, COMMANDS[command], f"at {way}")
    finally:
        for each, content in before.items():
            each.write_bytes(content)


def _signed(value: dict[str, Any]) -> bytes:
    """A record with the digest of its content, as an attacker writes it."""
    try:
        return record_text(value).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def _at(value: Any, way: tuple[object, ...]) -> Any:
    for step in way:
        value = value[step]
    return value


def _configured(own: Project, folder: Path, path: Path, payload: str, seed: int, number: int) -> str | None:
    before = path.read_bytes()
    rng = chance(seed, number, "place")
    try:
        path.write_bytes(_with_payload(path, before, payload, rng))
        command = ["run", "--dry-run"] if rng.random() < 0.6 else ["tasks", "check"]
        if path.suffix == ".json":
            command = ["run", "--model", "tiny", "--tasks", "talk", "--no-cost"]
        return _looked(folder, own.folder, command, f"in {path.name}")
    finally:
        path.write_bytes(before)


def _with_payload(path: Path, content: bytes, payload: str, rng: Any) -> bytes:
    if path.suffix == ".tsv":
        cells = re.split(r"([\t\n])", content.decode())
        cells[2 * int(rng.integers(len(cells) // 2))] = payload
        return "".join(cells).encode("utf-8", "surrogatepass")
    lines = content.decode().splitlines()
    row = int(rng.integers(len(lines)))
    value = yaml.safe_load(content) if path.suffix == ".yaml" else json.loads(
        lines[row] if path.suffix == ".jsonl" else content
    )  # fmt: skip
    ways = list(places(value))
    put(value, ways[int(rng.integers(len(ways)))], payload)
    text = json.dumps(value)
    if path.suffix == ".jsonl":
        return "\n".join([*lines[:row], text, *lines[row + 1 :]]).encode()
    # JSON is YAML, but for its surrogates.
    return text.encode()


def _looked(folder: Path, inner: Path, words: list[str], where: str) -> str | None:
    """Run a command and look at all that it printed and wrote."""
    summary = inner / "summary.md"
    outside = listing(folder, inner)
    shutil.rmtree(inner / "out", ignore_errors=True)
    summary.unlink(missing_ok=True)
    (inner / "out").mkdir()
    inside = contents(inner)
    seen = call(inner, *words, environment={"GITHUB_STEP_SUMMARY": str(summary), "HOME": str(folder)})
    try:
        return (
            _prefixed(where, fault_of(seen))
            or _prefixed(where, _output_fault(words, seen))
            or next((found for found in _written(inner, inside, where)), None)
            or (f"{where}: the surroundings have changed: {listing(folder, inner) ^ outside}"
                if listing(folder, inner) != outside else None)
        )  # fmt: skip
    finally:
        for name in ("results", "cache") if words[0] == "run" else ("cache",):
            shutil.rmtree(inner / name, ignore_errors=True)


def _prefixed(where: str, fault: str | None) -> str | None:
    return None if fault is None else f"{where}: {fault}"


def _output_fault(words: list[str], seen: Outcome) -> str | None:
    if "csv" in words and seen.status == 0:
        for row in csv.reader(io.StringIO(seen.out)):
            for cell in row:
                if MARK in cell and cell.lstrip().startswith(("=", "+", "-", "@")):
                    return f"a cell runs: {cell!r}"
    if "json" in words and seen.status == 0:
        try:
            json.loads(seen.out)
        except ValueError as error:
            return f"not JSON: {error}"
    return _markdown_fault(seen.out) if "markdown" in words else None


def _markdown_fault(text: str) -> str | None:
    for pattern in (_HOSTILE_HTML, _HOSTILE_MARKDOWN, _LIST):
        if found := pattern.search(text):
            return f"Markdown acts: {text[max(found.start() - 60, 0) : found.end() + 60]!r}"
    return None


class _Tags(HTMLParser):
    """What a page has that a payload put there."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if any(name.startswith("on") and MARK in (value or "") for name, value in attrs):
            self.found.append(f"{tag} {attrs}")
        if any(name in {"src", "href"} and (value or "").startswith((f"javascript:{MARK}", f"https://{MARK}"))
               for name, value in attrs):  # fmt: skip
            self.found.append(f"{tag} {attrs}")


def _written(inner: Path, before: dict[str, bytes], where: str) -> Iterator[str]:
    """What is wrong with files that were written."""
    for path in files_of(inner):
        name = path.relative_to(inner).as_posix()
        if name.startswith("cache/") or before.get(name) == path.read_bytes() or path.suffix == ".parquet":
            continue
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        fault = text_fault(text) or text_fault(name)
        if path.suffix == ".md":
            fault = fault or _markdown_fault(text)
        if path.suffix == ".html":
            tags = _Tags()
            tags.feed(text)
            fault = fault or (f"a tag acts: {tags.found}" if tags.found else None)
        if path.suffix in {".html", ".svg"} and (found := _HOSTILE_HTML.search(text)):
            fault = fault or f"markup: {found[0]!r}"
        if path.suffix in {".svg", ".xml"}:
            try:
                xml.etree.ElementTree.fromstring(text)  # noqa: S314 - what bench wrote
            except xml.etree.ElementTree.ParseError as error:
                fault = fault or f"not XML: {error}"
        if fault is not None:
            yield f"{where}: {name}: {fault}"


def listing(folder: Path, inner: Path) -> set[str]:
    """Everything in a folder that is not in an inner one, and what a payload could make elsewhere."""
    around = {str(path) for path in folder.rglob("*") if inner not in (path, *path.parents)}
    return around | {str(path) for place in ("/tmp", "/") for path in Path(place).glob(f"*{MARK}*")}
