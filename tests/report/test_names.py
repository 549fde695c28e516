from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.names import heading_anchor, page_names

# Characters that file systems treat alike, or that safe_name replaces.
NAMES = st.lists(st.text(alphabet="aA_/.-1", max_size=5))


@given(NAMES)
def test_every_name_has_a_file_of_its_own_whatever_the_case(names):
    found = page_names(names)
    assert set(found) == set(names)
    assert len({page.casefold() for page in found.values()}) == len(found)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", page) for page in found.values())


@given(NAMES)
def test_files_do_not_depend_on_the_order_of_names(names):
    assert page_names(names) == page_names(reversed(names))


def test_names_are_kept_where_nothing_forbids_it():
    assert page_names(["mini", "org/Model-1.5"]) == {"mini": "mini", "org/Model-1.5": "org_Model-1.5"}


def test_a_name_that_looks_like_anothers_digest_is_told_apart():
    taken = page_names(["a/b", "a_b"])["a/b"]
    assert len({page.casefold() for page in page_names(["a/b", "a_b", taken]).values()}) == 3


def test_long_names_that_differ_at_the_end_are_told_apart():
    found = page_names(["x" * 100 + "1", "x" * 100 + "2"])
    assert len(set(found.values())) == 2


@pytest.mark.parametrize(
    ("title", "anchor"),
    [
        ("Columns", "#columns"),
        ("hardware_store (test)", "#hardware_store-test"),
        ("sts17 en-ar (test)", "#sts17-en-ar-test"),
        ("sts17 (test), mean over 6 subsets", "#sts17-test-mean-over-6-subsets"),
    ],
)
def test_anchors_are_those_that_github_gives(title, anchor):
    assert heading_anchor(title) == anchor
