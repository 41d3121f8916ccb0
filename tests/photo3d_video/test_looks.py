"""Looks are API: what every preset shows of a drawn scene stays what it is in `looks.png`.

`python -m tests.photo3d_video.test_looks` writes that picture anew, for a change of looks that is meant.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from camera_paths import PRESETS, View, camera_path
from photo3d_video.pipeline import BUDGET_SHARE
from render.mesh import Surface, build_mesh
from render.renderer import Renderer, create_context
from render.scene import Scene, build_scene

LOOKS = Path(__file__).with_name("looks.png")
WIDTH, HEIGHT, BORDER = 160, 120, 24
FOCAL_PX = 150.0
BUDGET_PX = BUDGET_SHARE * float(np.hypot(WIDTH, HEIGHT))
NEAR, FAR = 0.9, 0.15
VIEW = View(WIDTH, HEIGHT, FOCAL_PX, BUDGET_PX, 1 / NEAR, (0.55, 0.45))
FRAMES = (1, 4)  # of a clip of 7
THUMBNAIL = (40, 30)
# Mean over a preset's thumbnails, of 255. A move that is 10 % larger changes them by 0.8 to 3.
TOLERANCE = 0.6


def scene() -> Scene:
    """A disc in front of a wall that goes on behind it and past the frame. Both have soft patterns, which look alike
    however textures are filtered."""
    y, x = np.mgrid[-BORDER : HEIGHT + BORDER, -BORDER : WIDTH + BORDER].astype(np.float32) + 0.5
    waves = np.sin(x / 4) * np.sin(y / 4)
    wall = np.stack([100 + 100 * waves, 120 - 80 * waves, 150 + x / 4], -1)
    stripes = np.sin((x + y) / 4)
    disc = np.stack([190 + 60 * stripes, 90 + 60 * stripes, 60 + 0 * x], -1)
    inside = np.hypot(x - 0.55 * WIDTH, y - 0.45 * HEIGHT) < 0.28 * HEIGHT
    textures, meshes = [], []
    for rgb, q, drawn in ((disc, NEAR, inside), (wall, FAR, np.ones_like(inside))):
        textures.append(np.dstack([rgb.clip(0, 255), np.full(x.shape, 255)]).astype(np.uint8))
        links = np.ones((x.shape[0], x.shape[1] - 1), bool), np.ones((x.shape[0] - 1, x.shape[1]), bool)
        plane, opaque = np.full(x.shape, q, np.float32), np.ones(x.shape, np.float32)
        meshes.append(build_mesh(Surface(plane, *links, drawn), opaque, BUDGET_PX))
    return build_scene(meshes, BORDER, 1.0, np.stack(textures), BORDER, FOCAL_PX, BUDGET_PX)


def draw_looks(view: View = VIEW) -> np.ndarray:
    """A row of thumbnails per preset, (15 * h, 2 * w, 3) uint8."""
    rows = []
    with create_context() as context, Renderer(context, scene(), WIDTH, HEIGHT) as renderer:
        for name in PRESETS:
            path, cells = camera_path(name, view, 7), []
            for k in FRAMES:
                renderer.draw(path.world_to_camera[k], float(path.focal_factor[k]), path.shift[k])
                cells.append(cv2.resize(renderer.read(), THUMBNAIL, interpolation=cv2.INTER_AREA))
            rows.append(np.hstack(cells))
    return np.vstack(rows)


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    return draw_looks()


@pytest.mark.parametrize("number", range(len(PRESETS)), ids=PRESETS)
def test_pinned_looks(drawn: np.ndarray, number: int) -> None:
    pinned = np.asarray(Image.open(LOOKS)).astype(float)
    assert drawn.shape == pinned.shape
    row = slice(number * THUMBNAIL[1], (number + 1) * THUMBNAIL[1])
    assert np.abs(drawn[row] - pinned[row]).mean() < TOLERANCE


if __name__ == "__main__":
    Image.fromarray(draw_looks()).save(LOOKS, optimize=True)
