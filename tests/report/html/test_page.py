from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest
from support import quality_record

from bench.neutral import neutral
from bench.report.html.page import json_text
from bench.results.store import ResultStore

SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def test_the_same_results_give_the_same_bytes(sample, makers):
    assert makers.page_of(sample.store) == sample.html


def test_the_policy_allows_this_script_and_this_style_alone(sample):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', sample.html)[1].replace("&#39;", "'")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    for name, pattern in (("script-src", SCRIPT), ("style-src", STYLE)):
        (text,) = pattern.findall(sample.html)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules.pop(name) == f"'sha256-{digest}'"
    assert rules == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}


def test_nothing_comes_from_elsewhere(sample):
    around = DATA.sub("", sample.html)
    # The name of the SVG namespace is no address that is asked for anything.
    assert re.findall(r"https?://[^\s\"']+", around) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<(link|img|iframe|object|base)\b|@import|url\(", around)


@pytest.mark.parametrize(
    "text", ["</script><script>", "<!--<script>", "]]>", "a & b", "\u2028\u2029", "\\u003c", '"', "\0"]
)
def test_data_cannot_end_their_script(text):
    written = json_text({"name": text})
    assert json.loads(written) == {"name": neutral(text)}
    assert not set(written) & set("<>&\u2028\u2029\0")


def test_the_data_of_hostile_names_are_whole(tmp_path, makers):
    names = ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "__proto__", "javascript:alert(1)"]
    store = ResultStore(tmp_path)
    for place, name in enumerate(names):
        makers.write_quality(store, quality_record(name, fingerprint=f"{place:032x}", n=4))
    page = makers.page_of(store)
    (data,) = DATA.findall(page)
    assert sorted(json.loads(data)["models"]) == sorted(names)
    # The page's own two scripts, and not one more.
    assert page.count("<script") == page.count("</script>") == 2
    assert "onerror=alert(1)>" not in page


def test_a_large_board_stays_small(makers, tmp_path):
    """64,000 rows fit in 5 MB: so 320 of them, less what every page has, in 25 kB."""
    store = ResultStore(tmp_path)
    views = {(dim, precision): 0.5 + dim / 10_000 for dim in (1024, 512, 256, 128)
             for precision in ("float32", "float16", "int8", "binary")}  # fmt: skip
    makers.write_quality(store, quality_record("model-000", views={(1024, "float32"): 0.5}, width=1024, n=4))
    empty = len(makers.page_of(store))
    for model in range(20):
        scores = {view: value + model / 1000 for view, value in views.items()}
        makers.write_quality(
            store, quality_record(f"model-{model:03}", fingerprint=f"{model:032x}", views=scores, width=1024, n=4)
        )
    assert len(makers.page_of(store)) - empty < 25_000
