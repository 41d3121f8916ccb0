"""What is looked up for single pixels is what the renderer draws there."""

from __future__ import annotations

import numpy as np
import pytest

from camera_paths.rotation import matrix_from_angles
from render.lookup import look_up
from render.mesh import Surface, build_mesh
from render.renderer import Renderer, create_context
from render.scene import Scene, build_scene
from tests.scenes import two_planes

HEIGHT, WIDTH, BORDER = 60, 80, 8
FOCAL_PX, BUDGET_PX = 90.0, 30.0


def placed(number: int, alpha: np.ndarray) -> np.ndarray:
    """A texture whose colours say where they are: 2.5 x, 2.5 y, and the layer."""
    h, w = alpha.shape
    y, x = np.mgrid[:h, :w] * 2.5
    colour = np.stack([x, y, np.full((h, w), 60.0 * (number + 1))], -1) * alpha[..., None]
    return np.round(np.dstack([colour, alpha * 255])).astype(np.uint8)


def scene() -> Scene:
    size = HEIGHT + 2 * BORDER, WIDTH + 2 * BORDER
    planes = two_planes(*size)
    right, down = planes.near[:, :-1] == planes.near[:, 1:], planes.near[:-1] == planes.near[1:]
    everywhere = np.ones(size, bool)
    behind = Surface(np.full(size, 0.1, np.float32), everywhere[:, 1:], everywhere[1:], everywhere)
    alpha = np.ones(size, np.float32)
    alpha[20:50, 30:50] = 0.2  # seen through
    alpha[20:50, 60:70] = 0.9
    front = build_mesh(Surface(planes.disparity, right, down, everywhere), alpha, BUDGET_PX, behind=behind)
    meshes = [front, build_mesh(behind, np.ones(size, np.float32), BUDGET_PX)]
    textures = np.stack([placed(0, alpha), placed(1, np.ones(size))])
    return build_scene(meshes, BORDER, 1.0, textures, BORDER, FOCAL_PX, BUDGET_PX)


@pytest.mark.parametrize("turn", [0.0, 0.04])
@pytest.mark.parametrize(("x", "y", "z"), [(0, 0, 0), (0.12, -0.05, 0), (-0.1, 0.08, 0.15)])
def test_it_agrees_with_the_renderer(x, y, z, turn) -> None:
    pose = np.eye(4)
    pose[:3, :3] = matrix_from_angles(np.array([turn, -turn, turn]))
    pose[:3, 3] = pose[:3, :3] @ (-np.array([x, y, z]))
    shift = np.array([0.02, -0.01])
    made = scene()
    with create_context() as context, Renderer(context, made, WIDTH, HEIGHT) as renderer:
        renderer.draw(pose, 1.05, shift)
        frame = renderer.read(4).astype(float)
    pixels = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), -1).reshape(-1, 2)
    seen = look_up(made, pose, 1.05, shift, pixels)
    layer, place = seen.layer.reshape(HEIGHT, WIDTH), seen.place.reshape(HEIGHT, WIDTH, 2)
    np.testing.assert_array_equal(layer[frame[..., 3] == 0], -1)
    pure = (frame[..., 3] == 255) & np.isin(frame[..., 2], (60, 120))  # neither mixed nor at an edge
    assert pure.mean() > 0.5
    np.testing.assert_array_equal(layer[pure], frame[pure][:, 2] / 60 - 1)
    assert (1 in layer[pure]) == bool(x)
    off = np.abs(place - (frame[..., :2] / 2.5 + 0.5)).max(-1)[pure]
    assert np.median(off) < 0.25 and (off < 0.6).mean() > 0.85 and off.max() < 6, "sheets of one layer mix at tears"


def test_what_covers_less_than_half_is_seen_through() -> None:
    seen = look_up(scene(), np.eye(4), 1.0, np.zeros(2), np.array([[30, 30], [56, 30], [5, 5]]))
    np.testing.assert_array_equal(seen.layer, [1, 0, 0])
    np.testing.assert_allclose(seen.place, np.array([[30, 30], [56, 30], [5, 5]]) + 0.5 + BORDER, atol=1e-4)


def test_no_pixels_no_answers() -> None:
    assert len(look_up(scene(), np.eye(4), 1.0, np.zeros(2), np.empty((0, 2), np.int64)).layer) == 0
