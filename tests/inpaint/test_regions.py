"""Growth along links against a search that is simple enough to be right."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.chains import find_tears
from inpaint.regions import CONTACT_PX, PeelRegions, grow, part_scraps, peel_regions, reveal_steps
from inpaint.tears import Links, TornPairs, surfaces, torn_pairs
from tests.scenes import FAR, NEAR, two_planes

BUDGET_PX = 40.0


def random_case(seed: int, height: int = 14, width: int = 17):
    rng = np.random.default_rng(seed)
    links = Links(rng.random((height, width - 1)) < 0.7, rng.random((height - 1, width)) < 0.7)
    q = rng.uniform(0, 1, (height, width)).astype(np.float32)
    seeds = rng.choice(height * width, rng.integers(1, 6), replace=False)
    return links, q, seeds, rng.integers(0, 9, len(seeds))


def reachable(seed: int, limit: int, links: Links, shape: tuple[int, int]) -> set[int]:
    """Breadth-first search, one pixel at a time."""
    ways = links.to_neighbours()
    found, queue = {seed}, deque([(seed, 0)])
    while queue:
        pixel, steps = queue.popleft()
        for offset, linked in ways:
            if steps < limit and linked[pixel] and pixel + offset not in found:
                found.add(pixel + offset)
                queue.append((pixel + offset, steps + 1))
    return found


@given(st.integers(0, 9999))
@settings(max_examples=60)
def test_growth_with_one_limit_is_the_breadth_first_search(seed) -> None:
    links, q, seeds, limits = random_case(seed)
    limits[:] = limits[0]
    region = grow(seeds, limits, links, q)
    expected = set().union(*(reachable(int(s), int(limits[0]), links, q.shape) for s in seeds))
    assert set(np.flatnonzero(region.mask).tolist()) == expected


@given(st.integers(0, 9999), st.booleans())
@settings(max_examples=60)
def test_growth_keeps_to_links_limits_and_bounds(seed, bounded) -> None:
    links, q, seeds, limits = random_case(seed)
    rng = np.random.default_rng(seed + 1)
    above = rng.uniform(0, 0.5, len(seeds)).astype(np.float32) if bounded else None
    below = rng.uniform(0.5, 1, len(seeds)).astype(np.float32) if bounded else None
    region = grow(seeds, limits, links, q, above, below)
    steps, source, values = region.steps.ravel(), region.source.ravel(), q.ravel()
    reached = np.flatnonzero(region.mask)
    assert set(seeds.tolist()) <= set(reached.tolist())
    np.testing.assert_array_equal(steps >= 0, source >= 0)
    assert (steps[reached] <= limits[source[reached]]).all()
    pieces = surfaces(links).ravel()
    np.testing.assert_array_equal(pieces[reached], pieces[seeds[source[reached]]], err_msg="crossed a tear")
    grown = reached[steps[reached] > 0]
    if bounded:
        assert (values[grown] > above[source[grown]]).all() and (values[grown] < below[source[grown]]).all()
    ways = links.to_neighbours()
    for pixel in grown.tolist():
        before = [pixel + offset for offset, linked in ways if linked[pixel]]
        assert any(steps[p] == steps[pixel] - 1 and source[p] == source[pixel] for p in before)


def test_seeds_alone_where_there_is_no_limit_to_use() -> None:
    region = grow(np.array([5, 9]), np.array([0, 0]), Links.all((4, 4)), np.zeros((4, 4), np.float32))
    assert np.flatnonzero(region.mask).tolist() == [5, 9]


def test_no_seeds_no_region() -> None:
    none = np.zeros(0, np.int64)
    assert not grow(none, none, Links.all((4, 4)), np.zeros((4, 4), np.float32)).mask.any()


def test_of_two_seeds_on_one_pixel_the_longer_growth_stays() -> None:
    region = grow(np.array([5, 5, 5]), np.array([1, 3, 2]), Links.all((1, 12)), np.zeros((1, 12), np.float32))
    assert np.flatnonzero(region.mask).tolist() == list(range(2, 9))


def test_growth_from_a_silhouette_stays_on_its_side() -> None:
    scene = two_planes()
    links = find_tears(scene.disparity, BUDGET_PX)
    pairs = torn_pairs(links, scene.disparity)
    everywhere = np.full(len(pairs.near), 1000)
    np.testing.assert_array_equal(grow(pairs.near, everywhere, links, scene.disparity).mask, scene.near)
    np.testing.assert_array_equal(grow(pairs.far, everywhere, links, scene.disparity).mask, ~scene.near)


def test_bounds_stop_growth_round_the_open_end_of_a_tear() -> None:
    q = np.zeros((120, 60), np.float32)
    q[:, 30:] = np.linspace(0, 0.9, 120, dtype=np.float32)[:, None]  # one sheet at the top, torn at the bottom
    links = find_tears(q, BUDGET_PX)
    pairs = torn_pairs(links, q)
    far, near = q.ravel()[pairs.far], q.ravel()[pairs.near]
    limits = np.full(len(far), 1000)
    assert grow(pairs.far, limits, links, q).mask.all(), "without bounds it slips round"
    bounded = grow(pairs.far, limits, links, q, below=far + 0.5 * (near - far))
    assert not bounded.mask[90:, 30:].any() and bounded.mask[:, :30].all()


def peeled(q: np.ndarray, soft: np.ndarray | None = None, contact_px: int = CONTACT_PX) -> PeelRegions:
    """The regions at the tears of `q`, none of them cut before."""
    links = find_tears(q, BUDGET_PX)
    regions = peel_regions(q, links, Links.none(q.shape), BUDGET_PX, 3.0, 0.004, soft, contact_px)
    assert regions is not None
    return regions


def test_what_lies_behind_all_is_not_told_by_what_lies_between() -> None:
    q = np.full((90, 120), 0.1, np.float32)
    q[20:, 30:90] = 0.7  # a head before the sky
    q[30:40, 45:75] = 0.9  # a strand of hair before the head
    regions = peeled(q)
    assert regions.inner.any() and (regions.hidden & ~regions.inner).any()
    np.testing.assert_array_equal(q[regions.context], np.float32(0.1))
    np.testing.assert_array_equal(q[regions.inner_context], np.float32(0.7))
    np.testing.assert_array_equal(q[regions.inner], np.float32(0.9))
    assert not (regions.hidden & (regions.context | regions.inner_context)).any()


def test_a_surface_is_no_context_for_what_it_hides_itself() -> None:
    """The lower part of a tree stays, as it is behind something nearer; its upper part hides sky and ground."""
    q = np.full((150, 160), 0.1, np.float32)
    q[50:] = 0.4  # ground before the sky
    q[:120, 70:90] = 0.7  # a tree before both, which stands on
    q[120:] = 0.7
    q[135:, 60:140] = 1.0  # that is behind a stone
    regions = peeled(q)
    tree, behind_tree = q == np.float32(0.7), regions.inner & (q == np.float32(0.7))
    assert behind_tree[55:90, 71:89].any()
    around = np.zeros(q.shape, bool)
    around[:115] = True
    assert (regions.inner_context & around & (q == np.float32(0.4))).any()
    assert not (regions.inner_context & around & tree).any()


def beside(width: int, height: int) -> tuple[np.ndarray, PeelRegions]:
    """Something near, from column 80 on, with a piece of such a size between it and the wall, and its regions."""
    q = np.full((120, 240), 0.1, np.float32)
    q[20:100, 80:220] = 0.9
    q[40 : 40 + height, 80 - width : 80] = 0.5
    regions = peeled(q, contact_px=0)
    assert regions.hidden[45, 80:90].all()
    return q, regions


def test_a_scrap_does_not_tell_what_goes_on_behind_something_large() -> None:
    q, regions = beside(width=4, height=10)
    assert not regions.inner.any()
    parted = q.ravel()[regions.tears.far] == np.float32(0.5)
    assert parted.any()
    np.testing.assert_array_equal(part_scraps(regions), parted)


def test_a_larger_piece_is_no_scrap() -> None:
    _, regions = beside(width=8, height=40)
    assert not part_scraps(regions).any()


@pytest.mark.parametrize("height", [CONTACT_PX - 1, CONTACT_PX])
def test_what_touches_something_nearer_only_for_a_moment_need_not_wait(height) -> None:
    q = np.full((120, 160), 0.1, np.float32)
    q[20:100, 60:90] = 0.5
    q[40 : 40 + height, 90:130] = 0.9
    regions = peeled(q)
    waits = height >= CONTACT_PX
    assert regions.waiting[45, 80:90].all() == waits and regions.hidden[45, 80:90].all() != waits
    assert not (regions.hidden & regions.waiting).any()


def test_a_contact_is_that_of_one_surface() -> None:
    q = np.full((140, 160), 0.1, np.float32)
    q[20:60, 60:90], q[60:120, 60:90] = 0.5, 0.6  # two surfaces behind something nearer, one of them for a moment
    q[20 : 60 + CONTACT_PX - 4, 90:130] = 0.9
    regions = peeled(q)
    assert regions.waiting[q == np.float32(0.5)].any()
    assert not regions.waiting[q == np.float32(0.6)].any()


def test_a_gap_in_what_goes_on_behind_is_painted_with_it() -> None:
    q = np.empty((180, 160), np.float32)
    q[:] = np.interp(np.arange(180), [0, 60], [0.1, 0.52])[:, None]  # ground that rises towards the camera
    q[80:88] = 0.48  # but for a dip
    q[:, :80] = 0.9
    regions = peeled(q, contact_px=0)
    assert not regions.inner_context[84, 85] and regions.inner_context[[76, 92], 85].all()
    assert regions.inner[70:110, 75].all()


def test_a_crumb_of_a_region_is_painted_with_it() -> None:
    """Else it would stand there as a speck of what lies farther behind."""
    q = np.full((140, 160), 0.1, np.float32)
    q[20:, 30:130] = 0.7  # a head before the sky, with a strand before the head
    q[60:100, 60:100] = 0.9
    q[70:73, 50:60] = 0.9  # that has a barb
    regions = peeled(q)
    assert regions.inner[60:100, 60:64].all()
    assert regions.inner[70:73, 50:60].all()
    assert not regions.inner[20:28].any() and regions.hidden[20:28, 40:120].all()


def test_a_piece_goes_on_behind_something_larger_as_far_as_it_is_wide() -> None:
    q, regions = beside(width=8, height=40)
    np.testing.assert_array_equal(np.flatnonzero(regions.inner[60]), np.arange(80, 89))
    assert regions.hidden[60, 80:96].all()
    np.testing.assert_array_equal(q[regions.inner], np.float32(0.9))


def test_behind_a_soft_edge_more_is_painted_by_as_much_as_it_is_soft() -> None:
    q = np.full((200, 120), 0.1, np.float32)
    q[:, :60] = 0.6
    soft = np.zeros(q.shape, bool)
    soft[120:, 51:60] = True
    hard_px, soft_px = (peeled(q, soft).hidden[row].sum() for row in (10, 180))
    assert hard_px == peeled(q).hidden[10].sum() < 50
    assert soft_px == hard_px + 8


def test_what_is_painted_with_its_own_background_reaches_up_to_it() -> None:
    rng = np.random.default_rng(5)
    q = np.full((90, 160), 0.1, np.float32)
    q[20:] = 0.5  # the ground before a wall
    edge = 80 + rng.integers(-2, 3, 90)
    near = np.arange(160)[None] < edge[:, None]
    q[near] = 0.9  # with a ragged outline
    regions = peeled(q)
    below = np.arange(90) > 50
    rim = near & ~np.roll(near, -1, axis=1) & below[:, None]
    assert regions.inner[rim].all()


@given(st.floats(1, 80), st.floats(0, 5))
def test_reveal_steps_cover_the_opening(budget_px, margin_px) -> None:
    q = np.array([[NEAR, 0.5, FAR]], np.float32)
    steps = reveal_steps(TornPairs(np.array([0, 0]), np.array([1, 2])), q, budget_px, margin_px)
    assert steps.dtype.kind == "i" and steps[0] <= steps[1]
    opening_px = (NEAR - FAR) * budget_px + margin_px
    assert opening_px - 1e-3 <= steps[1] <= 2 * opening_px + 1, "rows and columns: at most twice the distance"
