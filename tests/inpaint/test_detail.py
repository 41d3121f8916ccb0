"""Detail: painted surfaces get the detail of their surroundings, and only what they lack."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.detail import EVEN_PAST_BORDER, LEAST, add_detail

HOLE = np.zeros((240, 320), bool)
HOLE[50:190, 60:260] = True
MIDDLE = np.s_[100:140, 110:210]  # deeper than DEEP_PX


def noisy(deviation: float) -> np.ndarray:
    grain = np.random.default_rng(3).normal(0.5, deviation, HOLE.shape).astype(np.float32)
    return np.repeat(np.clip(grain, 0, 1)[..., None], 3, axis=2)


@pytest.mark.parametrize("deviation, share", [(0.02, 1), (0.04, 1), (0.25, LEAST)])
def test_smooth_hole_in_even_ground_gets_all_of_its_grain_if_it_is_not_strong(deviation: float, share: float) -> None:
    picture = noisy(deviation)
    picture[HOLE] = 0.5
    out = add_detail(picture, HOLE, ~HOLE)
    assert np.array_equal(out[~HOLE], picture[~HOLE])
    assert np.array_equal(out, add_detail(picture, HOLE, ~HOLE))
    assert out[MIDDLE].std() == pytest.approx(share * picture[:24].std(), rel=0.35)
    assert abs(out[MIDDLE].mean() - 0.5) < 0.01


def test_uneven_ground_lends_a_part_of_its_detail() -> None:
    blocks = np.random.default_rng(1).random((8, 11)) < 0.4
    uneven = np.kron(blocks, np.ones((32, 32)))[: HOLE.shape[0], : HOLE.shape[1], None]
    picture = 0.5 + (noisy(0.04) - 0.5) * uneven.astype(np.float32)
    picture[HOLE] = 0.5
    out = add_detail(picture, HOLE, ~HOLE)
    assert 0 < out[MIDDLE].std() < 1.5 * LEAST * picture[~HOLE].std()


def test_what_lies_past_the_border_gets_more() -> None:
    picture = noisy(0.25)
    strip = np.zeros_like(HOLE)
    strip[:, 220:] = True
    picture[strip] = 0.5
    out = add_detail(picture, strip, ~strip)
    assert out[20:220, 280:].std() == pytest.approx(EVEN_PAST_BORDER[0] * picture[:, :200].std(), rel=0.35)
    assert out[20:220, 280:].std() > 2 * LEAST * picture[:, :200].std()
    assert out[20:220, 224:230].std() > 0.75 * out[20:220, 280:].std(), "moves show no more than its first pixels"


def test_even_grain_begins_soon_after_the_seam() -> None:
    picture = noisy(0.03)
    picture[HOLE] = 0.5
    strip = add_detail(picture, HOLE, ~HOLE)[62:72, 110:210]  # 12 to 22 px deep
    assert strip.std() == pytest.approx(0.03, rel=0.35)


def test_flat_ground_stays_flat() -> None:
    picture = np.full((*HOLE.shape, 3), 0.4, np.float32)
    assert np.abs(add_detail(picture, HOLE, ~HOLE) - picture).max() < 1e-4


def test_one_edge_is_no_texture() -> None:
    picture = np.full((*HOLE.shape, 3), 0.2, np.float32)
    picture[:, 280:] = 0.9
    assert np.abs(add_detail(picture, HOLE, ~HOLE) - picture).max() < 0.07 * 0.7


def test_grainy_fill_gets_no_more() -> None:
    picture = noisy(0.1)
    change = add_detail(picture, HOLE, ~HOLE) - picture
    assert change[MIDDLE].std() < 0.2 * 0.1


def test_hidden_pixels_do_not_count() -> None:
    picture = noisy(0.2)
    hidden = np.zeros_like(HOLE)
    hidden[:, 260:] = True
    picture[~hidden] = 0.5
    assert np.abs(add_detail(picture, HOLE, ~HOLE & ~hidden) - picture).max() < 0.01


def test_detail_keeps_its_shapes() -> None:
    rows = 0.5 + 0.1 * np.sign(np.sin(np.arange(len(HOLE)) / 2)).astype(np.float32)
    picture = np.repeat(np.repeat(rows[:, None], HOLE.shape[1], axis=1)[..., None], 3, axis=2)
    picture[HOLE] = 0.5
    out = add_detail(picture, HOLE, ~HOLE)[MIDDLE][..., 0]
    assert np.abs(np.diff(out, axis=0)).mean() > 5 * np.abs(np.diff(out, axis=1)).mean(), "lines stay lines"
    assert out.std() > 0.5 * LEAST * 0.1


def test_each_side_borrows_from_its_like() -> None:
    picture = noisy(0.08)
    picture[:, 160:] *= 0.4  # a busy bright half, a calm dark one
    picture[:, 160:] = 0.2 + 0.02 * (picture[:, 160:] - 0.2)
    picture[HOLE] = np.where(np.arange(320) < 160, 0.5, 0.2)[None, :, None].repeat(240, 0)[HOLE]
    change = np.abs(add_detail(picture, HOLE, ~HOLE) - picture)
    assert change[100:140, 110:140].mean() > 5 * change[100:140, 180:210].mean()


@given(height=st.integers(1, 120), width=st.integers(1, 120), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_pictures_and_holes_of_any_shape(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.random((height, width, 3)).astype(np.float32)
    coarse = rng.random((height // 20 + 1, width // 20 + 1))
    blocks = np.kron(coarse, np.ones((20, 20)))[:height, :width]
    unknown, context = blocks < 0.4, blocks > 0.5
    out = add_detail(picture, unknown, context)
    assert out.shape == picture.shape and np.isfinite(out).all()
    assert np.array_equal(out[~unknown], picture[~unknown])
    hidden = ~unknown & ~context
    picture[hidden] = 1 - picture[hidden]
    assert np.array_equal(add_detail(picture, unknown, context)[unknown], out[unknown]), "what is hidden has no say"
