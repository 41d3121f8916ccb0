"""Textures at the photo's resolution, drawn over one another, give the photo, or nearly where they are soft."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.layers import Layer, LayeredImage, build_layers
from inpaint.tears import Links
from inpaint.textures import NEARLY, compose_textures
from tests.scenes import SCENES, Case, calm_fill, cases

BUDGET_PX = 16.0


def drawn_over(textures: np.ndarray) -> np.ndarray:
    """The front texture over the second one, (H, W, 3) float."""
    alpha = textures[0, ..., 3:].astype(float) / 255
    return textures[0, ..., :3] + (1 - alpha) * textures[1, ..., :3]


def assert_gives_photo(image: LayeredImage, photo: np.ndarray, rim_px: int = 0) -> None:
    """`rim_px` of the photo along its border may be blended with what continues it."""
    textures, border = compose_textures(image, photo)
    h, w = photo.shape[:2]
    assert textures.shape == (len(image.layers), h + 2 * border, w + 2 * border, 4) and textures.dtype == np.uint8
    assert border >= image.border_px * h / (image.layers[0].alpha.shape[0] - 2 * image.border_px) - 1e-6
    inside = np.s_[border : border + h, border : border + w]
    solid = np.s_[rim_px : h - rim_px, rim_px : w - rim_px]
    off = np.abs(drawn_over(textures)[inside][solid] - photo[solid])
    assert off.max() <= 255 * NEARLY + 1.51, "rounded: colour, alpha, and what is behind"
    assert off[textures[0][inside][solid][..., 3] == 255].max(initial=0) <= 1.01, "where it is opaque it is the photo"
    assert (textures[1:, ..., 3] == 255).all(), "only the front layer is soft"


@pytest.mark.parametrize("name", SCENES)
def test_front_over_behind_is_the_photo(name) -> None:
    scene = SCENES[name]()
    image = build_layers(scene.rgb, scene.disparity, BUDGET_PX, calm_fill)
    assert_gives_photo(image, scene.rgb)
    assert compose_textures(image, scene.rgb)[1] == image.border_px


@given(cases(max_side=40))
@settings(max_examples=25, deadline=None)
def test_front_over_behind_is_any_photo(case) -> None:
    assert_gives_photo(build_layers(case.rgb, case.disparity, BUDGET_PX, calm_fill), case.rgb)


@pytest.mark.parametrize("scale", [1.5, 2, 3.25])
def test_photo_larger_than_the_canvas_keeps_its_detail(scale) -> None:
    scene = SCENES["textured planes"]()
    image = build_layers(scene.rgb, scene.disparity, BUDGET_PX, calm_fill)
    h, w = scene.near.shape
    photo = np.random.default_rng(0).integers(0, 256, (round(h * scale), round(w * scale), 3)).astype(np.uint8)
    assert_gives_photo(image, photo, rim_px=math.ceil(2 * scale))


@given(st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_whatever_the_matte_and_the_fill_say(seed) -> None:
    rng = np.random.default_rng(seed)
    h, w, b = 12, 15, 3
    canvas = (h + 2 * b, w + 2 * b)
    photo = rng.integers(0, 256, (h, w, 3)).astype(np.uint8)
    extended = np.pad(photo, ((b, b), (b, b), (0, 0)), mode="edge").astype(np.float32) / 255
    inside = np.pad(np.ones((h, w), bool), b)

    def layer(rgb: np.ndarray, alpha: np.ndarray, drawn: np.ndarray, painted: np.ndarray) -> Layer:
        return Layer(rgb, np.zeros(canvas, np.float32), alpha, Links.all(canvas), drawn, painted)

    everywhere = np.ones(canvas, bool)
    front = layer(extended, rng.uniform(0, 1, canvas).astype(np.float32), everywhere, ~inside)
    fill = rng.uniform(0, 1, (*canvas, 3)).astype(np.float32)
    behind = layer(fill, np.ones(canvas, np.float32), rng.random(canvas) < 0.7, rng.random(canvas) < 0.5)
    image = LayeredImage((front, behind), b, budget_px=2.0)
    assert_gives_photo(image, photo)
    alpha = compose_textures(image, photo)[0][0, ..., 3]
    beside = cv2.dilate((~behind.drawn).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert (alpha[beside] == 255).all(), "opaque where there is nothing to see behind, or next to it"


def test_paint_that_looks_like_the_photo_leaves_the_matte_as_it_is() -> None:
    """What is hardly covered must not grow solid for a few levels: it would move along as a halo."""
    h, w, b = 12, 15, 3
    photo = np.full((h, w, 3), 120, np.uint8)
    canvas = (h + 2 * b, w + 2 * b)
    everywhere, nowhere = np.ones(canvas, bool), np.zeros(canvas, bool)
    flat = np.zeros(canvas, np.float32)
    shown = np.full((*canvas, 3), 120 / 255, np.float32)
    front = Layer(shown, flat, np.full(canvas, 0.1, np.float32), Links.all(canvas), everywhere, nowhere)
    behind = Layer(shown + np.float32(6 / 255), flat, flat + 1, Links.all(canvas), everywhere, everywhere)
    textures, _ = compose_textures(LayeredImage((front, behind), b, budget_px=2.0), photo)
    assert np.unique(textures[0, ..., 3]) == round(0.1 * 255)
    assert np.unique(textures[0, ..., :3]) == round(0.1 * 120), "of the photo's colours, if it is nearly them"


def test_painted_parts_are_painted_and_the_rest_is_the_photo() -> None:
    case = Case("steps", 50, 60, seed=4, colour_follows_depth=True)
    image = build_layers(case.rgb, case.disparity, BUDGET_PX, calm_fill)
    textures, b = compose_textures(image, case.rgb)
    extended = np.pad(case.rgb, ((b, b), (b, b), (0, 0)), mode="edge")
    for layer, texture in zip(image.layers[1:], textures[1:], strict=True):
        near_paint = np.zeros(layer.painted.shape, bool)
        for y in (-1, 0, 1):
            for x in (-1, 0, 1):
                near_paint |= np.roll(layer.painted, (y, x), (0, 1))
        np.testing.assert_array_equal(texture[..., :3][~near_paint], extended[~near_paint])
        solid = layer.painted & ~np.pad(np.zeros((50, 60), bool), b, constant_values=True)
        np.testing.assert_allclose(texture[..., :3][solid] / 255, layer.rgb[solid], atol=0.51)
