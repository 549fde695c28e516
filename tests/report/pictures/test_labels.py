from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.report.pictures.labels import Box, Wish, along, place

PLACES = st.lists(st.tuples(st.floats(0, 200), st.floats(0, 100)), min_size=1, max_size=12)
PAGE = Box(0, 0, 200, 100)
NOTHING = np.zeros((0, 2))


def wishes(places):
    return [Wish(f"label {number}", np.array([place]), 8) for number, place in enumerate(places)]


def distance(box, point):
    x = max(box.left - point[0], 0, point[0] - box.right)
    y = max(box.bottom - point[1], 0, point[1] - box.top)
    return (x * x + y * y) ** 0.5


@given(PLACES, PLACES)
def test_labels_keep_apart_stay_inside_and_cover_nothing(places, corners):
    line = along(*np.array(corners).T)
    labels = place(wishes(places), PAGE, np.array(places), line, NOTHING)
    for label in labels:
        assert label.box.within(PAGE)
        assert label.box.bottom <= label.y <= label.box.top
        assert all(distance(label.box, point) > 0 for point in line)
        # It is nobody else's: no other point is nearer by more than two points.
        own = distance(label.box, places[int(label.text.split()[1])])
        assert all(distance(label.box, point) >= max(2, own - 2) - 1e-9 for point in places)
    for one, two in itertools.combinations(labels, 2):
        assert not one.box.overlaps(two.box)


def test_a_label_without_room_is_left_out():
    crowd = np.array(list(itertools.product(range(0, 201, 4), range(0, 101, 4))), dtype=float)
    assert place(wishes([(100, 50)]), PAGE, crowd, NOTHING, NOTHING) == []
    assert place(wishes([(100, 50)]), Box(90, 45, 110, 55), NOTHING, NOTHING, NOTHING) == []


def test_the_first_wish_has_the_first_choice():
    alone = place(wishes([(100, 50)]), PAGE, NOTHING, NOTHING, NOTHING)
    both = place(wishes([(100, 50), (100, 50)]), PAGE, NOTHING, NOTHING, NOTHING)
    assert both[0] == alone[0]
    assert len(both) == 2


def test_clutter_is_avoided_but_does_not_forbid():
    above_left = place(wishes([(100, 50)]), PAGE, NOTHING, NOTHING, NOTHING)[0].box
    spot = np.array([[(above_left.left + above_left.right) / 2, (above_left.bottom + above_left.top) / 2]])
    assert distance(place(wishes([(100, 50)]), PAGE, NOTHING, NOTHING, spot)[0].box, spot[0]) > 0
    everywhere = np.array(list(itertools.product(range(201), range(101))), dtype=float)
    assert len(place(wishes([(100, 50)]), PAGE, NOTHING, NOTHING, everywhere)) == 1


def test_another_anchor_serves_where_the_first_has_no_room():
    wish = Wish("far", np.array([[500.0, 500.0], [100.0, 50.0]]), 8)
    assert len(place([wish], PAGE, NOTHING, NOTHING, NOTHING)) == 1


@given(PLACES)
def test_points_along_a_line_are_close_and_hold_its_corners(corners):
    points = along(*np.array(corners).T)
    for corner in corners:
        assert min(np.hypot(*(points - corner).T)) < 1e-9
    length = sum(np.hypot(*np.subtract(*pair)) for pair in itertools.pairwise(corners))
    assert length / 3 <= len(points) <= length / 3 + len(corners) + 1
