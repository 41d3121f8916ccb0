"""Meshes are exact where they must be, coarse where they can be, and without cracks."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.mesh import MAX_ERROR_PX, Mesh, Surface, build_mesh
from render.sheets import OPAQUE
from tests.scenes import FAR, NEAR, blurred, cases, ramp, staircase, two_planes

BUDGET_PX = 40.0


def all_links(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    return np.ones((shape[0], shape[1] - 1), bool), np.ones((shape[0] - 1, shape[1]), bool)


def sheet(q: np.ndarray, drawn: np.ndarray | None = None, alpha: np.ndarray | None = None) -> Mesh:
    """Mesh of a map without tears."""
    drawn = np.ones(q.shape, bool) if drawn is None else drawn
    alpha = np.ones_like(q) if alpha is None else alpha
    return build_mesh(Surface(q, *all_links(q.shape), drawn), alpha, BUDGET_PX)


def torn(q: np.ndarray, near: np.ndarray) -> Mesh:
    """Mesh of a map that is torn along a silhouette."""
    right, down = near[:, :-1] == near[:, 1:], near[:-1] == near[1:]
    return build_mesh(Surface(q, right, down, np.ones(q.shape, bool)), np.ones_like(q), BUDGET_PX)


def quads_of(drawn: np.ndarray) -> np.ndarray:
    return drawn[:-1, :-1] & drawn[:-1, 1:] & drawn[1:, :-1] & drawn[1:, 1:]


def areas(mesh: Mesh) -> np.ndarray:
    a, b, c = (mesh.xy[mesh.triangles[:, k]].astype(float) for k in range(3))
    u, v = b - a, c - a
    return np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2


def open_edges(mesh: Mesh) -> tuple[float, int]:
    """(length of the edges that only one triangle has, number of edges that more than two have)."""
    pairs = np.sort(np.concatenate([mesh.triangles[:, [i, j]] for i, j in ((0, 1), (1, 2), (2, 0))]), axis=1)
    edges, counts = np.unique(pairs, axis=0, return_counts=True)
    single = edges[counts == 1]
    return float(np.linalg.norm(mesh.xy[single[:, 0]] - mesh.xy[single[:, 1]], axis=1).sum()), int((counts > 2).sum())


def outline(quads: np.ndarray) -> int:
    """Length of the border of a region of unit squares."""
    padded = np.pad(quads, 1).astype(int)
    return int(np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum())


def drawn_disparity(mesh: Mesh, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) what the triangles interpolate at pixel centres, NaN where there are none."""
    out = np.full(shape, np.nan)
    small = areas(mesh) <= 0.5  # these hold no pixel centres but their corners
    x, y = (mesh.xy[mesh.triangles[small].ravel()] - 0.5).astype(int).T
    out[y, x] = mesh.disparity[mesh.triangles[small].ravel()]
    for corners in mesh.triangles[~small]:
        p, q = mesh.xy[corners].astype(float), mesh.disparity[corners].astype(float)
        low, high = np.floor(p.min(0)).astype(int), np.ceil(p.max(0)).astype(int)
        y, x = np.mgrid[low[1] : high[1], low[0] : high[0]]
        points = np.stack([x.ravel() + 0.5, y.ravel() + 0.5], 1)
        weights = np.linalg.solve(np.vstack([p.T, np.ones(3)]), np.vstack([points.T, np.ones(len(points))]))
        inside = (weights > -1e-9).all(0)
        out[y.ravel()[inside], x.ravel()[inside]] = (q @ weights)[inside]
    return out


def assert_sound(mesh: Mesh, shape: tuple[int, int]) -> None:
    n = len(mesh.xy)
    assert mesh.xy.shape == (n, 2) and mesh.disparity.shape == mesh.fade.shape == (n,)
    assert mesh.xy.dtype == mesh.disparity.dtype == mesh.fade.dtype == np.float32
    assert mesh.triangles.shape == (len(mesh.soft), 3) and mesh.triangles.dtype == np.int32
    assert mesh.soft.dtype == bool
    if n:
        assert mesh.triangles.min() >= 0 and mesh.triangles.max() < n
        np.testing.assert_array_equal(mesh.xy % 1, 0.5, err_msg="vertices lie on pixel centres")
        assert mesh.xy.min() > 0 and (mesh.xy < shape[::-1]).all()
    assert (areas(mesh) > 0).all()
    assert np.isfinite(mesh.disparity).all() and mesh.fade.min(initial=0) >= 0


@given(cases(), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_sheet_is_the_drawn_area_without_cracks(case, share) -> None:
    q = case.disparity
    blobs = cv2.blur(np.random.default_rng(case.seed).random(q.shape), (5, 5))
    drawn = blobs <= np.quantile(blobs, 1 - share)
    mesh, quads = sheet(q, drawn), quads_of(drawn)
    assert_sound(mesh, q.shape)
    assert areas(mesh).sum() == pytest.approx(quads.sum())
    length, crowded = open_edges(mesh)
    assert length == pytest.approx(outline(quads)), "every edge inside of the sheet has a triangle on either side"
    assert crowded == 0
    assert (mesh.fade == 1).all()
    x, y = (mesh.xy - 0.5).astype(int).T
    np.testing.assert_array_equal(mesh.disparity, q[y, x])
    if len(mesh.xy):
        assert drawn[y, x].all()


def test_plane_takes_few_triangles() -> None:
    assert len(sheet(np.full((257, 385), 0.4, np.float32)).triangles) < 300
    assert len(sheet(ramp(257, 385)).triangles) < 300
    assert len(sheet(ramp(250, 370)).triangles) < 300, "nor where the last blocks reach beyond the canvas"


def test_step_is_fine_along_the_step_alone() -> None:
    q = np.full((257, 257), 0.2, np.float32)
    q[:, 100:] = 0.8
    mesh = sheet(q)
    assert len(mesh.triangles) < 0.1 * 2 * 256 * 256
    centres = mesh.xy[mesh.triangles].mean(1)
    small = areas(mesh) <= 1
    assert small.sum() >= 256 and np.abs(centres[small, 0] - 100).max() < 6


def saddle(height: int, width: int) -> np.ndarray:
    """A twisted sheet: straight along every row and column, curved along diagonals."""
    return np.outer(np.linspace(0, 1, height), np.linspace(0, 1, width)).astype(np.float32)


@pytest.mark.parametrize(
    "q",
    [ramp(), blurred(two_planes().disparity, 6.0), saddle(97, 129), blurred(staircase(90, 70).disparity, 12.0)],
    ids=["ramp", "blurred planes", "saddle", "hills"],
)
def test_no_pixel_moves_by_more_than_the_set_error(q) -> None:
    drawn = drawn_disparity(sheet(q), q.shape)
    assert np.isfinite(drawn).all()
    assert np.abs(drawn - q).max() * BUDGET_PX <= 2 * MAX_ERROR_PX + 1e-3


@given(cases(max_side=36))
@settings(max_examples=20, deadline=None)
def test_error_bound_holds_for_any_depth(case) -> None:
    drawn = drawn_disparity(sheet(case.disparity), case.disparity.shape)
    assert np.abs(drawn - case.disparity).max() * BUDGET_PX <= 2 * MAX_ERROR_PX + 1e-3


def test_no_triangle_spans_a_tear() -> None:
    scene = two_planes()
    mesh = torn(scene.disparity, scene.near)
    assert_sound(mesh, scene.near.shape)
    spread = np.ptp(mesh.disparity[mesh.triangles], axis=1)
    assert spread.max() < 0.01
    levels = mesh.disparity[mesh.triangles].mean(1)
    assert ((np.abs(levels - NEAR) < 0.01) | (np.abs(levels - FAR) < 0.01)).all()


def test_torn_quads_are_covered_and_nearer_sheets_fade_out() -> None:
    scene = two_planes()
    mesh = torn(scene.disparity, scene.near)
    quads = np.ones((95, 127), bool)
    members = scene.near[:-1, :-1].astype(int) + scene.near[:-1, 1:] + scene.near[1:, :-1] + scene.near[1:, 1:]
    crossing = (members > 0) & (members < 4)
    expected = quads.sum() + crossing.sum() - 0.5 * (members == 1).sum()
    assert areas(mesh).sum() == pytest.approx(expected), "two sheets in every torn quad, round a lone corner half a one"
    solid = (mesh.fade[mesh.triangles] >= 1).all(1)
    covered = Counter(map(tuple, np.floor(mesh.xy[mesh.triangles[solid]].mean(1) - 0.5).astype(int).tolist()))
    y, x = np.nonzero(crossing)
    assert all(covered[(int(i), int(j))] >= 2 for i, j in zip(x, y, strict=True)), "two solid triangles in each"
    fading = ~solid
    assert fading.any() and mesh.soft[fading].all()
    assert np.abs(mesh.disparity[mesh.triangles[fading]] - NEAR).max() < 0.01, "the far sheet does not fade"
    at = (mesh.xy[mesh.triangles[fading]] - 0.5).astype(int)
    on_near = scene.near[at[..., 1], at[..., 0]]
    np.testing.assert_array_equal(mesh.fade[mesh.triangles[fading]], on_near)


def test_the_last_sheet_goes_on_with_the_colour_of_its_own_rim() -> None:
    scene = two_planes()
    mesh = torn(scene.disparity, scene.near)
    last = mesh.fade > 1
    at = (mesh.uv[last] - 0.5).astype(int)
    assert last.any() and not scene.near[at[:, 1], at[:, 0]].any()
    assert np.abs(mesh.uv[last] - mesh.xy[last]).max() <= 1
    np.testing.assert_array_equal(mesh.uv[~last], mesh.xy[~last])


def test_sheets_meet_the_surface_they_continue() -> None:
    """Each vertex of a torn quad lies where its own surface has one, at (nearly) its depth: no crack opens there."""
    scene = staircase()
    near = scene.disparity.copy()
    right, down = near[:, :-1] == near[:, 1:], near[:-1] == near[1:]
    mesh = build_mesh(Surface(near, right, down, np.ones(near.shape, bool)), np.ones_like(near), BUDGET_PX)
    x, y = (mesh.xy - 0.5).astype(int).T
    members = mesh.fade > 0
    own = np.abs(mesh.disparity - near[y, x]) < 0.01
    assert own[members & (mesh.fade == 1)].all()


@given(cases(max_side=40), st.floats(0.3, 1))
@settings(max_examples=30, deadline=None)
def test_any_tears_make_a_sound_mesh(case, linked) -> None:
    q = case.disparity
    h, w = q.shape
    rng = np.random.default_rng(case.seed)
    right, down = rng.random((h, w - 1)) < linked, rng.random((h - 1, w)) < linked
    drawn = rng.random(q.shape) < 0.9
    mesh = build_mesh(Surface(q, right, down, drawn), rng.uniform(0, 1, q.shape).astype(np.float32), BUDGET_PX)
    assert_sound(mesh, q.shape)
    solid = (mesh.fade[mesh.triangles] >= 1).all(1)
    assert areas(mesh)[solid].sum() >= quads_of(drawn).sum() - 1e-6, "all that is drawn is covered"
    assert mesh.disparity.min(initial=0) >= 0 and mesh.disparity.max(initial=0) <= q.max() + 1e-6


@given(cases(max_side=60), st.floats(0.1, 0.9))
@settings(max_examples=30, deadline=None)
def test_layer_behind_covers_what_it_must_and_no_more_than_it_may(case, share) -> None:
    """Where it is one surface with the front it may be drawn or not; elsewhere exactly what it is told to."""
    front = case.disparity
    blobs = cv2.blur(np.random.default_rng(case.seed).random(front.shape), (9, 9))
    own = blobs <= np.quantile(blobs, share)
    drawn = cv2.dilate(own.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    links = all_links(front.shape)
    before = Surface(front, *links, np.ones(front.shape, bool))
    q = np.where(own, front + 1, front).astype(np.float32)
    mesh = build_mesh(Surface(q, *links, drawn), np.ones_like(q), BUDGET_PX, before)
    assert_sound(mesh, q.shape)
    assert open_edges(mesh)[1] == 0
    quads, shared = quads_of(drawn), quads_of(~own)
    assert areas(mesh).sum() <= (quads | shared).sum() + 1e-6
    covered = np.isfinite(drawn_disparity(mesh, q.shape))
    y, x = np.nonzero(quads & ~shared)
    assert all(covered[y + dy, x + dx].all() for dy in (0, 1) for dx in (0, 1))


def test_ragged_outlines_under_the_front_cost_few_triangles() -> None:
    wall = np.full((129, 129), FAR, np.float32)
    hidden = np.arange(129)[None] < 60 + np.random.default_rng(0).integers(0, 5, 129)[:, None]
    links = all_links(wall.shape)
    before = Surface(np.where(hidden, NEAR, wall).astype(np.float32), *links, np.ones(wall.shape, bool))
    layer = Surface(wall, *links, cv2.dilate(hidden.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    rounded, ragged = (build_mesh(layer, np.ones_like(wall), BUDGET_PX, front) for front in (before, None))
    assert len(rounded.triangles) < 0.2 * len(ragged.triangles)


def test_a_surface_that_goes_on_behind_needs_no_sheet_of_its_own() -> None:
    scene = two_planes()
    links = scene.near[:, :-1] == scene.near[:, 1:], scene.near[:-1] == scene.near[1:]
    everywhere = np.ones(scene.near.shape, bool)
    wall = np.full(scene.near.shape, FAR, np.float32)
    behind = Surface(wall, *all_links(wall.shape), everywhere)
    front = Surface(scene.disparity, *links, everywhere)
    mesh = build_mesh(front, np.ones_like(wall), BUDGET_PX, behind=behind)
    assert (mesh.fade <= 1).all() and (mesh.fade == 0).any(), "the rectangle alone has sheets"
    lower = Surface(wall - 0.1, *all_links(wall.shape), everywhere)
    apart, alone = build_mesh(front, np.ones_like(wall), BUDGET_PX, behind=lower), torn(scene.disparity, scene.near)
    assert len(apart.triangles) == len(alone.triangles) > len(mesh.triangles)
    assert (apart.fade > 1).sum() == (alone.fade > 1).sum(), "what lies deeper does not go on with it"


def test_alpha_counts_only_where_the_layer_behind_is_drawn() -> None:
    q = np.full((33, 33), 0.5, np.float32)
    drawn = np.zeros(q.shape, bool)
    drawn[:, :10] = True
    behind = Surface(q, *all_links(q.shape), drawn)
    mesh = build_mesh(Surface(q, *all_links(q.shape), np.ones(q.shape, bool)), 0.5 * np.ones_like(q), 40, behind=behind)
    assert mesh.soft.any() and mesh.xy[mesh.triangles[mesh.soft]][..., 0].max() < 20
    assert mesh.xy[mesh.triangles[~mesh.soft]][..., 0].max() == 32.5


@pytest.mark.parametrize("drawn", [True, False])
def test_the_last_sheet_shines_through_where_its_surface_does(drawn) -> None:
    scene = two_planes()
    links = scene.near[:, :-1] == scene.near[:, 1:], scene.near[:-1] == scene.near[1:]
    everywhere = np.ones(scene.near.shape, bool)
    front = Surface(scene.disparity, *links, everywhere)
    alpha = np.where(scene.near, np.float32(1), np.float32(0.1))
    behind = Surface(np.full(scene.near.shape, 0.0, np.float32), *all_links(scene.near.shape), everywhere & drawn)
    mesh = build_mesh(front, alpha, BUDGET_PX, behind=behind)
    last = (mesh.uv != mesh.xy).any(1)
    assert last.any() and (mesh.fade[last] == (1 if drawn else OPAQUE)).all()
    assert (mesh.soft[last[mesh.triangles].any(1)] == drawn).all()


def test_nothing_drawn_is_an_empty_mesh() -> None:
    q = ramp(20, 30)
    mesh = sheet(q, np.zeros(q.shape, bool))
    assert len(mesh.triangles) == len(mesh.soft) == 0


def test_triangles_over_soft_pixels_are_soft() -> None:
    q = np.full((65, 65), 0.5, np.float32)
    alpha = np.ones_like(q)
    alpha[40:44, 10:30] = 0.5
    mesh = sheet(q, alpha=alpha)
    assert mesh.soft.any() and not mesh.soft.all()
    opaque = Mesh(mesh.xy, mesh.uv, mesh.disparity, mesh.fade, mesh.triangles[~mesh.soft], mesh.soft[~mesh.soft])
    covered = np.isfinite(drawn_disparity(opaque, q.shape))
    assert not (covered & (alpha < 1)).any()
    assert covered[:30].all(), "what is far from soft pixels is opaque"
