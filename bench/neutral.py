"""Text from files without the characters that a terminal, a log, a CI runner or a spreadsheet acts on."""

from __future__ import annotations

import re
from typing import Any, TypeVar

Value = TypeVar("Value")

# Controls above ASCII's first, separators of lines, surrogates, noncharacters and Unicode's default ignorable
# characters: bidirectional overrides, isolates and marks, zero-width characters, fillers, variation selectors, tags.
_FORBIDDEN = (
    "\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(f"{chr(i + 0xFFFE)}{chr(i + 0xFFFF)}" for i in range(0x10000, 0x110000, 0x10000))
)
_PICTURE = "\xa9\xae\u203c-\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_EMOJI = f"[{_PICTURE}](?:\ufe0f|[\U0001f3fb-\U0001f3ff])?"
_IDEOGRAPH = "\u2e80-\u2fff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_JOINED = (
    "\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u17b3\u17b6-\u17ff\u1820-\u18af\ua8e0-\ua8ff\U00010a00-\U00011fff"
)

# Sequences in which an invisible character decides how its neighbours look.
_KEPT = re.compile(
    f"\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{{3,6}}\U000e007f"  # flags of regions
    f"|[0-9#*]\ufe0f?\u20e3"  # keycaps
    f"|[{_PICTURE}]\ufe0e"
    f"|{_EMOJI}(?:\u200d{_EMOJI})*"
    f"|[{_IDEOGRAPH}][\ufe00-\ufe02\U000e0100-\U000e01ef]"
    f"|(?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])"
    f"|(?P<forbidden>[\x00-\x1f{_FORBIDDEN}])"
)
# By whether line feeds are allowed, and whether the text is ASCII, which is searched ten times as fast.
_SEARCHED = {
    (lines, ascii_only): re.compile(f"[{controls}{further}]")
    for lines, controls in ((False, "\x00-\x1f"), (True, "\x00-\x09\x0b-\x1f"))
    for ascii_only, further in ((False, _FORBIDDEN), (True, "\x7f"))
}
_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)  # a workflow command of GitHub
_MARKED_COMMAND = re.compile(r"#(?=#(?:\[|vso\[|teamcity\[))", re.IGNORECASE)  # of a runner, anywhere in a line
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?%?|-")
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")


def neutral(text: str, *, lines: bool = False) -> str:
    r"""Text in which what would act on its reader is shown instead: ESC as `\x1b`, an override as `\u202e`.

    Letters of every script, emoji and their sequences stay as they are. A start that a CI runner takes for a command
    (`::`, `##[`) is shown with its first character escaped.

    Args:
        text: Any text.
        lines: Keep line feeds, for text of several lines that the program made up; without it they are shown as `\n`.
    """
    if _SEARCHED[lines, text.isascii()].search(text):
        if lines:
            text = text.replace("\r\n", "\n")
        text = _KEPT.sub(lambda found: _shown(found, lines), text)
    if "::" in text:
        text = _COMMAND.sub(r"\1\\x3a", text)
    return _MARKED_COMMAND.sub(r"\\x23", text) if "##" in text else text


def neutral_json(text: str) -> str:
    """A JSON document whose strings show as escapes what `neutral` would show; it reads as the same values."""
    if _SEARCHED[True, text.isascii()].search(text):
        text = _KEPT.sub(lambda found: found[0] if found["forbidden"] in (None, "\n") else _json_escape(found[0]), text)
    return _MARKED_COMMAND.sub(r"\\u0023", text) if "##" in text else text


def neutral_values(value: Any) -> Any:
    """A JSON value in which every text, and every key, is neutral."""
    if isinstance(value, dict):
        return {neutral_values(key): neutral_values(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [neutral_values(inner) for inner in value]
    return neutral(value) if isinstance(value, str) else value


def spreadsheet_cell(value: Value, *, lines: bool = False) -> Value | str:
    """A cell of a CSV for people: neutral text that no spreadsheet runs as a formula; numbers stay numbers.

    Args:
        value: The cell.
        lines: Whether line ends in a text stay.
    """
    if not isinstance(value, str):
        return value
    text = neutral(value, lines=lines)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _shown(found: re.Match[str], lines: bool) -> str:
    character = found["forbidden"]
    if character is None or (lines and character == "\n"):
        return found[0]
    return _SHORT.get(character) or _escape(ord(character))


def _escape(code: int) -> str:
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
