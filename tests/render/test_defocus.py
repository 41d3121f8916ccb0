"""Depth of field and vignette: what is sharp, what is blurred, and that neither runs into the other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import moderngl
import numpy as np
import pytest

from render.defocus import divisor_for
from render.lens import Optics
from render.mesh import Surface, build_mesh
from render.renderer import VIGNETTE, Renderer, create_context
from render.scene import Scene, build_scene
from tests.scenes import GREEN, RED, checker, plain

HEIGHT, WIDTH, BORDER, FOCAL_PX = 300, 420, 8, 420.0
NEAR_Q, FAR_Q = 0.9, 0.2
NEAR_POINT, FAR_POINT = np.array([0.0, 0.0, NEAR_Q]), np.array([0.3, 0.0, FAR_Q])
LEFT, RIGHT = 130, 290  # columns of the near plane
STRONG = 2.0
BUDGET_PX = 30.0


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    with create_context() as made:
        yield made


def sheet(rgb: np.ndarray, q: float | np.ndarray, drawn: np.ndarray, alpha: float = 1.0):
    pad = ((BORDER, BORDER), (BORDER, BORDER))
    shown = np.pad(drawn, pad, mode="edge")
    h, w = shown.shape
    colour = np.round(np.pad(rgb, (*pad, (0, 0)), mode="edge") * alpha).astype(np.uint8)
    texture = np.dstack([colour, np.full((h, w), round(alpha * 255), np.uint8)])
    links = np.ones((h, w - 1), bool), np.ones((h - 1, w), bool)
    plane = np.pad(np.broadcast_to(np.float32(q), drawn.shape), pad, mode="edge")
    return texture, build_mesh(Surface(plane, *links, shown), np.full((h, w), alpha, np.float32), BUDGET_PX)


def scene_of(*sheets) -> Scene:
    textures, meshes = zip(*sheets, strict=True)
    return build_scene(list(meshes), BORDER, 1.0, np.stack(textures), BORDER, FOCAL_PX, BUDGET_PX)


def near_columns() -> np.ndarray:
    drawn = np.zeros((HEIGHT, WIDTH), bool)
    drawn[:, LEFT:RIGHT] = True
    return drawn


def two_planes(front: np.ndarray, back: np.ndarray) -> Scene:
    """A near plane, the middle columns, in front of a far one."""
    everywhere = np.ones((HEIGHT, WIDTH), bool)
    return scene_of(sheet(front, NEAR_Q, near_columns()), sheet(back, FAR_Q, everywhere))


def checkers() -> Scene:
    return two_planes(
        checker(HEIGHT, WIDTH, 3, (200, 40, 40), (90, 10, 10)), checker(HEIGHT, WIDTH, 3, (20, 60, 30), (60, 220, 90))
    )


def render(context: Any, scene: Scene, focus: np.ndarray | None = None, pose=None, **options: Any) -> np.ndarray:
    """(H, W, 3) as float."""
    with Renderer(context, scene, WIDTH, HEIGHT, **options) as renderer:
        renderer.draw(np.eye(4) if pose is None else pose, 1.0, np.zeros(2), focus)
        return renderer.read().astype(float)


MIDDLE_OF_NEAR, MIDDLE_OF_FAR = np.s_[60:240, LEFT + 30 : RIGHT - 30], np.s_[60:240, 20 : LEFT - 40]


@pytest.mark.parametrize(
    ("focus", "sharp", "blurred"),
    [(NEAR_POINT, MIDDLE_OF_NEAR, MIDDLE_OF_FAR), (FAR_POINT, MIDDLE_OF_FAR, MIDDLE_OF_NEAR)],
    ids=["near", "far"],
)
@pytest.mark.parametrize("supersample", [1, 2])
def test_what_is_in_focus_stays_and_the_rest_is_blurred(context, focus, sharp, blurred, supersample) -> None:
    scene = checkers()
    before = render(context, scene, supersample=supersample)
    after = render(context, scene, focus, dof=STRONG, supersample=supersample)
    assert np.abs(after[sharp] - before[sharp]).max() <= 1
    assert after[blurred].std((0, 1)).max() < 0.1 * before[blurred].std((0, 1)).max()
    np.testing.assert_allclose(after[blurred].mean((0, 1)), before[blurred].mean((0, 1)), atol=2.5)


def test_more_strength_is_more_blur(context) -> None:
    wall = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    wall[150:] = 255
    slopes = []
    for strength in (0.25, 0.5, 1.0, 2.0):
        after = render(context, two_planes(plain(HEIGHT, WIDTH, RED), wall), NEAR_POINT, dof=strength)
        slopes.append(np.abs(np.diff(after[:, 20, 0])).max())
    assert (np.diff(slopes) < 0).all() and slopes[-1] < 0.3 * slopes[0]


def test_blur_is_as_wide_as_it_says(context) -> None:
    """Sigma of a blurred step, from its slope and its spread, within a third."""
    wall = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    wall[150:] = 255
    scene = two_planes(plain(HEIGHT, WIDTH, RED), wall)
    for strength in (1.0, 2.0):
        optics = Optics(scene, strength, float(np.hypot(WIDTH, HEIGHT)))
        depth, half_range, per_depth = optics.lens(np.eye(4), 1.0, np.ones(2), np.zeros(2), NEAR_POINT).uniform
        expected = per_depth * (0.25 * (NEAR_Q - FAR_Q) - half_range)
        after = render(context, scene, NEAR_POINT, dof=strength)[:, 20, 0]
        weights = np.diff(after)
        y = np.arange(len(weights)) + 1.0
        centre = (weights * y).sum() / weights.sum()
        sigma = np.sqrt((weights * (y - centre) ** 2).sum() / weights.sum())
        assert centre == pytest.approx(150, abs=0.5)
        assert sigma == pytest.approx(expected, rel=0.34)
        assert depth == pytest.approx(0.865 - 0.21625 * NEAR_Q)


def test_sharp_foreground_does_not_bleed_into_the_blur_behind(context) -> None:
    after = render(context, two_planes(plain(HEIGHT, WIDTH, RED), plain(HEIGHT, WIDTH, GREEN)), NEAR_POINT, dof=STRONG)
    assert np.abs(after[:, LEFT + 1 : RIGHT - 1] - RED).max() <= 2
    for side in (after[:, : LEFT - 1], after[:, RIGHT + 1 :]):
        assert np.abs(side - GREEN).max() <= 4


def test_blurred_foreground_has_a_soft_edge_over_a_sharp_background(context) -> None:
    wall = checker(HEIGHT, WIDTH, 10, (0, 0, 0), (0, 0, 120))
    after = render(context, two_planes(plain(HEIGHT, WIDTH, (255, 0, 0)), wall), FAR_POINT, dof=STRONG)
    red = after[60:240, :, 0].mean(0)
    edge = red[LEFT - 24 : LEFT + 24]
    assert (np.diff(edge) >= -1).all(), "red only rises towards the foreground"
    assert ((edge > 20) & (edge < 235)).sum() >= 8 and np.diff(edge).max() < 45, "and softly"
    assert edge[0] < 4 and edge[-1] > 250
    assert np.abs(edge[:24].sum() - (255 - edge[24:]).sum()) < 400, "as far out as in"
    far_off = np.s_[:, : LEFT - 60]
    assert np.abs(after[far_off] - wall[far_off]).max() <= 1, "away from it the wall is as sharp as before"


@pytest.mark.parametrize("focus", [NEAR_POINT, FAR_POINT, np.array([0, 0, 0.5])])
def test_one_colour_stays_that_colour(context, focus) -> None:
    slope = np.broadcast_to(np.linspace(0.1, 1, WIDTH, dtype=np.float32), (HEIGHT, WIDTH))
    everywhere = np.ones((HEIGHT, WIDTH), bool)
    front = sheet(plain(HEIGHT, WIDTH, RED), 0.95, near_columns(), alpha=0.5)
    for scene in (
        two_planes(plain(HEIGHT, WIDTH, RED), plain(HEIGHT, WIDTH, RED)),
        scene_of(sheet(plain(HEIGHT, WIDTH, RED), slope, everywhere)),
        scene_of(front, sheet(plain(HEIGHT, WIDTH, RED), 0.3, everywhere)),
    ):
        assert np.abs(render(context, scene, focus, dof=STRONG) - RED).max() <= 3


def test_focus_moves_smoothly_through_the_scene(context) -> None:
    """No step shows in a focus pull: neither where something begins to be in front of the focus nor anywhere else."""
    scene = checkers()
    with Renderer(context, scene, WIDTH, HEIGHT, dof=STRONG) as renderer:
        frames = []
        for q in np.linspace(FAR_Q, NEAR_Q, 60):
            renderer.draw(np.eye(4), 1.0, np.zeros(2), np.array([0, 0, q]))
            frames.append(renderer.read().astype(float))
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(frames)]
    assert max(steps) < 0.2 * np.abs(frames[-1] - frames[0]).mean()
    near, far = ([frame[where].std((0, 1)).max() for frame in frames] for where in (MIDDLE_OF_NEAR, MIDDLE_OF_FAR))
    assert near[0] < 0.2 * near[-1] and far[-1] < 0.2 * far[0]


def test_focus_keeps_to_its_surface_when_the_camera_moves(context) -> None:
    pose = np.eye(4)
    pose[2, 3] = 0.3  # back: everything is farther from this camera
    scene = checkers()
    before, after = render(context, scene, pose=pose), render(context, scene, NEAR_POINT, pose, dof=STRONG)
    assert np.abs(after[MIDDLE_OF_NEAR] - before[MIDDLE_OF_NEAR]).max() <= 1


def test_lens_finds_what_is_in_front() -> None:
    optics = Optics(checkers(), STRONG, 500.0)
    camera = (np.eye(4), 1.0, np.full(2, 2 * FOCAL_PX) / (WIDTH, HEIGHT), np.zeros(2))
    assert optics.lens(*camera, NEAR_POINT).front is None
    box = optics.lens(*camera, FAR_POINT).front
    assert box is not None
    left, _, right, _ = (np.array(box) + 1) / 2 * WIDTH
    assert (left, right) == (pytest.approx(LEFT, abs=1), pytest.approx(RIGHT, abs=1))


def test_small_pictures_grow_with_the_frame() -> None:
    sizes = [(320, 180), (854, 480), (1280, 720), (1080, 1080), (1920, 1080), (3840, 2160), (7680, 4320)]
    assert [divisor_for(*size) for size in sizes] == [2, 2, 2, 2, 4, 8, 8]


@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_vignette_darkens_towards_the_corners(context, strength) -> None:
    grey = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    frame = render(context, two_planes(grey, grey), vignette=strength)
    assert np.abs(frame[149:151, 209:211] - 200).max() <= 1
    corners = frame[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert np.abs(corners - 200 / (1 + VIGNETTE * strength)).max() <= 2
    assert (np.diff(frame[150, 210:, 0]) <= 0).all() and (np.diff(frame[150, :210, 0]) >= 0).all()
    light = (corners.mean() / 200) ** 2.2
    assert light == pytest.approx(0.5 ** np.sqrt(strength), abs=0.1), "strength 1 takes half of the light"


def test_vignette_leaves_transparency_alone(context) -> None:
    everywhere = np.ones((HEIGHT, WIDTH), bool)
    scene = scene_of(
        sheet(plain(HEIGHT, WIDTH, RED), 0.9, everywhere, 0.5), sheet(plain(HEIGHT, WIDTH, GREEN), 0.2, everywhere)
    )
    dark, bright = render(context, scene, vignette=1.0), render(context, scene)
    gain = 1 / (1 + VIGNETTE)
    np.testing.assert_allclose(dark[0, 0], gain * bright[0, 0], atol=2)


def test_off_is_off(context) -> None:
    scene = checkers()
    plainly = render(context, scene)
    np.testing.assert_array_equal(render(context, scene, NEAR_POINT), plainly)
    both = render(context, scene, NEAR_POINT, dof=STRONG, vignette=1.0)
    assert (both != plainly).any()
    np.testing.assert_array_equal(render(context, scene), plainly, err_msg="and leaves nothing behind in the context")


def test_depth_of_field_needs_a_focus(context) -> None:
    with pytest.raises(ValueError, match="focus"):
        render(context, checkers(), dof=1.0)


def test_everything_is_released(context) -> None:
    renderer = Renderer(context, checkers(), WIDTH, HEIGHT, dof=1.0, vignette=1.0)
    with renderer:
        renderer.draw(np.eye(4), 1.0, np.zeros(2), FAR_POINT)
        held = list(renderer._defocus._made)
    assert len(held) > 30
    assert all(isinstance(resource.mglo, moderngl.InvalidObject) for resource in held)
