"""Where a move folds a slope, the nearer side keeps its outline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.folds import MIN_QUADS, fold_sheets
from render.mesh import Mesh, Surface, build_mesh
from render.renderer import Renderer, create_context
from render.scene import build_scene
from render.sheets import Sheets

HEIGHT, WIDTH = 60, 100
BUDGET_PX, FOCAL_PX = 30.0, 90.0
NEAR, FAR = 0.8, 0.3
RED, BLUE = (200, 60, 40), (40, 80, 160)
MIDDLE = 50.0
Y, X = np.mgrid[:HEIGHT, :WIDTH] + 0.5
WHOLE = np.ones((HEIGHT, WIDTH), bool)


def beyond(slant: float) -> np.ndarray:
    """How far to the right of an outline pixels are."""
    return X - MIDDLE - slant * (Y - HEIGHT / 2)


def slope(width_px: float, slant: float = 0.0, far: float = FAR) -> np.ndarray:
    """Disparity that falls to the right over so many pixels, the outline in the middle."""
    return (far + (NEAR - far) * np.clip(0.5 - beyond(slant) / width_px, 0, 1)).astype(np.float32)


def painted(slant: float = 0.0, near=RED, far=BLUE, blur_px: float = 1.0) -> np.ndarray:
    """One colour to the left of the outline, another one to the right."""
    share = np.clip(0.5 - beyond(slant) / blur_px, 0, 1)[..., None]
    return (np.array(near) * share + np.array(far) * (1 - share)).astype(np.float32) / 255


def folded(
    q: np.ndarray, rgb: np.ndarray, quads: np.ndarray = WHOLE[1:, 1:], budget: float = BUDGET_PX
) -> Sheets | None:
    return fold_sheets(q, WHOLE[:, 1:], WHOLE[1:], quads, rgb, budget)


def on_map(sheets: Sheets, values: np.ndarray) -> np.ndarray:
    """(H, W) what vertices hold, NaN where there is none."""
    plane = np.full((HEIGHT, WIDTH), np.nan)
    x, y = np.floor(sheets.xy).astype(int).T
    plane[y, x] = values
    return plane


def mesh_of(q: np.ndarray, rgb: np.ndarray | None, alpha: np.ndarray | None = None) -> Mesh:
    alpha = np.ones_like(q) if alpha is None else alpha
    return build_mesh(Surface(q, WHOLE[:, 1:], WHOLE[1:], WHOLE), alpha, BUDGET_PX, rgb=rgb)


def seen(mesh: Mesh, rgb: np.ndarray, x: float) -> np.ndarray:
    """The frame of a camera that has moved to the right by x, (H, W, 3) in 0..255."""
    texture = np.dstack([np.round(rgb * 255), np.full(rgb.shape[:2], 255)]).astype(np.uint8)
    scene = build_scene([mesh], 0, 1.0, texture[None], 0, FOCAL_PX, BUDGET_PX)
    pose = np.eye(4)
    pose[0, 3] = -x
    with create_context() as context, Renderer(context, scene, WIDTH, HEIGHT) as renderer:
        renderer.draw(pose, 1.0, np.zeros(2))
        return renderer.read().astype(float)


def outline(frame: np.ndarray) -> np.ndarray:
    """(H,) where red ends in each row, px."""
    apart = np.subtract(RED, BLUE, dtype=float)
    share = ((frame - BLUE) @ apart / (apart @ apart)).clip(0, 1)
    return share[:, 20:].sum(1) + 20  # what comes in from the left is none of it


def test_the_near_side_goes_on_over_a_slope_as_far_as_its_colours_do() -> None:
    sheets = folded(slope(6), painted())
    assert sheets is not None
    levels, fade = on_map(sheets, sheets.disparity), on_map(sheets, sheets.fade)
    used = ~np.isnan(levels)
    np.testing.assert_allclose(levels[used], NEAR, rtol=1e-5)
    assert (fade[used & (X < MIDDLE - 1.5)] == 1).all() and (fade[used & (X > MIDDLE + 0.5)] == 0).all()
    assert used[:, int(MIDDLE) - 2 : int(MIDDLE) + 1].all(), "from top to bottom"
    assert sheets.soft.all() and (sheets.triangles >= HEIGHT * WIDTH).all()
    np.testing.assert_array_equal(sheets.xy, sheets.uv)


@pytest.mark.parametrize("shift", [-1.5, 0.0, 1.5])
def test_where_it_ends_is_told_by_colours_not_by_the_slope(shift) -> None:
    rgb = np.where(beyond(0)[..., None] < shift, np.float32(RED), np.float32(BLUE)) / 255
    sheets = folded(slope(8), rgb)
    assert sheets is not None
    fade = on_map(sheets, sheets.fade)[HEIGHT // 2]
    assert abs(X[0][np.nanargmin(np.abs(fade - 0.5))] - (MIDDLE + shift - 1)) <= 1


def test_what_no_move_folds_is_left_alone() -> None:
    assert folded(slope(16), painted()) is None, "less than a pixel from one to the next"
    assert folded(slope(6), painted(), budget=6.0) is None and folded(slope(6), painted(), budget=0.0) is None
    assert folded(slope(1, far=NEAR - 0.06), painted()) is None, "a step, but of less than two pixels"
    assert folded(slope(6), painted(far=np.add(RED, 6))) is None, "no outline"


def test_torn_quads_have_sheets_of_their_own_and_specks_none() -> None:
    quads = np.ones((HEIGHT - 1, WIDTH - 1), bool)
    quads[20:40] = False
    sheets = folded(slope(6), painted(), quads)
    assert sheets is not None
    rows = sheets.xy[sheets.triangles - HEIGHT * WIDTH][..., 1]
    assert ((rows.max(1) < 21) | (rows.min(1) > 40)).all()
    quads[:] = False
    quads[28:31] = True  # three rows of a slope of six
    assert MIN_QUADS > 3 * 7 and folded(slope(6), painted(), quads) is None


@pytest.mark.parametrize("blur_px", [1.0, 5.0])
@pytest.mark.parametrize("slant", [0.0, 0.3, -0.45])
def test_a_fold_keeps_the_outline_in_place_and_smooth(slant, blur_px) -> None:
    q, rgb = slope(6, slant), painted(slant, blur_px=blur_px)
    x = -0.2  # the near side slides over the far one by 9 px
    expected = MIDDLE + slant * (Y[:, 0] - HEIGHT / 2) - FOCAL_PX * x * NEAR
    inner = slice(6, -6)
    bare, covered = (outline(seen(mesh_of(q, colours), rgb, x))[inner] - expected[inner] for colours in (None, rgb))
    assert np.abs(covered).max() < 1.5 and bare.mean() < -2, "the slope was the near side's, in part"
    if slant:
        assert np.ptp(covered) < 0.4 and bare.std() > 0.3, "the bare edge of a mesh is jagged"


def test_a_sheet_shows_nothing_new_at_the_source_view_and_none_of_what_is_behind_it() -> None:
    rng = np.random.default_rng(0)
    rgb = np.clip(painted(0.2) + rng.normal(0, 0.02, (HEIGHT, WIDTH, 1)), 0, 1).astype(np.float32)
    mesh = mesh_of(slope(6, 0.2), rgb)
    assert mesh.soft.any()
    assert np.abs(seen(mesh, rgb, 0.0) - rgb * 255)[1:-1, 1:-1].max() <= 3
    for x in (-0.2, -0.1, 0.1, 0.2):
        assert seen(mesh, rgb, x)[1:-1, 25:75].min() > 12, "black shines through"


def test_sheets_come_after_soft_triangles_that_they_lie_over() -> None:
    # Large ones rise away from them: had sheets been drawn first, they would hide those where they let light through.
    q = slope(6, 0.4) + np.float32(0.15) * np.clip(-beyond(0.4) / 40, 0, 1).astype(np.float32)
    alpha = np.full_like(q, 0.5)
    mesh, bare = mesh_of(q, painted(0.4), alpha), mesh_of(q, None, alpha)
    scene = build_scene([mesh], 0, 1.0, np.zeros((1, HEIGHT, WIDTH, 4), np.uint8), 0, FOCAL_PX, BUDGET_PX)
    sheet = np.flatnonzero(scene.soft.min(1) >= len(bare.xy))
    surface = np.flatnonzero(scene.soft.min(1) < len(bare.xy))
    corners = scene.rays[scene.soft] * FOCAL_PX
    low, high = corners.min(1) + 0.01, corners.max(1) - 0.01
    over = ((low[surface] < high[sheet, None]) & (high[surface] > low[sheet, None])).all(-1)  # their boxes
    assert over.any(1).all() and (over & (surface > sheet[:, None])).sum() < 0.05 * len(sheet)


def test_a_sheet_does_not_span_two_surfaces() -> None:
    q = slope(6)
    q[30:] *= 0.8
    sheets = folded(q, painted())
    assert sheets is not None
    levels = sheets.disparity[sheets.triangles - HEIGHT * WIDTH]
    assert np.ptp(levels, axis=1).max() * BUDGET_PX < 1.5 and np.ptp(levels) > 0.15


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), width=st.floats(1, 10), slant=st.floats(-1, 1))
def test_sheets_lie_over_the_surface_and_fade_within_bounds(seed, width, slant) -> None:
    rng = np.random.default_rng(seed)
    right, down = rng.random((HEIGHT, WIDTH - 1)) < 0.97, rng.random((HEIGHT - 1, WIDTH)) < 0.97
    q = slope(width, slant)
    surface = Surface(q, right, down, WHOLE)
    whole, _ = surface.quads()
    sheets: Any = fold_sheets(q, right, down, whole, painted(slant), BUDGET_PX)
    if sheets is None:
        return
    x, y = np.floor(sheets.xy).astype(int).T
    assert (sheets.disparity >= q[y, x] - 1e-6).all() and (sheets.disparity <= NEAR + 1e-6).all()
    assert (sheets.fade >= 0).all() and (sheets.fade <= 1).all()
    corners = sheets.triangles - HEIGHT * WIDTH
    assert corners.min() == 0 and corners.max() == len(sheets.xy) - 1
    top, left = y[corners].min(1), x[corners].min(1)
    assert whole[top, left].all(), "over whole quads only"
