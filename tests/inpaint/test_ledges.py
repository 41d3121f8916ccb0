"""What hangs between two surfaces since depth was made sharp joins the one that it looks like."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.chains import find_tears
from inpaint.layers import build_layers
from inpaint.ledges import join_ledges
from inpaint.sight import Sight
from inpaint.tears import steepest_steps
from tests.scenes import calm_fill, cases

HEIGHT, WIDTH = 240, 320
BUDGET_PX = 22.0
BODY, HEAD = np.s_[130:240, 110:210], np.s_[92:130, 142:178]
WALL, MIDDLE, NEAR = 0.1, 0.5, 0.9
GREY, BROWN, HAIR = (0.6, 0.6, 0.6), (0.4, 0.25, 0.1), (0.2, 0.1, 0.05)
BLUR_PX = 8.0


def person(head: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sharp disparity of a brown body before a grey wall whose head is halfway, the same blurred, and colours."""
    q = np.full((HEIGHT, WIDTH), WALL, np.float32)
    rgb = np.full((HEIGHT, WIDTH, 3), GREY, np.float32)
    q[HEAD], rgb[HEAD] = MIDDLE, head
    q[BODY], rgb[BODY] = NEAR, BROWN
    return q, cv2.GaussianBlur(q, (0, 0), BLUR_PX), rgb


@pytest.mark.parametrize(("colour", "level"), [(BROWN, NEAR), (HAIR, NEAR), (GREY, WALL)])
def test_a_ledge_joins_the_surface_of_its_colour(colour: tuple[float, float, float], level: float) -> None:
    q, blurred, rgb = person(colour)
    joined = join_ledges(q, steepest_steps(blurred), rgb, BUDGET_PX)
    np.testing.assert_allclose(joined[HEAD], level, atol=1e-5)
    rest = np.ones(q.shape, bool)
    rest[HEAD] = False
    np.testing.assert_array_equal(joined[rest], q[rest])


def test_nothing_tears_a_head_off_its_body_any_more() -> None:
    q, blurred, rgb = person(HAIR)
    neck = np.s_[129, HEAD[1]]
    assert not find_tears(q, BUDGET_PX).down[neck].any()
    assert find_tears(join_ledges(q, steepest_steps(blurred), rgb, BUDGET_PX), BUDGET_PX).down[neck].all()
    photo = np.round(rgb * 255).astype(np.uint8)
    torn, whole = (build_layers(photo, q, BUDGET_PX, calm_fill, sight) for sight in (None, Sight(photo, blurred)))
    middle = np.s_[129 + whole.border_px, 146 + whole.border_px : 174 + whole.border_px]
    assert torn.layers[0].links.down[middle].mean() < 0.3  # the matte moves the tear elsewhere by a pixel
    assert whole.layers[0].links.down[middle].all()


def test_what_was_sharp_already_is_a_thing_of_its_own() -> None:
    q, _, rgb = person(BROWN)
    assert join_ledges(q, steepest_steps(q), rgb, BUDGET_PX) is q


def test_a_ledge_on_a_ledge_joins_too() -> None:
    q, _, rgb = person(BROWN)
    q[np.s_[60:92, 142:178]], rgb[np.s_[60:92, 142:178]] = 0.3, BROWN
    joined = join_ledges(q, steepest_steps(cv2.GaussianBlur(q, (0, 0), BLUR_PX)), rgb, BUDGET_PX)
    np.testing.assert_allclose(joined[62:130, 144:176], NEAR, atol=1e-5)


def with_corner(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sharp disparity of a brown block before a grey wall whose square corner is halfway, the same blurred, colours."""
    q = np.full((HEIGHT, WIDTH), WALL, np.float32)
    q[:, :100] = NEAR
    q[60 : 60 + size, 100 : 100 + size] = MIDDLE
    rgb = np.where(q[..., None] > WALL, BROWN, GREY).astype(np.float32)
    return q, cv2.GaussianBlur(q, (0, 0), BLUR_PX), rgb


@pytest.mark.parametrize("size", [4, 6])
def test_a_small_corner_joins(size: int) -> None:
    q, blurred, rgb = with_corner(size)
    joined = join_ledges(q, steepest_steps(blurred), rgb, BUDGET_PX)
    np.testing.assert_allclose(joined, np.where(q == MIDDLE, NEAR, q), atol=1e-5)


def test_whole_things_stay() -> None:
    q, blurred, rgb = with_corner(100)
    assert join_ledges(q, steepest_steps(blurred), rgb, BUDGET_PX) is q


def test_what_only_stands_before_something_is_no_ledge() -> None:
    q, blurred, rgb = person(HAIR)
    q[BODY] = WALL
    assert join_ledges(q, steepest_steps(blurred), rgb, BUDGET_PX) is q


@given(cases(), st.floats(0, 12))
@settings(max_examples=40, deadline=None)
def test_depth_stays_within_its_range(case, sigma: float) -> None:
    q = case.disparity
    blurred = cv2.GaussianBlur(q, (0, 0), sigma) if sigma > 0.3 else q
    out = join_ledges(q, steepest_steps(blurred), case.rgb.astype(np.float32) / 255, BUDGET_PX)
    assert out.shape == q.shape and out.dtype == np.float32 and np.isfinite(out).all()
    assert out.min() >= q.min() - 1e-6 and out.max() <= q.max() + 1e-6
