"""Thin straight things in photos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.lines import Line, find_lines, sample

SHAPE = (240, 320)


def drawn(start: tuple[float, float], end: tuple[float, float], width: float, noise: float = 0.0) -> np.ndarray:
    """(H, W) how likely a line is there that is drawn with soft edges."""
    large = np.zeros((SHAPE[0] * 8, SHAPE[1] * 8), np.uint8)
    ends = [tuple(round((value + 0.5) * 8) for value in point) for point in (start, end)]
    cv2.line(large, *ends, 255, round(width * 8))
    share = cv2.resize(large, SHAPE[::-1], interpolation=cv2.INTER_AREA) / np.float32(255)
    off = np.abs(np.random.default_rng(5).normal(0, noise, SHAPE)) if noise else 0
    return np.clip(share * (1 - off) + (1 - share) * off, 0, 1).astype(np.float32)


def lines(likely: np.ndarray, colour: np.ndarray | None = None) -> list[Line]:
    return find_lines(np.zeros((*likely.shape, 3), np.float32) if colour is None else colour, likely)


def off_px(line: Line, points: Iterable[Sequence[float] | np.ndarray]) -> float:
    return max(abs(float((np.array(point) - line.start) @ line.across)) for point in points)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, np.pi), st.floats(1.5, 4), st.floats(110, 200))
def test_a_line_is_found_where_it_is(angle: float, width: float, length: float) -> None:
    middle, half = np.array([160.0, 120.0]), np.array([np.cos(angle), np.sin(angle)]) * length / 2
    start, end = tuple(middle - half), tuple(middle + half)
    line, *others = lines(drawn(start, end, width))
    ends = [(other.start, other.start + other.length * other.along) for other in others]
    assert all(off_px(line, both) < width for both in ends), "what else is found lies on it"
    assert off_px(line, (start, end)) < width / 2
    assert abs(line.length - length) < 2 * width + 4
    assert line.rims[1] - line.rims[0] == pytest.approx(width, abs=2)
    assert line.seen.mean() > 0.95


def test_a_thick_pole_is_a_line() -> None:
    likely = np.zeros((720, 1280), np.float32)
    likely[100:620, 640:657] = 0.9  # 17 px
    likely[100:620, 640:646] = 0.6
    (line,) = lines(likely)
    assert line.rims == pytest.approx((-9, 9), abs=3)
    assert abs(line.length - 520) < 30
    assert off_px(line, ((648, 100), (648, 620))) < 4


def test_a_line_goes_on_behind_what_hides_it() -> None:
    likely = drawn((40, 60), (280, 180), 3)
    cv2.circle(likely, (160, 120), 15, 0, -1)
    line = lines(likely)[0]
    assert line.length > 220
    assert not line.seen[len(line.seen) // 2 - 5 : len(line.seen) // 2 + 5].any()


@pytest.mark.parametrize(
    "likely",
    [
        drawn((160, 120), (190, 120), 3),
        drawn((40, 60), (280, 180), 30),
        np.random.default_rng(2).uniform(0, 1, SHAPE).astype(np.float32),
        np.repeat((np.arange(320) < 160).astype(np.float32)[None], 240, 0),
        np.zeros(SHAPE, np.float32),
        0.05 * drawn((40, 60), (280, 180), 3),
    ],
    ids=["short", "thick", "noise", "the edge of something", "nothing", "unlikely"],
)
def test_nothing_else_is_a_line(likely: np.ndarray) -> None:
    assert not lines(likely)


def test_lines_of_other_colours_do_not_go_on_in_one_another() -> None:
    likely = drawn((20, 120), (300, 120), 3)
    likely[:, 150:170] = 0
    colour = np.zeros((*SHAPE, 3), np.float32)
    assert lines(likely, colour)[0].length > 250
    colour[:, 160:] = 0.8
    assert max(line.length for line in lines(likely, colour)) < 150


def test_a_line_is_found_as_far_as_it_is_straight() -> None:
    """Wires turn where they leave the photo, whose edge is repeated around it, and seem to waver where they do not."""
    x, turn = np.arange(20, 790), 720
    y = 60 + 0.1 * (np.minimum(x, turn) - 20) + 0.5 * np.sin(0.4 * x)
    likely = np.zeros((240, 810), np.uint8)
    cv2.polylines(likely, [np.round(np.stack([x, y], 1) * 16).astype(np.int32)], False, 255, 3, cv2.LINE_AA, 4)
    line = lines(likely / np.float32(255))[0]
    assert off_px(line, ((20, 60), (turn, 130))) < 1.5
    assert line.length == pytest.approx(np.hypot(turn - 20, 70), abs=40)
    assert line.length > turn


def test_a_circle_is_no_line() -> None:
    likely = np.zeros(SHAPE, np.uint8)
    cv2.circle(likely, (160, 120), 60, 255, 2, cv2.LINE_AA)
    assert not lines(likely / np.float32(255))


def test_noise_does_not_hide_a_line() -> None:
    assert off_px(lines(drawn((40, 60), (280, 180), 3, noise=0.04))[0], ((40, 60), (280, 180))) < 1


def test_two_lines_that_cross_are_two() -> None:
    found = lines(np.maximum(drawn((40, 60), (280, 180), 3), drawn((40, 180), (280, 60), 3)))
    assert sorted(round(float(np.sign(line.along[1] * line.along[0]))) for line in found[:2]) == [-1, 1]
    assert min(line.length for line in found[:2]) > 240


def side_by_side(gap: float) -> np.ndarray:
    return np.maximum(drawn((40, 100), (280, 110), 2), drawn((60, 102.8 + gap), (280, 112 + gap), 2))


def test_lines_close_beside_one_another_are_a_bundle() -> None:
    bundle, *_ = lines(side_by_side(3))
    assert bundle.bundle
    assert bundle.rims[1] - bundle.rims[0] == pytest.approx(7, abs=1.5)
    assert bundle.length == pytest.approx(240, abs=6)
    assert bundle.seen.mean() > 0.95


def test_lines_farther_apart_are_not() -> None:
    found = lines(side_by_side(9))
    assert len(found) >= 2 and not any(line.bundle for line in found)


def test_samples_are_taken_beside_places() -> None:
    plane = np.arange(20, dtype=np.float32).reshape(4, 5)
    places = np.array([[1.0, 1.0], [4.0, 3.0]])
    np.testing.assert_array_equal(sample(plane, places, np.array([1.0, 0.0]), 1), [7, 19])
