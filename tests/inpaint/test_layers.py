"""What lies behind the photo: painted from the background alone, behind what hides it, and complete."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.canvas import extend
from inpaint.chains import find_tears
from inpaint.fill import FILLS
from inpaint.layers import Layer, LayeredImage, build_layers, peel, remove_fragments
from inpaint.network_fill import WEIGHTS, load_network
from inpaint.sight import Sight
from inpaint.tears import Links, torn_pairs
from photo3d_video.depth.builtin import without_triton
from tests.scenes import (
    BLUE,
    FAR,
    GREEN,
    NEAR,
    RED,
    SCENES,
    Scene,
    calm_fill,
    cases,
    plain,
    ramp,
    staircase,
    tear_band,
    textured_planes,
    two_planes,
)

BUDGET_PX = 24.0


@dataclass
class Spy:
    """A fill that remembers what it was asked."""

    calls: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    def __call__(self, rgb, disparity, unknown, context) -> tuple[np.ndarray, np.ndarray]:
        self.calls.append((unknown, context))
        return calm_fill(rgb, disparity, unknown, context)


def level_fill(rgb, disparity, unknown, context) -> tuple[np.ndarray, np.ndarray]:
    """A fill that puts everything at the wall's depth."""
    return calm_fill(rgb, disparity, unknown, context)[0], np.where(unknown, np.float32(FAR), disparity)


def layers_of(scene: Scene, budget_px: float = BUDGET_PX, fill=calm_fill) -> LayeredImage:
    return build_layers(scene.rgb, scene.disparity, budget_px, fill)


def on_canvas(mask: np.ndarray, image: LayeredImage) -> np.ndarray:
    return np.pad(mask, image.border_px)


def assert_sound(image: LayeredImage, photo_shape: tuple[int, int]) -> None:
    """What holds for every layered image."""
    b = image.border_px
    assert b >= image.budget_px and len(image.layers) >= 2
    canvas = (photo_shape[0] + 2 * b, photo_shape[1] + 2 * b)
    for layer in image.layers:
        assert layer.rgb.shape == (*canvas, 3)
        assert layer.disparity.shape == layer.alpha.shape == layer.drawn.shape == layer.painted.shape == canvas
        assert layer.rgb.dtype == layer.disparity.dtype == layer.alpha.dtype == np.float32
        for plane in (layer.rgb, layer.disparity, layer.alpha):
            assert np.isfinite(plane).all() and plane.min() >= 0 and plane.max() <= 1 + 1e-6
    front, *behind = image.layers
    assert front.drawn.all()
    assert front.painted[0].all() and not front.painted[b:-b, b:-b].any(), "the photo itself is not painted over"
    for nearer, farther in zip(image.layers, behind, strict=False):
        assert (farther.disparity <= nearer.disparity + 1e-6).all(), "nothing comes to lie before what hides it"
    for layer in behind[:-1]:
        own = layer.drawn & ~layer.painted
        np.testing.assert_array_equal(layer.rgb[own], front.rgb[own], err_msg="it may come out in front by a hair")
    backdrop = behind[-1]
    assert backdrop.drawn.all() and backdrop.links.right.all() and backdrop.links.down.all()


def test_specks_take_the_depth_around_them_and_surfaces_stay() -> None:
    scene = two_planes(200, 300)
    q = scene.disparity.copy()
    q[20, 30] = 1.0
    cleaned = remove_fragments(q, find_tears(q, budget_px=1e4))  # at which even a speck counts as torn
    np.testing.assert_array_equal(cleaned, scene.disparity)


def test_no_depth_between_both_sides_appears_where_a_sliver_was_removed_from_an_edge() -> None:
    scene = two_planes(192, 256)
    left = int(np.flatnonzero(scene.near.any(0))[0])
    scene.disparity[90:95, left : left + 2] = 0.05  # torn from the wall and from the rectangle
    front = layers_of(scene).layers[0].disparity
    assert not ((front > FAR + 0.1) & (front < NEAR - 0.1)).any()


@pytest.mark.parametrize("name", SCENES)
def test_scenes_become_sound_layers(name) -> None:
    scene = SCENES[name]()
    image = layers_of(scene)
    assert_sound(image, scene.near.shape)
    assert len(image.layers) >= 3, "there is something to look behind"


@given(cases(max_side=40), st.sampled_from([0.0, 0.7, 6.0, 30.0]))
@settings(max_examples=40, deadline=None)
def test_any_picture_becomes_sound_layers(case, budget_px) -> None:
    assert_sound(build_layers(case.rgb, case.disparity, budget_px, calm_fill), case.disparity.shape)


def test_one_surface_has_nothing_behind_it() -> None:
    q = ramp()
    image = build_layers(plain(*q.shape, GREEN), q, BUDGET_PX, calm_fill)
    assert_sound(image, q.shape)
    assert len(image.layers) == 2, "the photo and the backdrop"


def test_wall_goes_on_behind_the_rectangle() -> None:
    scene = two_planes()
    image = layers_of(scene)
    second = image.layers[1]
    behind = on_canvas(scene.near, image) & second.drawn
    assert behind.any()
    np.testing.assert_allclose(second.disparity[behind], FAR, atol=0.02)
    np.testing.assert_allclose(second.rgb[behind] * 255, np.broadcast_to(GREEN, (behind.sum(), 3)), atol=8)


def test_what_is_painted_meets_the_rim_that_it_goes_on_from() -> None:
    scene = two_planes()
    beside = np.clip(1 - cv2.distanceTransform((~scene.near).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) / 6, 0, 1)
    raised = np.where(scene.near, scene.disparity, scene.disparity + 0.05 * beside).astype(np.float32)
    image = layers_of(Scene(scene.rgb, raised, scene.near), fill=level_fill)
    front, wall = image.layers[:2]
    pairs = torn_pairs(front.links, front.disparity)
    steps_px = (wall.disparity.ravel()[pairs.near] - wall.disparity.ravel()[pairs.far]) * image.budget_px
    assert len(pairs.near) > 100 and np.abs(steps_px).max() < 0.2, "no crack opens at the rim"
    middle = on_canvas(scene.near, image) & (front.disparity - wall.disparity > NEAR - FAR - 0.01)
    assert middle.any(), "and farther away the wall is where the fill has put it"


def test_as_much_is_painted_as_the_budget_can_reveal() -> None:
    scene = two_planes(160, 200)
    image = layers_of(scene)
    shown = image.layers[1].drawn | image.layers[1].painted
    depth_in = cv2.distanceTransform(on_canvas(scene.near, image).astype(np.uint8), cv2.DIST_L2, 5)
    reveal_px = (NEAR - FAR) * BUDGET_PX
    assert shown[(depth_in > 0) & (depth_in < reveal_px)].all()
    assert not shown[depth_in > 2.5 * reveal_px + 10].any(), "and not much more"


def test_each_step_of_a_staircase_hides_a_layer() -> None:
    scene = staircase(160, 200)
    image = layers_of(scene)
    assert_sound(image, scene.near.shape)
    middle = np.zeros(scene.near.shape, bool)
    middle[35:60, 100] = True  # on the middle step and the highest one
    over_middle = on_canvas(scene.near & middle, image)
    second = image.layers[1]
    revealed = over_middle & second.painted & second.drawn
    assert revealed.any()
    # The middle step goes on behind the highest one, not the wall.
    np.testing.assert_allclose(second.disparity[revealed], 0.45, atol=0.05)


def test_what_a_move_can_look_behind_is_painted_even_where_something_nearer_goes_first() -> None:
    rgb, q = plain(140, 220, GREEN), np.full((140, 220), 0.1, np.float32)
    rgb[:, 100:], q[:, 100:] = BLUE, 0.5
    rgb[40:100, 116:170], q[40:100, 116:170] = RED, 0.75  # before the blue surface, close to its edge
    image = build_layers(rgb, q, BUDGET_PX, calm_fill)
    b = image.border_px
    opened = np.s_[b + 50 : b + 90, b + 100 : b + 100 + round(0.4 * BUDGET_PX)]
    assert not image.layers[1].painted[opened].all(), "the red surface goes first"
    assert image.layers[2].painted[opened].all()
    green = np.broadcast_to(np.array(GREEN, np.float32) / 255, image.layers[-1].rgb[opened].shape)
    np.testing.assert_allclose(image.layers[-1].rgb[opened], green, atol=0.1)


def test_a_crumb_of_what_waits_leaves_no_hole_in_what_is_painted() -> None:
    q = np.full((300, 400), 0.1, np.float32)
    q[:, 160:], q[:, 180:] = 0.6, 0.9
    links, crumb, middle = find_tears(q, BUDGET_PX), np.s_[150:153, 178:180], np.s_[100:200, 170:177]
    q[crumb] = 0.72  # a slope joins it to the middle surface, as where a tear ends
    rgb = np.zeros((*q.shape, 3), np.float32)
    rgb[:, 160:180, 1], rgb[:, :160, 2] = 1, 1
    everywhere = np.ones(q.shape, bool)
    front = Layer(rgb, q, np.ones_like(q), links, everywhere, ~everywhere)
    layer, _, hidden = peel(front, Links.none(q.shape), ~everywhere, BUDGET_PX, calm_fill)
    beside = np.s_[150:153, 180:182]
    assert hidden[beside].all() and not hidden[middle].any(), "the middle surface waits behind the near one"
    assert layer.drawn[crumb].all()
    np.testing.assert_allclose(layer.disparity[crumb], layer.disparity[beside], atol=0.03)
    np.testing.assert_allclose(layer.rgb[crumb], layer.rgb[beside], atol=0.02)


@pytest.mark.parametrize("name", ["two planes", "textured planes", "thin pole", "slanted plane with hole"])
def test_context_is_background_that_can_be_trusted(name) -> None:
    scene, spy = SCENES[name](), Spy()
    image = layers_of(scene, fill=spy)
    (outside, inside), *peels = spy.calls
    b = image.border_px
    np.testing.assert_array_equal(inside, np.pad(np.ones(scene.near.shape, bool), b))
    np.testing.assert_array_equal(outside, ~inside)
    assert peels
    near, front = np.pad(scene.near, b, mode="edge"), image.layers[0]
    for unknown, context in peels:
        assert not (unknown & context).any(), "what is painted is no context"
    unknown, context = peels[0]
    assert context.any() and unknown.any()
    assert not (context & near & inside).any(), "the nearer surface bleeds into what it hides"
    assert not (context & (front.alpha < 0.99)).any(), "mixed colours are no context"
    touching = tear_band(find_tears(extend(scene.disparity, b), BUDGET_PX), 1)
    assert not (context & touching & inside).any(), "nor is what touches the silhouette"


def test_hidden_colours_do_not_matter() -> None:
    scene = textured_planes()
    inner = cv2.erode(scene.near.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    assert inner.any()
    repainted = scene.rgb.copy()
    repainted[inner] = (10, 20, 250)
    layers = layers_of(scene), layers_of(Scene(repainted, scene.disparity, scene.near))
    for one, other in zip(*(image.layers[1:] for image in layers), strict=True):
        shown = one.painted & one.drawn & on_canvas(scene.near, layers[0])
        np.testing.assert_array_equal(other.rgb[shown], one.rgb[shown])
        np.testing.assert_array_equal(other.disparity, one.disparity)


@pytest.fixture(params=FILLS)
def fill(request):
    if request.param == "network":
        with without_triton():
            load_network(WEIGHTS)
    return FILLS[request.param]


@pytest.mark.parametrize("size", [(60, 80), (150, 130)])
def test_fills_paint_the_unknown_from_the_context_alone(fill, size) -> None:
    scene = textured_planes(*size)
    rgb = scene.rgb.astype(np.float32) / 255
    unknown = scene.near
    distance = cv2.distanceTransform((~unknown).astype(np.uint8), cv2.DIST_L2, 5)
    context = (distance > 0) & (distance < 15)
    context[:, size[1] // 2 :] &= distance[:, size[1] // 2 :] > 4  # on one side it begins some way off
    given = rgb, np.where(unknown, np.float32(0.2), scene.disparity).astype(np.float32)
    before = [g.copy() for g in given]
    painted = fill(*given, unknown, context)
    for new, old, kept in zip(painted, given, before, strict=True):
        np.testing.assert_array_equal(old, kept, err_msg="the input is not touched")
        assert new.shape == old.shape and new.dtype == np.float32
        np.testing.assert_array_equal(new[~unknown], old[~unknown])
        assert new.min() >= 0 and new.max() <= 1
    colour = painted[0][unknown]
    assert np.abs(colour * 255 - np.array(RED)).max(1).min() > 40, "no trace of the subject"
    again = fill(*given, unknown, context)
    # Everything but the context is another picture; the disparity under the hole is the smooth one that is given.
    other = fill(np.where(context[..., None], rgb, 1 - rgb), given[1], unknown, context)
    for new, same, third in zip(painted, again, other, strict=True):
        np.testing.assert_array_equal(same, new)
        np.testing.assert_allclose(third[unknown], new[unknown], atol=1e-6)


def test_fills_bear_extremes(fill) -> None:
    rng = np.random.default_rng(0)
    rgb, q = rng.random((40, 50, 3)).astype(np.float32), rng.random((40, 50)).astype(np.float32)
    nothing, everything = np.zeros((40, 50), bool), np.ones((40, 50), bool)
    for new, old in zip(fill(rgb, q, nothing, everything), (rgb, q), strict=True):
        np.testing.assert_array_equal(new, old)
    speck = nothing.copy()
    speck[20, 25] = True
    for unknown, context in ((everything, nothing), (~speck, speck)):
        for new in fill(rgb, q, unknown, context):
            assert np.isfinite(new).all()


def test_estimated_depth_is_not_torn_round_scraps() -> None:
    q = np.full((300, 400), 0.1, np.float32)
    q[50:250, 150:350] = 0.9
    q[120:136, 138:150] = 0.45  # between the near thing and the wall
    rgb = np.zeros((*q.shape, 3), np.uint8)
    rgb[q == np.float32(0.9)], rgb[q == np.float32(0.45)] = (250, 0, 0), (0, 250, 0)

    def tears_across_scrap(sight: Sight | None) -> int:
        image = build_layers(rgb, q, BUDGET_PX, calm_fill, sight)
        return int((~image.layers[0].links.right[image.border_px + 128, image.border_px + 120 :][:60]).sum())

    assert tears_across_scrap(None) == 2
    assert tears_across_scrap(Sight(rgb, cv2.GaussianBlur(q, (0, 0), 6))) == 1


def torn_columns(rgb: np.ndarray, q: np.ndarray, seen: np.ndarray, rows: slice) -> np.ndarray:
    """(W,) columns in which the front is torn below one of the photo's `rows`; `seen` is depth not yet sharpened."""
    image = build_layers(rgb, q, BUDGET_PX, calm_fill, Sight(rgb, seen))
    inside = slice(image.border_px, -image.border_px)
    return (~image.layers[0].links.down[image.border_px :, inside][rows]).any(0)


def test_where_three_surfaces_meet_a_slight_tear_does_not_show_the_farthest() -> None:
    wall, low, high = 0.1, 0.84, 0.9
    q = np.full((240, 320), wall, np.float32)
    q[:120, 100:], q[120:, 100:] = high, low
    rgb = np.full((*q.shape, 3), 255, np.uint8)
    rgb[:120, 100:], rgb[120:, 100:] = (200, 0, 0), (0, 0, 200)
    opens_px = (low - wall) * BUDGET_PX

    estimated, measured = (torn_columns(rgb, q, seen, slice(116, 124)) for seen in (cv2.GaussianBlur(q, (0, 0), 6), q))
    assert not estimated[104 : 100 + int(opens_px)].any(), "behind this the wall alone could be painted"
    assert estimated[100 + int(3 * opens_px) : 300].all(), "behind this the lower surface is"
    assert measured[104:300].all(), "what was measured is known to step there"


def test_a_slight_tear_beside_too_little_to_paint_from_does_not_show_the_farthest() -> None:
    q = np.full((240, 320), 0.1, np.float32)
    q[:, 100:] = 0.9
    gap = np.s_[110:120, 100:200]
    q[gap] = 0.84
    rgb = np.full((*q.shape, 3), 255, np.uint8)
    rgb[:, 100:], rgb[gap] = (200, 0, 0), (0, 0, 200)
    estimated, measured = (torn_columns(rgb, q, seen, slice(107, 123)) for seen in (cv2.GaussianBlur(q, (0, 0), 6), q))
    assert not estimated[104:160].any(), "behind this the wall would be painted"
    assert estimated[170:196].all(), "the wall is too far off here"
    assert measured[104:196].all()
