"""Texts that hold HTML: which ones do, and what they say without it."""

from __future__ import annotations

import html
import re
import warnings
from collections.abc import Iterator, Sequence
from html.entities import html5
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError

if TYPE_CHECKING:
    from bs4.element import PageElement, Tag

# Elements whose names are no words, so that a single `<div>` is markup.
_NAMES = frozenset(
    "blockquote body br center col colgroup dd div dl dt em fieldset figcaption font h1 h2 h3 h4 h5 h6 head hr html "
    "iframe img li nobr noscript ol p pre script span strong style table tbody td tfoot th thead tr tt ul wbr".split()
)
# Elements that are also words or letters: `<input>` and `a<b>c` may be meant as they stand, `<b>c</b>` may not.
_WORDS = frozenset(
    "a abbr acronym address area article aside audio b base bdi bdo big button canvas caption cite code data datalist "
    "del details dfn dialog embed figure footer form header hgroup i input ins kbd label legend link main map mark "
    "math menu meta meter nav object optgroup option output param picture progress q rp rt ruby s samp section select "
    "slot small source strike sub summary sup svg template textarea time title track u var video".split()
)
# Elements within a line: they do not part words.
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s samp small "
    "span strike strong sub sup time tt u var wbr".split()
)
_NOT_SHOWN = frozenset("script style template".split())
_BARE = "allowfullscreen async autofocus autoplay checked controls defer disabled hidden ismap loop multiple muted"
_BARE += " nomodule noshade novalidate nowrap open readonly required reversed selected"

_VALUE = r"""\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+)"""
_ATTRIBUTE = rf"""(?:[^\s"'<>/=]+{_VALUE}|[^\s"'<>/=]+-[^\s"'<>/=]+|(?:{_BARE.replace(" ", "|")})(?=[\s/>]))"""
# Word's own elements, such as `<o:p>`, have a prefix.
_NAME = r"(?:(?:[ovwm]|st1):)?[a-z][a-z0-9]*"
_TAG = rf"<(?P<end>/?)(?P<name>{_NAME})(?P<attributes>(?:\s+{_ATTRIBUTE})*)\s*/?>"
_ENTITY = r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});"
_TOKEN = re.compile(rf"{_TAG}|(?P<comment><!--)|<!doctype\b[^<>]*>|(?P<entity>{_ENTITY})", re.IGNORECASE)
_CLOSED = re.compile(rf"</({_NAME})\s*>", re.IGNORECASE)


def markup_examples(texts: Sequence[str]) -> list[int]:
    """Indices of the texts that hold tags, comments or entities of HTML.

    Tags are those of HTML's elements. One whose name is also a word or letter, such as `<input>` or `<b>`, is a tag
    where it has attributes or is closed. Entities end in a semicolon.
    """
    return [index for index, text in enumerate(texts) if markup_start(text) is not None]


def markup_start(text: str) -> int | None:
    """Where the first markup of a text begins; None where it holds none."""
    first = next(_markup(text), None)
    return None if first is None else first.start()


def plain_text_of(text: str) -> str:
    """What a text says without HTML (see markup_examples for what counts as such).

    A text without markup is returned unchanged. In others runs of whitespace, `&nbsp;` among them, become one space,
    and none is left at the ends. Elements other than those within a line part words. Scripts, styles, templates and
    comments are left out, entities are decoded once, and characters that are no markup stay as they are.

    Raises:
        BenchError: The package beautifulsoup4 is missing.
    """
    if markup_start(text) is None:
        return text
    try:
        from bs4 import BeautifulSoup
    except ImportError as error:
        raise BenchError(
            "reading texts with HTML as plain text needs the Python package `beautifulsoup4`",
            hint="pip install 'mrl-bench[data]'",
        ) from error
    with warnings.catch_warnings():
        # A text that looks like an address is one here.
        warnings.simplefilter("ignore")
        soup = BeautifulSoup(_unambiguous(text), "html.parser")
    return " ".join("".join(_pieces(soup)).split())


def _markup(text: str) -> Iterator[re.Match[str]]:
    """The tags, beginnings of comments and entities of a text."""
    if "<" not in text and "&" not in text:
        return
    closed = {name.lower() for name in _CLOSED.findall(text)}
    last_end = text.rfind("-->")
    position = 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        if match["comment"] is not None:
            if match.end() > last_end:
                continue
            position = text.index("-->", match.end()) + 3
        elif match["name"] is not None:
            name = match["name"].lower()
            written = match["end"] or match["attributes"] or name in closed
            if not (name in _NAMES or ":" in name or (name in _WORDS and written)):
                position = match.start() + 1
                continue
        elif match["entity"] is not None and match["entity"][1] != "#" and match["entity"][1:] not in html5:
            continue
        yield match


def _unambiguous(text: str) -> str:
    """The same markup, written so that no parser takes anything else for markup."""
    parts = []
    position = 0
    for match in _markup(text):
        parts.append(_escaped(text[position : match.start()]))
        position = match.end()
        if match["comment"] is not None:
            position = text.index("-->", match.end()) + 3
        elif match["entity"] is not None:
            parts.append(_escaped(html.unescape(match["entity"])))
        else:
            parts.append(match[0])
    return "".join([*parts, _escaped(text[position:])])


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _pieces(element: Tag) -> Iterator[str]:
    """The texts below an element in order, with a space where an element parts words."""
    from bs4.element import NavigableString, Tag

    # With a stack of its own: markup may be nested more deeply than Python's calls.
    todo: list[PageElement | str] = [element]
    while todo:
        item: Any = todo.pop()
        if isinstance(item, Tag):
            if item.name in _NOT_SHOWN:
                continue
            space = [] if item.name in _INLINE or ":" in item.name else [" "]
            todo += [*space, *reversed(item.contents), *space]
        elif type(item) in (str, NavigableString):
            yield str(item)
