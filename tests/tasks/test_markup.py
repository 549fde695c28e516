"""Texts with HTML: recognised, and read as plain text."""

from __future__ import annotations

import html
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.tasks.markup import markup_examples, plain_text_of

PLAIN = [
    "a < b",
    "if x<3 and y>2",
    "if a<b and c>d",
    "for (i=0; i<b && a>1; i++)",
    "a<b>c",
    "vector<int> and List<String>",
    "cp <input> <output>",
    "AT&T, R&D; Q&A",
    "?a=1&copy=2&lt=3",
    "&nosuchentity; &#; &;",
    "I <3 it -->",
    "<!-- never closed",
    "line 1\n\n  line 2 ",
    "<>",
    "</>",
]
MARKED = [
    ("<p>a</p><p>b</p>", "a b"),
    ("a<br>b<BR/>c", "a b c"),
    ("<b>bo</b>ld and <i class='x'>it</i>alic", "bold and italic"),
    ("<ul><li>one<li>two</ul>", "one two"),
    ("<table><tr><td>1</td><td>2</td></tr></table>", "1 2"),
    ("<h1>Title</h1>text", "Title text"),
    ('<a href="https://x.org/?a=1&b=2">the link</a>.', "the link."),
    ('<img src="x.png" alt="a > b">after', "after"),
    ("<script>if (a<b) document.write('<p>no</p>')</script>yes", "yes"),
    ("<style>p > a {}</style><template><p>no</p></template>yes", "yes"),
    ("a<!-- no <b>no</b> -->b", "ab"),
    ("<!DOCTYPE html><html><body>x</body></html>", "x"),
    ("Tom &amp; Jerry", "Tom & Jerry"),
    ("&amp;lt;p&amp;gt;", "&lt;p&gt;"),
    ("&lt;p&gt; is a tag", "<p> is a tag"),
    ("&#8364;5&nbsp;&nbsp;or&#x20AC;6 &hellip;", "€5 or€6 …"),
    ("<p>if x<3 and y>2, a < b</p>", "if x<3 and y>2, a < b"),
    ("<p>vector<int> v; AT&T &copy 2</p>", "vector<int> v; AT&T &copy 2"),
    ("<p>\n  a\n  b\t</p>", "a b"),
    ("<o:p></o:p>word", "word"),
    ("<div><div>cut <a href=x>off", "cut off"),
    ("<p></p>", ""),
    ("http://a.org/x?y=1&amp;z=2", "http://a.org/x?y=1&z=2"),
]


@pytest.mark.parametrize("text", PLAIN)
def test_text_without_markup_stays_as_it_is(text):
    assert markup_examples([text]) == []
    assert plain_text_of(text) == text


@pytest.mark.parametrize(("text", "plain"), MARKED)
def test_markup_is_read_as_a_page_shows_it(text, plain):
    assert markup_examples(["plain", text]) == [1]
    assert plain_text_of(text) == plain


@given(st.text(alphabet=st.characters(exclude_characters="<&")))
def test_text_that_cannot_hold_markup_is_unchanged(text):
    assert markup_examples([text]) == []
    assert plain_text_of(text) == text


@given(st.text(), st.sampled_from(["p", "div", "b", "h2", "li", "code"]))
def test_escaped_text_in_tags_gives_the_text_back(text, name):
    page = f"<{name} class='x'>{html.escape(text)}</{name}>"
    assert plain_text_of(page) == " ".join(text.split())


PIECES = st.sampled_from(
    [*"<>&;/!-='\" ab", "<p>", "</p>", "<b>", "</b>", "&lt;", "&amp;", "<!--", "-->", "<br/>", "x=1"]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_what_is_no_markup_is_found_in_the_plain_text(text):
    if not markup_examples([text]):
        assert plain_text_of(text) == text
    else:
        assert len(plain_text_of(text)) < len(text)


@pytest.mark.parametrize("part", ["<!--", "<a ", "<a x='", "<p>", "<div><b>", "-->" + "<!--", "&", "<a x=y "])
def test_odd_texts_take_no_long_time_and_no_deep_stack(part):
    assert "\0" not in plain_text_of(part * 20_000)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "bs4", None)
    assert plain_text_of("a < b") == "a < b"
    with pytest.raises(BenchError, match="beautifulsoup4") as error:
        plain_text_of("<p>a</p>")
    assert error.value.hint == "pip install 'mrl-bench[data]'"
