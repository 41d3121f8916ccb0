"""What the renderer draws, against what geometry says it must."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import cv2
import moderngl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_paths import CameraPath, project
from camera_paths.rotation import matrix_from_angles
from inpaint.layers import build_layers
from photo3d_video.pipeline import Picture, make_scene
from render.errors import RenderError
from render.mesh import Surface, build_mesh
from render.renderer import Renderer, create_context, describe
from render.scene import Scene, build_scene
from tests.scenes import BLUE, GREEN, NEAR, RED, SCENES, Case, calm_fill, checker, plain
from tests.scenes import Scene as Drawing

HEIGHT, WIDTH, BORDER = 60, 80, 20
FOCAL_PX = 90.0
BUDGET_PX = 30.0
STILL = (np.eye(4), 1.0, np.zeros(2))


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    with create_context() as made:
        yield made


def sheet(rgb: np.ndarray, q: float | np.ndarray, alpha: float | np.ndarray = 1.0, drawn: np.ndarray | None = None):
    """A layer of a picture (H, W, 3): (texture, mesh), both with a border that repeats the edge."""
    h, w = rgb.shape[0] + 2 * BORDER, rgb.shape[1] + 2 * BORDER
    pad = ((BORDER, BORDER), (BORDER, BORDER))
    plane, opacity = (
        np.pad(np.broadcast_to(np.asarray(x, np.float32), rgb.shape[:2]), pad, mode="edge") for x in (q, alpha)
    )
    colour = np.pad(rgb, (*pad, (0, 0)), mode="edge") * opacity[..., None]
    texture = np.round(np.dstack([colour, opacity * 255])).astype(np.uint8)
    links = np.ones((h, w - 1), bool), np.ones((h - 1, w), bool)
    shown = np.ones((h, w), bool) if drawn is None else np.pad(drawn, pad)
    return texture, build_mesh(Surface(plane, *links, shown), opacity, BUDGET_PX)


def scene_of(*sheets) -> Scene:
    """Sheets, front first."""
    textures, meshes = zip(*sheets, strict=True)
    return build_scene(list(meshes), BORDER, 1.0, np.stack(textures), BORDER, FOCAL_PX, BUDGET_PX)


def render(context: Any, scene: Scene, pose=STILL[0], focal_factor=1.0, shift=(0.0, 0.0), components=3, **options):
    size = options.pop("size", (scene.width_px, scene.height_px))
    with Renderer(context, scene, *size, **options) as renderer:
        renderer.draw(pose, focal_factor, np.asarray(shift, float))
        return renderer.read(components)


def moved(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    """World-to-camera matrix of a camera at (x, y, z) that looks straight ahead."""
    pose = np.eye(4)
    pose[:3, 3] = -x, -y, -z
    return pose


def with_mark(x: int, y: int, size: int = 6) -> np.ndarray:
    """A black picture with a white square whose top left pixel is (x, y)."""
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[y : y + size, x : x + size] = 255
    return rgb


def centroid(frame: np.ndarray) -> np.ndarray:
    """(x, y) of the light in a frame."""
    light = frame.astype(float).mean(-1)
    y, x = np.mgrid[0 : frame.shape[0], 0 : frame.shape[1]] + 0.5
    return np.array([(light * x).sum(), (light * y).sum()]) / light.sum()


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def test_context_describes_itself(context) -> None:
    info = describe(context)
    assert info.backend and info.vendor and info.renderer and info.version


def test_identity_pose_reproduces_the_picture(context) -> None:
    rgb = noise()
    for q in (0.7, Case("blurred steps", HEIGHT, WIDTH, 1, True).disparity):
        frame = render(context, scene_of(sheet(rgb, q)))
        assert np.abs(frame.astype(int) - rgb).max() <= 1


@pytest.mark.parametrize("scale", [1.25, 2])
def test_layers_smaller_than_the_picture_reproduce_it_too(context, scale) -> None:
    size = round(HEIGHT * scale), round(WIDTH * scale)
    rgb = np.random.default_rng(1).integers(0, 256, (*size, 3)).astype(np.uint8)
    _, mesh = sheet(plain(HEIGHT, WIDTH, RED), 0.4)
    border = round(BORDER * scale)
    texture = np.dstack([np.pad(rgb, ((border,) * 2, (border,) * 2, (0, 0)), mode="edge")])
    texture = np.dstack([texture, np.full(texture.shape[:2], 255, np.uint8)])
    scene = build_scene([mesh], BORDER, scale, texture[None], border, FOCAL_PX * scale, BUDGET_PX)
    assert np.abs(render(context, scene).astype(int) - rgb).max() <= 1


def test_first_row_is_the_top_and_first_column_the_left(context) -> None:
    frame = render(context, scene_of(sheet(with_mark(5, 8), 0.5)))
    np.testing.assert_allclose(centroid(frame), (8, 11), atol=0.02)


@pytest.mark.parametrize("components", [3, 4])
@pytest.mark.parametrize("supersample", [1, 2])
@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (33, 47), (WIDTH + 2, HEIGHT - 2)])
def test_frames_have_the_size_that_was_asked_for(context, size, supersample, components) -> None:
    scene = scene_of(sheet(plain(HEIGHT, WIDTH, BLUE), 0.5))
    frame = render(context, scene, size=size, supersample=supersample, components=components)
    assert frame.shape == (size[1], size[0], components) and frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, np.broadcast_to((*BLUE, 255)[:components], frame.shape))


@pytest.mark.parametrize("q", [1.0, 0.6, 0.25, 0.0])
@pytest.mark.parametrize(("x", "y"), [(0.15, 0.0), (-0.11, 0.0), (0.0, 0.09), (0.1, -0.13)])
def test_parallax_of_a_plane_is_focal_length_times_move_times_inverse_depth(context, q, x, y) -> None:
    still = centroid(render(context, scene_of(sheet(with_mark(36, 26), q))))
    seen = centroid(render(context, scene_of(sheet(with_mark(36, 26), q)), moved(x, y)))
    np.testing.assert_allclose(seen - still, [-FOCAL_PX * x * q, -FOCAL_PX * y * q], atol=0.3)


angles = st.floats(-0.06, 0.06)


@given(
    st.tuples(*[st.floats(-0.12, 0.12)] * 3), st.tuples(*[angles] * 3), st.floats(0.85, 1.2),
    st.tuples(*[st.floats(-0.08, 0.08)] * 2), st.floats(0.02, 1), st.integers(0, 5),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_any_camera_sees_points_where_the_camera_model_says(context, at, turned, factor, shift, q, place) -> None:
    corner = [(30, 20), (44, 34), (20, 30), (37, 27), (50, 22), (28, 38)][place]
    rotation = matrix_from_angles(np.array(turned)).T
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, -rotation @ np.array(at)
    frame = render(context, scene_of(sheet(with_mark(*corner, size=4), q)), pose, factor, shift)
    ray = (np.array(corner) + 2 - np.array([WIDTH, HEIGHT]) / 2) / FOCAL_PX
    path = CameraPath(pose[None], np.array([factor]), np.array(shift)[None])
    (expected,) = project(path, np.append(ray, 1.0)[None] / q)[0]
    expected_px = np.array([WIDTH, HEIGHT]) / 2 + FOCAL_PX * expected
    if (np.abs(expected_px - np.array([WIDTH, HEIGHT]) / 2) < np.array([WIDTH, HEIGHT]) / 2 - 5).all():
        np.testing.assert_allclose(centroid(frame), expected_px, atol=0.3)


def test_near_plane_hides_the_far_one_whatever_the_order_of_layers(context) -> None:
    near_half = np.zeros((HEIGHT, WIDTH), bool)
    near_half[:, :40] = True
    near, far = sheet(plain(HEIGHT, WIDTH, RED), 0.9, drawn=near_half), sheet(plain(HEIGHT, WIDTH, GREEN), 0.2)
    for scene in (scene_of(near, far), scene_of(far, near)):
        for pose in (moved(), moved(x=0.1), moved(x=-0.1), moved(z=0.1)):
            frame = render(context, scene, pose)
            np.testing.assert_array_equal(frame[30, 20], RED)
            np.testing.assert_array_equal(frame[30, 70], GREEN)


def test_surfaces_that_cross_hide_one_another_by_depth(context) -> None:
    slope = np.broadcast_to(np.linspace(0.2, 0.9, WIDTH, dtype=np.float32), (HEIGHT, WIDTH))
    red, green = sheet(plain(HEIGHT, WIDTH, RED), slope), sheet(plain(HEIGHT, WIDTH, GREEN), 0.55)
    for scene in (scene_of(red, green), scene_of(green, red)):
        frame = render(context, scene)
        np.testing.assert_array_equal(frame[30, 10], GREEN)
        np.testing.assert_array_equal(frame[30, 70], RED)


def test_of_one_surface_in_two_layers_the_front_shows_though_their_meshes_differ(context) -> None:
    bumps = 0.003 * np.random.default_rng(0).random((HEIGHT, WIDTH))
    front, back = sheet(plain(HEIGHT, WIDTH, RED), 0.5), sheet(plain(HEIGHT, WIDTH, GREEN), 0.5 + bumps)
    for pose in (moved(), moved(x=0.1), moved(z=0.2)):
        assert (render(context, scene_of(front, back), pose)[20:-20, 20:-20] == RED).all()


@pytest.mark.parametrize("alpha", [0.25, 0.5, 0.8])
def test_soft_layer_blends_over_what_lies_behind(context, alpha) -> None:
    front, back = sheet(plain(HEIGHT, WIDTH, RED), 0.9, alpha), sheet(plain(HEIGHT, WIDTH, GREEN), 0.2)
    level = round(alpha * 255) / 255
    expected = level * np.array(RED) + (1 - level) * np.array(GREEN)
    for scene in (scene_of(front, back), scene_of(back, front)):
        frame = render(context, scene, components=4).astype(float)
        assert np.abs(frame[..., :3] - expected).max() <= 1
        assert frame[..., 3].min() >= 254, "fully covered"
    alone = render(context, scene_of(front), components=4)
    assert np.abs(alone[..., 3].astype(int) - round(alpha * 255)).max() <= 1, "coverage is what does not shine through"


def test_two_soft_layers_blend_far_to_near(context) -> None:
    near, middle = sheet(plain(HEIGHT, WIDTH, RED), 0.9, 0.5), sheet(plain(HEIGHT, WIDTH, BLUE), 0.5, 0.5)
    far = sheet(plain(HEIGHT, WIDTH, GREEN), 0.1)
    expected = 0.5 * np.array(RED) + 0.25 * np.array(BLUE) + 0.25 * np.array(GREEN)
    for order in ((near, middle, far), (middle, far, near), (far, middle, near)):
        assert np.abs(render(context, scene_of(*order)).astype(float) - expected).max() <= 2


def test_transparent_pixels_hide_nothing(context) -> None:
    hole = np.ones((HEIGHT, WIDTH), np.float32)
    hole[20:40, 30:50] = 0
    near, far = sheet(plain(HEIGHT, WIDTH, RED), 0.9, hole), sheet(plain(HEIGHT, WIDTH, GREEN), 0.9)
    frame = render(context, scene_of(near, far))
    np.testing.assert_array_equal(frame[30, 40], GREEN)
    np.testing.assert_array_equal(frame[10, 10], RED)


@pytest.mark.parametrize("shift_px", [0.25, 0.5, 0.75])
def test_colours_weigh_as_much_as_they_cover(context, shift_px) -> None:
    """Halfway from a trace of something dark to a white pixel it is nearly white: no dark outline."""
    columns = np.arange(WIDTH)[None] % 8 == 0
    alpha = np.where(columns, np.float32(0.1), np.float32(1)) * np.ones((HEIGHT, 1), np.float32)
    rgb = np.repeat(np.where(alpha < 1, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    scene = scene_of(sheet(rgb, 0.9, alpha), sheet(plain(HEIGHT, WIDTH, (255, 255, 255)), 0.2))
    frame = render(context, scene, moved(x=shift_px / (FOCAL_PX * 0.9)))
    assert frame[4:-4, 4:-4].min() >= round(0.9 * 255) - 2
    assert frame[4:-4, 4:-4].min() < 254, "but there is a trace"


def test_a_trace_of_something_is_no_more_where_it_is_torn(context) -> None:
    """What covers a tear for want of better would show the colour of a pixel that hardly covers any as a dark speck."""
    h, w = HEIGHT + 2 * BORDER, WIDTH + 2 * BORDER
    left = np.broadcast_to(np.arange(w) < w // 2, (h, w))
    q = np.where(left, np.float32(0.95), np.float32(0.8))
    alpha = np.where(left, np.float32(1), np.float32(0.1))
    texture = np.dstack([np.where(left, 255, 0)] * 3 + [np.round(alpha * 255)]).astype(np.uint8)
    torn, everywhere = left[:, :-1] == left[:, 1:], np.ones((h, w), bool)
    wall, back = sheet(plain(HEIGHT, WIDTH, (255, 255, 255)), 0.2)
    behind = Surface(np.full((h, w), 0.2, np.float32), everywhere[:, 1:], everywhere[1:], everywhere)
    mesh = build_mesh(Surface(q, torn, everywhere[1:], everywhere), alpha, BUDGET_PX, behind=behind)
    frame = render(context, scene_of((texture, mesh), (wall, back)), moved(x=-BUDGET_PX / FOCAL_PX))
    assert frame.min() >= round(0.9 * 255) - 2


def test_nothing_is_not_covered(context) -> None:
    left = np.zeros((HEIGHT, WIDTH), bool)
    left[:, :40] = True
    frame = render(context, scene_of(sheet(plain(HEIGHT, WIDTH, RED), 0.5, drawn=left)), components=4)
    assert (frame[1:-1, :39, 3] == 255).all() and not frame[:, 41:].any()


def test_supersampling_smooths_a_silhouette(context) -> None:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    wedge = x > 20 + 0.3 * y
    near = sheet(plain(HEIGHT, WIDTH, (255, 255, 255)), 0.9, drawn=wedge)
    far = sheet(plain(HEIGHT, WIDTH, (0, 0, 0)), 0.2)
    pose = moved(x=0.013, y=0.007)
    hard, fine = (render(context, scene_of(near, far), pose, supersample=n)[..., 0] for n in (1, 2))
    assert set(np.unique(hard).tolist()) == {0, 255}
    assert ((fine > 20) & (fine < 235)).sum() > 20


def test_same_view_gives_the_same_frame(context) -> None:
    scene = scene_of(sheet(noise(), Case("steps", HEIGHT, WIDTH, 3, True).disparity))
    with Renderer(context, scene, WIDTH, HEIGHT) as renderer:
        renderer.draw(moved(x=0.1), 1.1, np.array([0.01, 0.02]))
        first = renderer.read()
        renderer.draw(*STILL)
        still = renderer.read()
        renderer.draw(moved(x=0.1), 1.1, np.array([0.01, 0.02]))
        np.testing.assert_array_equal(renderer.read(), first)
    assert (still != first).any(), "and what was read stays as it was read"


@pytest.mark.parametrize("supersample", [1, 2])
@pytest.mark.parametrize("n", [0, 1, 2, 9])
@pytest.mark.parametrize("batched", [True, False])
def test_frames_come_in_the_order_of_their_views(context, monkeypatch, batched, n, supersample) -> None:
    if not batched:
        monkeypatch.setattr("render.renderer.MAX_BATCH_PX", 0)
    views = [(moved(x=0.03 * k), 1 + 0.05 * k, np.array([0.01 * k, 0.0])) for k in range(n)]
    scene = scene_of(sheet(noise(1), 0.9, 0.5), sheet(noise(2), 0.2))
    with Renderer(context, scene, WIDTH, HEIGHT, supersample, vignette=0.5) as renderer:
        frames = list(renderer.frames(iter(views)))
        assert len(frames) == n
        for view, frame in zip(views, frames, strict=True):
            renderer.draw(*view)
            np.testing.assert_array_equal(frame, renderer.read())
            assert not frame.flags.writeable


def test_frames_may_be_left_early(context) -> None:
    with Renderer(context, scene_of(sheet(noise(), 0.5)), WIDTH, HEIGHT) as renderer:
        frames = renderer.frames([STILL] * 3)
        first = next(frames)
        frames.close()
        renderer.draw(*STILL)
        np.testing.assert_array_equal(renderer.read(), first)


def test_state_left_by_others_does_not_matter(context) -> None:
    scene = scene_of(sheet(noise(1), 0.9, 0.5), sheet(noise(2), 0.2))
    expected = render(context, scene, moved(x=0.05), components=4)
    other = context.simple_framebuffer((8, 8))
    with Renderer(context, scene, WIDTH, HEIGHT) as renderer:
        other.use()
        context.viewport = (3, 3, 2, 2)
        context.enable_only(moderngl.CULL_FACE)
        context.depth_func = ">"
        context.blend_func = moderngl.ONE, moderngl.ONE
        context.blend_equation = moderngl.FUNC_REVERSE_SUBTRACT
        context.wireframe = True
        context.front_face = "cw"
        context.texture((1, 1), 4, b"\xff" * 4).use(0)
        renderer.draw(moved(x=0.05), 1.0, np.zeros(2))
        np.testing.assert_array_equal(renderer.read(4), expected)
    other.release()


def test_two_renderers_share_a_context(context) -> None:
    scenes = [scene_of(sheet(noise(k), q)) for k, q in ((1, 0.3), (2, 0.8))]
    expected = [render(context, scene, moved(x=0.1)) for scene in scenes]
    with Renderer(context, scenes[0], WIDTH, HEIGHT) as one, Renderer(context, scenes[1], WIDTH, HEIGHT) as two:
        for _ in range(2):
            for renderer, frame in zip((one, two), expected, strict=True):
                renderer.draw(moved(x=0.1), 1.0, np.zeros(2))
                np.testing.assert_array_equal(renderer.read(), frame)


def held_resources(renderer: Renderer) -> list[Any]:
    kinds = (
        moderngl.Buffer, moderngl.Framebuffer, moderngl.Program, moderngl.Renderbuffer, moderngl.Texture,
        moderngl.VertexArray,
    )  # fmt: skip
    values = [*vars(renderer).values(), *renderer._textures.all]
    return [value for value in values if isinstance(value, kinds)]


@pytest.mark.parametrize("fails", [False, True])
def test_everything_is_released(context, fails) -> None:
    renderer = Renderer(context, scene_of(sheet(noise(), 0.5)), WIDTH, HEIGHT)
    resources = held_resources(renderer)
    assert len(resources) >= 10
    try:
        with renderer:
            renderer.draw(*STILL)
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert fails
    assert all(isinstance(resource.mglo, moderngl.InvalidObject) for resource in resources)


def test_scene_that_the_driver_cannot_hold_is_refused_in_words() -> None:
    weak = SimpleNamespace(info={"GL_MAX_TEXTURE_SIZE": 64})
    with pytest.raises(RenderError, match="64 px"):
        Renderer(weak, scene_of(sheet(noise(), 0.5)), WIDTH, HEIGHT)


def test_missing_opengl_names_the_cure(monkeypatch) -> None:
    def refuse(**_: object) -> None:
        raise Exception("libEGL.so not found")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    with pytest.raises(RenderError, match=r"libEGL\.so not found.*apt-get install"):
        create_context()


DIRECTIONS = [(np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, 8, endpoint=False)]


def complete_scene(drawing: Drawing, focal_px: float) -> Scene:
    """All the way from a drawing to what is rendered of it."""
    layers = build_layers(drawing.rgb, drawing.disparity, BUDGET_PX, calm_fill)
    return make_scene(Picture(drawing.rgb, drawing.disparity, None, focal_px), layers)


@pytest.mark.parametrize("name", SCENES)
def test_scene_is_covered_at_the_limit_of_its_budget(context, name) -> None:
    """What any move of this strength uncovers has been painted."""
    drawing, focal_px = SCENES[name](HEIGHT * 2, WIDTH * 2), 2 * FOCAL_PX
    scene = complete_scene(drawing, focal_px)
    reach, forward = BUDGET_PX / focal_px, BUDGET_PX / np.hypot(WIDTH, HEIGHT)
    limits = [moved(reach * x, reach * y) for x, y in DIRECTIONS]
    limits += [moved(z=forward), moved(x=0.4 * reach, y=0.3 * reach, z=0.4 * forward)]
    with Renderer(context, scene, scene.width_px, scene.height_px) as renderer:
        for pose in limits:
            renderer.draw(pose, 1.0, np.zeros(2))
            assert renderer.read(4)[..., 3].min() >= 230
        renderer.draw(*STILL)
        still = renderer.read().astype(float)
    assert 10 * np.log10(255**2 / max(((still - drawing.rgb) ** 2).mean(), 1e-9)) > 40


def test_wall_shows_unbroken_behind_a_moving_rectangle(context) -> None:
    """The colour that a sideways move uncovers is the wall's, not the rectangle's, and not a stretched mixture."""
    drawing = SCENES["two planes"](120, 160)
    frame = render(context, complete_scene(drawing, FOCAL_PX), moved(x=BUDGET_PX / FOCAL_PX)).astype(int)
    is_red = np.abs(frame - RED).max(-1) < 30
    is_green = np.abs(frame - GREEN).max(-1) < 30
    columns = np.flatnonzero(drawing.near[60])
    seen = np.flatnonzero(is_red[60])
    assert len(seen) == pytest.approx(len(columns), abs=4)
    assert seen.mean() == pytest.approx(columns.mean() - NEAR * BUDGET_PX, abs=1.5)
    outline = 2 * (drawing.near.any(0).sum() + drawing.near.any(1).sum())
    assert (~is_red & ~is_green).sum() < 3 * outline, "in between lie a few pixels of edge, no more"


def test_no_outline_of_the_rectangle_stays_on_a_slanted_wall(context) -> None:
    drawing = SCENES["two planes"](120, 160)
    wall = np.linspace(0.1, 0.5, 160, dtype=np.float32)
    slanted = Drawing(drawing.rgb, np.where(drawing.near, np.float32(NEAR), wall), drawing.near)
    frame = render(context, complete_scene(slanted, FOCAL_PX), moved(x=BUDGET_PX / FOCAL_PX)).astype(int)
    red = (np.abs(frame - RED).max(-1) < 30).astype(np.uint8)
    red = cv2.morphologyEx(red, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    off = np.abs(frame - GREEN).max(-1)[cv2.dilate(red, np.ones((9, 9), np.uint8)) == 0]
    assert off.size > 10_000 and off.max() < 30
    # A doubled texture rings by 7 levels beside an edge this strong, which nobody sees.
    assert (off > 8).sum() < 16, "a few corners, no line"


def test_checker_wall_stays_a_checker_wall(context) -> None:
    """A far textured plane moved by whole pixels is the same picture, shifted."""
    rgb = checker(HEIGHT, WIDTH, 4, (20, 30, 40), (220, 210, 200))
    q = 0.5
    x = 6 / (FOCAL_PX * q)
    frame = render(context, scene_of(sheet(rgb, q)), moved(x=x))
    assert np.abs(frame[:, :-7].astype(int) - rgb[:, 6:-1]).max() <= 3
