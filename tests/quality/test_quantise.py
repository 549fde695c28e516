"""Codes, the values they stand for, and rows whose dot products are scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.errors import BenchError
from bench.vectors.quantise import Quantiser, fit, ranges, unit
from bench.views import PRECISIONS, View

MATRICES = arrays(np.float32, st.tuples(st.integers(1, 8), st.just(6)), elements=st.floats(-2, 2, width=32))
VIEWS = [View(dim, precision) for dim in (1, 3, 6) for precision in PRECISIONS]


def as_float32(*rows):
    return np.array(rows, dtype=np.float32)


def products(first, second):
    """The scores that two lots of comparable rows stand for, shape (n, m)."""
    return first.directions @ second.directions.T * first.weights[:, None] * second.weights


def test_a_cut_is_normalised_again():
    # (3, 4, 12) / 13 cut to two dimensions is (3, 4) / 13, of length 5/13: (.6, .8).
    vectors = as_float32([3, 4, 12]) / np.float32(13)
    found = Quantiser(View(2), "cosine").cut(vectors)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0.6, 0.8]], rtol=1e-6)


def test_a_cut_keeps_lengths_where_the_dot_product_counts():
    assert Quantiser(View(2), "dot").cut(as_float32([3, 4, 12])).tolist() == [[3, 4]]


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_full_width_is_left_as_it_is(similarity):
    vectors = as_float32([3, 4, 12])
    assert Quantiser(View(3), similarity).cut(vectors).tolist() == [[3, 4, 12]]


@settings(max_examples=50, deadline=None)
@given(MATRICES, st.integers(1, 5))
def test_cut_rows_have_length_1_or_0(vectors, dim):
    lengths = np.linalg.norm(Quantiser(View(dim), "cosine").cut(vectors), axis=1)
    np.testing.assert_allclose(lengths, (vectors[:, :dim] != 0).any(axis=1), atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(MATRICES)
def test_float16_is_numpys_cast(vectors):
    quantiser = fit(View(6, "float16"), "dot", [vectors])
    codes = quantiser.codes(vectors)
    assert codes.dtype == np.float16
    assert (codes == vectors.astype(np.float16)).all()
    assert (quantiser.values(codes) == vectors.astype(np.float16).astype(np.float32)).all()


@pytest.mark.parametrize("value", [65505, -1e6, np.inf])
def test_float16_refuses_values_beyond_its_range(value):
    with pytest.raises(BenchError, match="beyond the range of float16"):
        Quantiser(View(2, "float16"), "dot").codes(as_float32([1, 2], [value, 3]))


def test_float16_takes_its_largest_value():
    assert Quantiser(View(2, "float16"), "dot").codes(as_float32([65504, -65504])).tolist() == [[65504, -65504]]


def test_the_float16_hint_is_true_of_dot_products():
    with pytest.raises(BenchError) as caught:
        Quantiser(View(2, "float16"), "dot").codes(as_float32([1e6, 2, 3]))
    assert "normalises" not in caught.value.hint


def test_int8_by_hand():
    # Range 0 .. 255, so a step is 1: value v becomes code v - 128.
    quantiser = fit(View(1, "int8"), "dot", [as_float32([0], [255])])
    codes = quantiser.codes(as_float32([0], [1], [127.4], [127.6], [255]))
    assert codes.dtype == np.int8
    assert codes[:, 0].tolist() == [-128, -127, -1, 0, 127]
    assert quantiser.values(codes)[:, 0].tolist() == [0, 1, 127, 128, 255]


def test_int8_cuts_off_values_outside_the_corpus_range():
    quantiser = fit(View(1, "int8"), "dot", [as_float32([0], [255])])
    assert quantiser.codes(as_float32([-50], [1000]))[:, 0].tolist() == [-128, 127]


@settings(max_examples=100, deadline=None)
@given(MATRICES)
def test_int8_values_lie_within_half_a_step(vectors):
    quantiser = fit(View(6, "int8"), "dot", [vectors])
    found = quantiser.values(quantiser.codes(vectors))
    span = vectors.max(axis=0) - vectors.min(axis=0)
    # Beside half a step of span / 255, float32's own rounding of values up to 4.
    assert (np.abs(found - vectors) <= span / 510 + 1e-6).all()


def test_int8_ranges_come_from_all_blocks_of_the_corpus():
    quantiser = fit(View(2, "int8"), "dot", [as_float32([1, 5, 9], [2, 4, 9]), as_float32([0, 4.5, 9])])
    assert quantiser.ranges.low.tolist() == [0, 4]
    assert quantiser.ranges.high.tolist() == [2, 5]


def test_ranges_merge():
    blocks = [as_float32([1, 5, 9], [2, 4, 9]), as_float32([0, 4.5, 9])]
    first, second = (ranges(View(2, "int8"), "dot", block) for block in blocks)
    assert first.low.tolist() == [1, 4]
    assert first.merged(second).low.tolist() == second.merged(first).low.tolist() == [0, 4]
    assert first.merged(second).high.tolist() == second.merged(first).high.tolist() == [2, 5]


def test_int8_ranges_are_those_of_the_cut_vectors():
    # Cut to two dimensions, both are unit vectors: (.6, .8) and (1, 0).
    quantiser = fit(View(2, "int8"), "cosine", [as_float32([3, 4, 12], [7, 0, 1])])
    np.testing.assert_allclose(quantiser.ranges.low, [0.6, 0], rtol=1e-6)
    np.testing.assert_allclose(quantiser.ranges.high, [1, 0.8], rtol=1e-6)


def test_the_same_vector_has_the_same_code_in_a_query_and_in_the_corpus():
    rng = np.random.default_rng(0)
    corpus = rng.normal(size=(20, 6)).astype(np.float32)
    quantiser = fit(View(4, "int8"), "cosine", [corpus])
    together = quantiser.comparable(corpus)
    for row in range(20):
        alone = quantiser.comparable(corpus[[row]])
        assert (alone.directions == together.directions[row]).all()
        assert alone.weights == together.weights[row]


def test_a_constant_dimension_keeps_its_value():
    vectors = as_float32([0.25, 0], [0.25, 1])
    quantiser = fit(View(2, "int8"), "dot", [vectors])
    assert quantiser.codes(vectors).tolist() == [[-128, -128], [-128, 127]]
    assert quantiser.values(quantiser.codes(vectors)).tolist() == vectors.tolist()
    # A query's other value there cannot be told from it.
    assert quantiser.values(quantiser.codes(as_float32([9, 0]))).tolist() == [[0.25, 0]]


def test_int8_without_ranges_is_refused():
    with pytest.raises(ValueError, match="ranges"):
        Quantiser(View(2, "int8"), "dot").codes(as_float32([1, 2]))


def test_binary_codes_are_signs():
    quantiser = fit(View(3, "binary"), "cosine", [])
    codes = quantiser.codes(as_float32([0.5, -0.1, 0]))
    assert codes.dtype == bool
    assert codes.tolist() == [[True, False, False]]
    assert quantiser.values(codes).tolist() == [[1, -1, -1]]


@settings(max_examples=50, deadline=None)
@given(MATRICES, MATRICES, st.integers(1, 6))
def test_binary_score_counts_different_signs(first, second, dim):
    quantiser = fit(View(dim, "binary"), "cosine", [])
    scores = products(quantiser.comparable(first), quantiser.comparable(second))
    hamming = (quantiser.codes(first)[:, None] != quantiser.codes(second)[None]).sum(axis=2)
    np.testing.assert_allclose(scores, 1 - 2 * hamming / dim, rtol=1e-15)
    # Whole numbers are summed without an error.
    assert set(np.unique(quantiser.comparable(first).directions)) <= {-1, 1}


@settings(max_examples=50, deadline=None)
@given(MATRICES, st.sampled_from([1, 3, 6]), st.sampled_from(["float32", "float16", "int8"]))
def test_cosine_rows_have_length_1(vectors, dim, precision):
    quantiser = fit(View(dim, precision), "cosine", [vectors])
    values = quantiser.values(quantiser.codes(vectors))
    found = quantiser.comparable(vectors)
    lengths = np.linalg.norm(found.directions, axis=1)
    assert (found.weights == 1).all()
    # Each of at most 6 values is rounded by half a step of 2^-26.
    np.testing.assert_allclose(lengths, (values != 0).any(axis=1), atol=2**-27 * 6**0.5 + 1e-12)


@settings(max_examples=50, deadline=None)
@given(MATRICES, st.sampled_from([1, 3, 6]), st.sampled_from(PRECISIONS), st.randoms())
def test_products_of_directions_do_not_depend_on_the_order_of_the_sum(vectors, dim, precision, random):
    found = fit(View(dim, precision), "cosine", [vectors]).comparable(vectors).directions
    order = random.sample(range(dim), dim)
    assert (found @ found.T == found[:, order] @ found[:, order].T).all()
    # Exactly: Python's whole numbers give the same.
    whole = [[int(value * 2**26) for value in row] for row in found]
    exact = [[sum(a * b for a, b in zip(x, y, strict=True)) / 2**52 for y in whole] for x in whole]
    assert (found @ found.T).tolist() == exact


def test_dot_products_are_those_of_the_values():
    vectors = as_float32([3, 4], [1, -2])
    found = fit(View(2), "dot", []).comparable(vectors)
    # 3 * 1 + 4 * -2 = -5; lengths 25 and 5.
    # The grid of 2^-26 moves a direction of 2 dimensions by 2^-26.5 at most, and a product by twice that.
    np.testing.assert_allclose(products(found, found), [[25, -5], [-5, 5]], atol=25 * 2**-25.5)
    np.testing.assert_allclose(found.weights, [5, np.sqrt(5)], rtol=1e-15)


@pytest.mark.parametrize("view", VIEWS, ids=str)
@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_zero_vectors_give_no_nan(view, similarity):
    # The second row is zero in the leading dimensions only; alone, zeros make every int8 range a point.
    some = as_float32([0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 2, 3], [1, 2, 3, 4, 5, 6])
    for corpus in (some, some[:1]):
        quantiser = fit(view, similarity, [corpus])
        assert np.isfinite(quantiser.values(quantiser.codes(some))).all()
        found = quantiser.comparable(some)
        assert np.isfinite(found.directions).all()
        assert np.isfinite(found.weights).all()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_codes_take_the_bytes_that_the_view_states(precision):
    view = View(6, precision)
    codes = fit(view, "cosine", [np.ones((1, 6), dtype=np.float32)]).codes(np.ones((1, 6), dtype=np.float32))
    # Binary codes are packed for storage: 6 bits are 1 byte.
    stored = np.packbits(codes, axis=1) if precision == "binary" else codes
    assert stored.nbytes == view.bytes_per_vector


def test_unit_by_hand():
    rows, lengths = unit(as_float32([3, 4], [0, 0]))
    assert rows.tolist() == [[0.6, 0.8], [0, 0]]
    assert lengths.tolist() == [5, 0]
