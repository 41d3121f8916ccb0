"""What is left out is never missed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from inpaint.layers import build_layers
from photo3d_video.pipeline import Picture, make_scene
from render.occlusion import without_hidden
from render.renderer import Renderer, create_context
from render.scene import Scene
from tests.scenes import KINDS, SCENES, Case, calm_fill

HEIGHT, WIDTH = 240, 320
BUDGET_PX = 8.0
FOCAL_PX = 320.0


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    with create_context() as made:
        yield made


def scene_of(rgb: np.ndarray, disparity: np.ndarray, budget_px: float = BUDGET_PX) -> Scene:
    layers = build_layers(rgb, disparity, budget_px, calm_fill)
    return make_scene(Picture(rgb, disparity, None, FOCAL_PX), layers)


def poses(size_px: float, budget_px: float = BUDGET_PX, n: int = 7) -> np.ndarray:
    """(N, 4, 4) cameras all around, to the front and to the back, as far as a clip goes; some of them turned."""
    out = np.tile(np.eye(4), (n, 1, 1))
    angle = np.linspace(0, 2 * np.pi, n)
    reach = budget_px / FOCAL_PX
    out[:, 0, 3], out[:, 1, 3] = np.cos(angle) * reach, np.sin(angle) * reach
    out[:, 2, 3] = np.sin(3 * angle) * budget_px / size_px
    turned = np.array([[np.cos(0.05), 0, np.sin(0.05)], [0, 1, 0], [-np.sin(0.05), 0, np.cos(0.05)]])
    out[::2, :3] = turned @ out[::2, :3]
    return out


def drawn(context: Any, scene: Scene, cameras: np.ndarray) -> np.ndarray:
    with Renderer(context, scene, scene.width_px, scene.height_px) as renderer:
        frames = []
        for pose in cameras:
            renderer.draw(pose, 1.0, np.zeros(2))
            frames.append(renderer.read(4))
        return np.stack(frames)


def behind(scene: Scene) -> int:
    return int(sum((scene.texcoord[t[:, 0], 2] > 0).sum() for t in (scene.opaque, scene.soft)))


def assert_same_frames(context: Any, rgb: np.ndarray, disparity: np.ndarray, budget_px: float = BUDGET_PX) -> None:
    scene = scene_of(rgb, disparity, budget_px)
    cameras = poses(float(np.hypot(*disparity.shape)), budget_px)
    seen = without_hidden(context, scene, cameras)
    np.testing.assert_array_equal(drawn(context, seen, cameras), drawn(context, scene, cameras))


@pytest.mark.parametrize("name", SCENES)
def test_frames_stay_what_they_are(context, name) -> None:
    drawing = SCENES[name](HEIGHT, WIDTH)
    assert_same_frames(context, drawing.rgb, drawing.disparity)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "noise"])  # which hides nothing
@pytest.mark.parametrize("budget_px", [4.0, BUDGET_PX, 16.0])
def test_frames_of_any_depth_stay_what_they_are(context, kind, budget_px) -> None:
    case = Case(kind, HEIGHT, WIDTH, 5, True)
    assert_same_frames(context, case.rgb, case.disparity, budget_px)


def test_cameras_that_stay_see_nothing_behind_a_closed_front(context) -> None:
    size = 2 * HEIGHT, 2 * WIDTH
    scene = scene_of(np.full((*size, 3), 90, np.uint8), np.full(size, 0.5, np.float32))
    assert behind(without_hidden(context, scene, np.eye(4)[None])) < 0.6 * behind(scene), "but what is at the border"


def test_the_front_and_its_order_stay(context) -> None:
    drawing = SCENES["staircase"](HEIGHT, WIDTH)
    scene = scene_of(drawing.rgb, drawing.disparity)
    seen = without_hidden(context, scene, poses(float(np.hypot(HEIGHT, WIDTH))))
    assert behind(seen) < behind(scene)
    for left, all_of in ((seen.opaque, scene.opaque), (seen.soft, scene.soft)):
        front = all_of[scene.texcoord[all_of[:, 0], 2] == 0]
        np.testing.assert_array_equal(left[scene.texcoord[left[:, 0], 2] == 0], front)


def test_a_camera_that_moves_one_way_sees_behind_one_side_only(context) -> None:
    drawing = SCENES["two planes"](HEIGHT, WIDTH)
    scene = scene_of(drawing.rgb, drawing.disparity)
    cameras = np.tile(np.eye(4), (5, 1, 1))
    cameras[:, 0, 3] = np.linspace(0, BUDGET_PX / FOCAL_PX, 5)
    seen = without_hidden(context, scene, cameras)
    back = cameras.copy()
    back[:, 0, 3] *= -1
    both = without_hidden(context, scene, np.concatenate([cameras, back]))
    assert behind(seen) < behind(both)
    assert behind(without_hidden(context, scene, cameras[-1:])) == behind(seen), "what lies on the way is no more"
    np.testing.assert_array_equal(drawn(context, seen, cameras), drawn(context, scene, cameras))
