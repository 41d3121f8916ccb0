"""Projection and the two measures, against closed forms and brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_paths import CameraPath, PathError, View, project, reach_px, relative_parallax_px
from camera_paths.camera import rigid_transforms
from camera_paths.rotation import matrix_from_angles

VIEW = View(width_px=400, height_px=200, focal_px=300.0, budget_px=20.0, focus_depth=2.0, focus_xy=(0.75, 0.5))


def at(position, angles_rad=(0, 0, 0), focal_factor=1.0, shift=(0, 0)):
    rotation = matrix_from_angles(np.array([angles_rad], float)).swapaxes(-1, -2)
    matrices = rigid_transforms(rotation, np.array([position], float))
    return CameraPath(matrices, np.array([focal_factor], float), np.array([shift], float))


def test_source_view_projects_points_along_their_rays():
    points = np.array([[0.2, -0.1, 1.0], [0.4, -0.2, 2.0]])
    np.testing.assert_allclose(project(at((0, 0, 0)), points), [[[0.2, -0.1], [0.2, -0.1]]])


def test_projection_follows_the_stated_formula():
    path = at((0.1, 0.2, -0.5), focal_factor=1.5, shift=(0.01, -0.02))
    x, y = (1.5 * (0.6 - 0.1) / 2.5 + 0.01), (1.5 * (0.3 - 0.2) / 2.5 - 0.02)
    np.testing.assert_allclose(project(path, np.array([[0.6, 0.3, 2.0]])), [[[x, y]]])


def test_points_behind_the_camera_project_to_nan():
    assert np.isnan(project(at((0, 0, 3)), np.array([[0.0, 0.0, 1.0]]))).all()


@pytest.mark.parametrize(("angles", "axis", "sign"), [((0.1, 0, 0), 0, -1), ((0, 0.1, 0), 1, 1)])
def test_yaw_looks_right_and_pitch_looks_up(angles, axis, sign):
    moved = project(at((0, 0, 0), angles), np.array([[0.0, 0.0, 1.0]]))[0, 0]
    assert moved[axis] == pytest.approx(sign * math.tan(0.1))


def test_positive_roll_turns_the_camera_clockwise():
    # What was to the right of the centre appears above it.
    moved = project(at((0, 0, 0), (0, 0, 0.1)), np.array([[1.0, 0.0, 1.0]]))[0, 0]
    np.testing.assert_allclose(moved, [math.cos(0.1), -math.sin(0.1)])


def test_measures_of_the_source_view_are_zero():
    assert relative_parallax_px(at((0, 0, 0)), VIEW)[0] == 0
    assert reach_px(at((0, 0, 0)), VIEW)[0] == 0


def test_sideways_parallax_is_focal_length_times_shift():
    path = at((0.1, 0, 0))
    assert relative_parallax_px(path, VIEW)[0] == pytest.approx(30)
    assert reach_px(path, VIEW)[0] == pytest.approx(30)


def test_forward_parallax_is_counted_at_the_frame_corner_only_while_visible():
    corner_px = math.hypot(200, 100)
    assert relative_parallax_px(at((0, 0, 0.1)), VIEW)[0] == pytest.approx(0.1 * corner_px)
    assert reach_px(at((0, 0, 0.1)), VIEW)[0] == 0


def test_moving_back_looks_past_the_border():
    assert reach_px(at((0, 0, -0.1)), VIEW)[0] == pytest.approx(20)


def test_zooming_alone_has_no_parallax_and_zooming_out_has_reach():
    path = at((0, 0, 0), focal_factor=0.5)
    assert relative_parallax_px(path, VIEW)[0] == pytest.approx(0, abs=1e-9)
    assert reach_px(path, VIEW)[0] == pytest.approx(200)


@pytest.mark.parametrize("path", [at((0, 0, 1.5)), at((0, 0, 0), (math.pi, 0, 0)), at((0, 0, 0), (1.3, 0, 0))])
def test_measures_are_infinite_beyond_the_scene(path):
    assert reach_px(path, VIEW)[0] == np.inf
    assert relative_parallax_px(path, VIEW)[0] == np.inf


small = st.floats(-0.15, 0.15)


@settings(max_examples=60, deadline=None)
@given(
    position=st.tuples(small, small, small),
    angles=st.tuples(small, small, small),
    focal_factor=st.floats(0.8, 1.3),
    shift=st.tuples(small, small),
    depth=st.floats(1, 50),
)
def test_measures_bound_what_any_depth_and_pixel_shows(position, angles, focal_factor, shift, depth):
    path = at(position, angles, focal_factor, shift)
    # Source pixels well past the frame, so that everything the new frame sees is among them.
    grid = np.stack(np.meshgrid(np.linspace(-2, 2, 81), np.linspace(-2, 2, 81)), -1).reshape(-1, 2) * VIEW.half_extent
    rays = np.concatenate([grid, np.ones((len(grid), 1))], axis=1)
    near, middle, far = project(path, rays)[0], project(path, depth * rays)[0], project(path, 1e9 * rays)[0]

    def inside(points):
        return (np.abs(points) <= VIEW.half_extent).all(axis=1)

    moved_px = np.linalg.norm(near - far, axis=1)[inside(near)] * VIEW.focal_px
    assert moved_px.max(initial=0) <= relative_parallax_px(path, VIEW)[0] * 1.005 + 1e-3
    seen = np.concatenate([grid[inside(near)], grid[inside(middle)], grid[inside(far)]])
    beyond_px = (np.abs(seen) - VIEW.half_extent).max(initial=0) * VIEW.focal_px
    assert beyond_px <= reach_px(path, VIEW)[0] + 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width_px": 0}, "size"),
        ({"focal_px": 0.0}, "focal length"),
        ({"focal_px": math.nan}, "focal length"),
        ({"budget_px": -1.0}, "budget"),
        ({"budget_px": math.inf}, "budget"),
        ({"focus_depth": 0.5}, "focus depth"),
        ({"focus_depth": math.nan}, "focus depth"),
        ({"focus_xy": (0.5, 1.2)}, "focus point"),
    ],
)
def test_view_refuses_impossible_values(change, message):
    values = {"width_px": 4, "height_px": 3, "focal_px": 4.0, "budget_px": 0.1, "focus_depth": 1.0} | change
    with pytest.raises(PathError, match=message):
        View(**values)


@pytest.mark.parametrize(
    ("matrices", "factors", "shift", "message"),
    [
        (np.tile(np.eye(4), (2, 1, 1)), np.ones(3), np.zeros((3, 2)), "shape"),
        (np.zeros((0, 4, 4)), np.ones(0), np.zeros((0, 2)), "N >= 1"),
        (np.full((1, 4, 4), np.nan), np.ones(1), np.zeros((1, 2)), "finite"),
        (np.eye(4)[None], np.zeros(1), np.zeros((1, 2)), "focal factor"),
    ],
)
def test_camera_path_refuses_impossible_arrays(matrices, factors, shift, message):
    with pytest.raises(PathError, match=message):
        CameraPath(matrices, factors, shift)
