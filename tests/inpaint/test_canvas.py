"""The canvas holds the photo as it is, and around it what was painted from the photo alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.canvas import border_for, extend, paint_border, repeat_border
from inpaint.layers import build_layers
from inpaint.network_fill import network_fill
from photo3d_video.depth.builtin import without_triton
from tests.scenes import calm_fill, cases, textured_planes, two_planes

BUDGET_PX = 24.0


def test_extend_repeats_the_edge() -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert extend(x, 2).shape == (7, 8) and extend(np.dstack([x, x, x]), 2).shape == (7, 8, 3)
    assert (extend(x, 2)[:3, :3] == 0).all() and (extend(x, 2)[-3:, -3:] == 11).all()


@given(cases(max_side=40), st.sampled_from([0.0, 0.7, 6.0, 60.0]))
@settings(max_examples=40, deadline=None)
def test_the_photo_stays_and_depth_past_its_border_is_between_what_it_holds(case, budget_px) -> None:
    b = border_for(budget_px)
    colour, q, inside = repeat_border(case.rgb, case.disparity, budget_px)
    np.testing.assert_array_equal(inside, np.pad(np.ones(case.disparity.shape, bool), b))
    np.testing.assert_allclose(colour[b:-b, b:-b] * 255, case.rgb, atol=1e-3)
    np.testing.assert_array_equal(q[b:-b, b:-b], case.disparity)
    assert q.dtype == np.float32
    assert case.disparity.min() - 1e-5 <= q.min() and q.max() <= case.disparity.max() + 1e-5


def test_a_step_of_depth_at_the_border_is_soft_farther_out() -> None:
    disparity = np.full((120, 160), 0.2, np.float32)
    disparity[60:] = 0.8
    _, q, _ = repeat_border(np.zeros((120, 160, 3), np.uint8), disparity, BUDGET_PX)
    steps = np.abs(np.diff(q[:, [1, border_for(BUDGET_PX)]], axis=0)).max(0)
    assert steps[0] < 0.15 and steps[1] == pytest.approx(0.6), "out there it would only draw a streak"


def test_what_lies_past_the_border_is_painted_from_the_photo_alone() -> None:
    scene = two_planes(96, 128)
    seen = []

    def note(rgb, disparity, unknown, context):
        seen.append((unknown, context))
        return calm_fill(rgb, disparity, unknown, context)

    canvas = paint_border(scene.rgb, scene.disparity, BUDGET_PX, note)
    inside = np.pad(np.ones((96, 128), bool), border_for(BUDGET_PX))
    ((unknown, context),) = seen
    np.testing.assert_array_equal(unknown, ~inside)
    np.testing.assert_array_equal(context, inside)
    np.testing.assert_allclose(canvas[inside].reshape(96, 128, 3) * 255, scene.rgb, atol=1e-3)


def test_a_canvas_that_is_painted_meanwhile_makes_the_same_layers() -> None:
    scene = two_planes(96, 128)
    canvas = paint_border(scene.rgb, scene.disparity, BUDGET_PX, calm_fill)
    one, other = (
        build_layers(scene.rgb, scene.disparity, BUDGET_PX, calm_fill, painted=given)
        for given in (None, lambda: canvas)
    )
    for a, b in zip(one.layers, other.layers, strict=True):
        np.testing.assert_array_equal(a.rgb, b.rgb)
        np.testing.assert_array_equal(a.disparity, b.disparity)


def test_sharp_depth_is_not_needed_past_the_border() -> None:
    """What `make_layers` counts on: it paints there while depth is made sharp."""
    scene = textured_planes(192, 256)
    blurred = cv2.GaussianBlur(scene.disparity, (0, 0), 8)
    with without_triton():
        sharp, soft = (paint_border(scene.rgb, q, BUDGET_PX, network_fill) for q in (scene.disparity, blurred))
    difference = np.abs(sharp - soft).max(-1)
    assert difference.max() > 0, "the network sees depth"
    assert difference.mean() * 255 < 0.5 and np.percentile(difference, 99.5) * 255 < 4
