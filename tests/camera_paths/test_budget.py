import numpy as np
import pytest

from camera_paths import CameraPath, View, fit_to_budget, reach_px, relative_parallax_px
from camera_paths.budget import scaled
from camera_paths.camera import rigid_transforms
from camera_paths.rotation import matrix_from_angles

VIEW = View(width_px=640, height_px=480, focal_px=640.0, budget_px=40.0, focus_depth=3.0)


def sideways(*shifts, angles_rad=(0, 0, 0), focal_factor=1.0):
    n = len(shifts)
    rotation = np.tile(matrix_from_angles(np.array(angles_rad, float)).T, (n, 1, 1))
    position = np.array([(x, 0, 0) for x in shifts], float)
    return CameraPath(rigid_transforms(rotation, position), np.full(n, focal_factor), np.zeros((n, 2)))


def test_path_within_the_budget_is_returned_unchanged():
    path = sideways(0, 40 / 640)
    assert fit_to_budget(path, VIEW) == (path, 1.0)


def test_excessive_path_is_scaled_to_the_budget_and_says_by_how_much():
    path, factor = fit_to_budget(sideways(0, 0.125, 0.25), VIEW)
    assert factor == pytest.approx(0.25, abs=1e-6)
    np.testing.assert_allclose(path.position[:, 0], np.array([0, 0.125, 0.25]) * factor)
    assert relative_parallax_px(path, VIEW).max() == pytest.approx(40, abs=1e-3)


@pytest.mark.parametrize(
    "wild",
    [
        sideways(3.0, -100.0),
        sideways(0.0, 0.1, angles_rad=(3, 0.2, 1)),
        sideways(0.1, focal_factor=0.1),
        CameraPath(rigid_transforms(np.eye(3)[None], np.array([[0, 0, 50.0]])), np.ones(1), np.array([[9.0, 9.0]])),
    ],
)
def test_any_path_can_be_fitted(wild):
    path, factor = fit_to_budget(wild, VIEW)
    assert 0 < factor < 1
    assert relative_parallax_px(path, VIEW).max() <= VIEW.budget_px + 1e-5
    assert reach_px(path, VIEW).max() <= VIEW.budget_px + 1e-5


def test_scaling_by_one_keeps_and_by_zero_gives_the_source_view():
    path = sideways(0.1, 0.4, angles_rad=(0.5, -0.3, 0.2), focal_factor=1.7)
    np.testing.assert_allclose(scaled(path, 1.0).world_to_camera, path.world_to_camera, atol=1e-12)
    np.testing.assert_allclose(scaled(path, 1.0).focal_factor, path.focal_factor)
    still = scaled(path, 0.0)
    np.testing.assert_array_equal(still.world_to_camera, np.tile(np.eye(4), (2, 1, 1)))
    np.testing.assert_array_equal(still.focal_factor, 1)


def test_scaling_halves_the_angle_of_a_turn():
    half = scaled(sideways(0, angles_rad=(0.6, 0, 0)), 0.5)
    np.testing.assert_allclose(half.rotation[0], matrix_from_angles(np.array([0.3, 0, 0])).T, atol=1e-12)
