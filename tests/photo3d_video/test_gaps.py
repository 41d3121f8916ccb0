"""Gaps in the front that a camera sees as specks are closed, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from inpaint.layers import Layer, LayeredImage
from inpaint.tears import Links
from photo3d_video.errors import GLUnavailableError
from photo3d_video.gaps import close_gaps
from photo3d_video.moves import make_path
from photo3d_video.pipeline import Picture, make_scene, make_view, open_context
from render.renderer import Renderer
from render.scene import Scene
from render.specks import speck_limit, specks

HEIGHT, WIDTH, BORDER = 90, 120, 24
BUDGET_PX = 20.0
GREY, WHITE = 0.4, 1.0
EDGE = 60  # column of the photo where the near side ends
DOT, SLIT = slice(40, 44), slice(5, 85)  # rows that are torn


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    with open_context() as made:
        yield made


def pictured(*torn: slice, wall: float = WHITE, scale: int = 1) -> tuple[Picture, LayeredImage]:
    """A grey front that steps at one column, torn in some rows only; a white wall is far behind it."""
    size = HEIGHT + 2 * BORDER, WIDTH + 2 * BORDER
    x = np.arange(size[1]) - BORDER
    q = np.broadcast_to(np.where(x < EDGE, 0.9, 0.5), size).astype(np.float32)
    right = np.ones((size[0], size[1] - 1), bool)
    for rows in torn:
        right[rows.start + BORDER : rows.stop + BORDER, EDGE + BORDER - 1] = False
    everywhere = np.ones(size, bool)
    links = Links.all(size)

    def layer(level: float, disparity: np.ndarray, links: Links, painted: bool) -> Layer:
        colour = np.full((*size, 3), level, np.float32)
        return Layer(colour, disparity, np.ones(size, np.float32), links, everywhere, everywhere & painted)

    behind = layer(wall, np.full(size, 0.1, np.float32), links, True)
    layers = LayeredImage((layer(GREY, q, Links(right, links.down), False), behind), BORDER, BUDGET_PX)
    rgb = np.full((HEIGHT * scale, WIDTH * scale, 3), round(GREY * 255), np.uint8)
    inside = np.s_[BORDER:-BORDER, BORDER:-BORDER]
    return Picture(rgb, q[inside].copy(), None, float(WIDTH * scale)), layers


def seen(context: Any, picture: Picture, scene: Scene, path: str = "orbit") -> list[np.ndarray]:
    """Frames (H, W, 3) of another path than the one that gaps are looked for with."""
    cameras = make_path(path, make_view(picture, BUDGET_PX * picture.rgb.shape[1] / WIDTH), 10)
    views = zip(cameras.world_to_camera, cameras.focal_factor, cameras.shift, strict=True)
    with Renderer(context, scene, scene.width_px, scene.height_px) as renderer:
        return list(renderer.frames(views))


def n_specks(context: Any, picture: Picture, scene: Scene) -> int:
    limit = speck_limit(picture.rgb, BUDGET_PX * picture.rgb.shape[1] / WIDTH)
    return sum(int(specks(frame, limit).sum()) for frame in seen(context, picture, scene))


@pytest.mark.parametrize("scale", [1, 2])
def test_a_dot_of_what_is_behind_is_closed(context, scale) -> None:
    """Also in a clip that is larger than its layers."""
    picture, layers = pictured(slice(40, 44 if scale == 1 else 42), scale=scale)  # a dot of few pixels of the clip
    scene = make_scene(picture, layers)
    assert n_specks(context, picture, scene) > 10
    assert n_specks(context, picture, close_gaps(context, picture, layers, scene)) == 0


def test_a_tear_that_opens_wide_stays(context) -> None:
    picture, layers = pictured(SLIT)
    scene = make_scene(picture, layers)
    closed = close_gaps(context, picture, layers, scene)
    before, after = (max((frame[20:70] > 200).mean() for frame in seen(context, picture, s)) for s in (scene, closed))
    assert before > 0.02 and after == pytest.approx(before, rel=0.05)


def test_only_what_shows_is_closed(context) -> None:
    """White behind grey shows, grey behind grey does not."""
    picture, layers = pictured(DOT, slice(70, 74))
    front, behind = layers.layers
    colour = behind.rgb.copy()
    colour[60 + BORDER :] = GREY
    layers = LayeredImage((front, Layer(colour, *list(vars(behind).values())[1:])), BORDER, BUDGET_PX)
    scene = make_scene(picture, layers)
    closed = close_gaps(context, picture, layers, scene)
    assert n_specks(context, picture, closed) == 0 < n_specks(context, picture, scene)
    lower = make_scene(*pictured(slice(70, 74)))
    assert len(closed.soft) == len(lower.soft), "the lower gap is as it was"


def test_where_there_are_no_specks_the_scene_is_the_same(context) -> None:
    for torn, wall in (((), WHITE), ((DOT,), GREY)):
        picture, layers = pictured(*torn, wall=wall)
        scene = make_scene(picture, layers)
        assert close_gaps(context, picture, layers, scene) is scene
    still = LayeredImage(layers.layers, BORDER, 0.0)
    assert close_gaps(context, picture, still, scene) is scene


def test_a_driver_that_cannot_hold_the_scene_is_told_of() -> None:
    picture, layers = pictured()
    weak = SimpleNamespace(info={"GL_MAX_TEXTURE_SIZE": 64})
    with pytest.raises(GLUnavailableError, match="textures up to 64 px"):
        close_gaps(weak, picture, layers, make_scene(picture, layers))


def test_bends_that_show_as_much_are_none(context, monkeypatch) -> None:
    from photo3d_video import gaps

    picture, layers = pictured(DOT)
    scene = make_scene(picture, layers)
    monkeypatch.setattr(gaps, "_closed", lambda layers, boxes: layers)  # closing changes nothing that one would see
    assert close_gaps(context, picture, layers, scene) is scene
