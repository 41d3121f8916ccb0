"""Made scenes: exact geometry, sharp edges, reproducible."""

import numpy as np
import pytest

from training import canvas as drawing
from training.canvas import FAR, SHORT_SIDE_PX
from training.depth_data import Sample
from training.scenes import KINDS, Stock, make_scene
from training.shapes import Shape, cut_out, random_plant, random_shape


def photo(seed: int) -> Sample:
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    subject = np.zeros((96, 128), np.uint8)
    subject[30:90, 40:80] = 254
    return Sample(rgb, np.zeros((96, 128), np.float32), subject)


PHOTOS = [photo(i) for i in range(4)]
STOCK = Stock(PHOTOS, PHOTOS)


def level_canvas() -> drawing.Canvas:
    """A square camera that looks straight ahead, its ground drawn."""
    y, x = np.mgrid[:120, :120].astype(np.float32)
    rays = np.stack([(x - 59.5) / 100, (y - 59.5) / 100, np.ones_like(x)], axis=-1)
    depth = np.where(rays[..., 1] > 1 / FAR, 1 / np.maximum(rays[..., 1], 1e-6), FAR).astype(np.float32)
    return drawing.Canvas(rays, np.full((120, 120, 3), 128, np.float32), depth)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2))
def test_scene_is_a_training_sample(kind: str, seed: int) -> None:
    scene, again = (make_scene(kind, STOCK, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(scene.rgb, again.rgb) and np.array_equal(scene.disparity, again.disparity)
    assert scene.rgb.dtype == np.uint8 and scene.rgb.shape == (*scene.disparity.shape, 3)
    assert min(scene.disparity.shape) == SHORT_SIDE_PX
    assert scene.disparity.min() >= -0.1 and 0.9 < scene.disparity.max() <= 1.3


def test_a_stock_without_subjects_makes_shapes() -> None:
    assert make_scene("row", Stock(PHOTOS, []), np.random.default_rng(0)).disparity.max() > 0.9


def test_tables_are_seen_from_above() -> None:
    for seed in range(6):
        scene = make_scene("table", STOCK, np.random.default_rng(seed))
        assert (scene.disparity > 0.02).mean() > 0.75, "ground nearly everywhere, hardly a horizon"


@pytest.mark.parametrize("seed", range(6))
def test_box_stands_on_the_ground_and_hides_it(seed: int) -> None:
    canvas = level_canvas()
    ground = canvas.depth.copy()
    drawing.draw_box(canvas, PHOTOS[0].rgb.astype(np.float32), 0.0, 4.0, np.random.default_rng(seed))
    box = canvas.depth != ground
    assert box.any() and (canvas.depth <= ground).all()
    point = canvas.rays * canvas.depth[..., None]
    assert point[box][:, 1].max() < 1.001, "nothing under the ground"
    assert np.abs(point[box][:, 2] - 4).max() < 1.01 and np.abs(point[box][:, 0]).max() < 1.01
    column = np.flatnonzero(box.any(0))[box.any(0).sum() // 2]
    foot = np.flatnonzero(box[:, column])[-1]
    assert abs(canvas.depth[foot, column] - ground[foot, column]) < 0.12 * ground[foot, column], "its foot touches it"


def test_shape_covers_what_is_behind_it_alone() -> None:
    canvas = level_canvas()
    flat = Shape(np.full((40, 20, 3), 250, np.float32), np.ones((40, 20), np.float32), np.zeros((40, 20), np.float32))
    wall = canvas.depth.copy()
    wall[:, :60] = 0.5  # nearer than the shape
    canvas.depth[:] = wall
    drawing.draw_shape(canvas, flat, 0.0, 3.0, np.random.default_rng(1))
    drawn = canvas.depth != wall
    assert drawn.any() and not drawn[:, :60].any()
    assert (canvas.rgb[drawn] > 185).all(), "the colour is the shape's where the depth is"
    assert (canvas.rgb[:, :60] < 129).all()
    assert np.abs(canvas.depth[drawn] - 3).max() < 0.7


def test_blur_spares_what_is_in_focus() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.uniform(0, 255, (80, 80, 3)).astype(np.float32)
    disparity = np.full((80, 80), 0.1, np.float32)
    disparity[12:72, 12:72] = 1  # more than half: the focus lies on it
    out = drawing.out_of_focus(rgb, disparity, np.random.default_rng(2))
    assert np.abs(out - rgb)[16:68, 16:68].mean() < 1
    assert out[:8].std() < 0.5 * rgb[:8].std()


def test_shapes_have_an_outline_and_a_relief() -> None:
    for seed in range(24):
        make = random_shape if seed % 2 else random_plant
        shape = make(PHOTOS[0].rgb.astype(np.float32), np.random.default_rng(seed))
        inside = shape.alpha > 0.5
        assert 0.01 < inside.mean() < 0.99
        assert shape.relief[inside].max() > 0.02 and shape.relief[shape.alpha == 0].max(initial=0) == 0
    cut = cut_out(PHOTOS[0], np.random.default_rng(0))
    assert cut.alpha.shape == (60, 40) and (cut.alpha == 1).all()
