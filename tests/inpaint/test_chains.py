"""Torn links joined into chains, and which chains are real depth edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from inpaint.chains import (
    MAX_GAP_PX,
    STRONG_SHARE,
    TWIG,
    Chains,
    _close_pairs,
    _connected,
    find_tears,
    link_chains,
    long_tears,
    shortest_edge_px,
)
from inpaint.tears import Links, jumps_px, surfaces
from tests.scenes import cases, two_planes

BUDGET_PX = 40.0


def chains_of(q: np.ndarray, weak_px: float = 1.0) -> Chains:
    right_px, down_px = jumps_px(q, BUDGET_PX)
    return link_chains(Links(right_px <= weak_px, down_px <= weak_px), right_px, down_px)


def torn_count(links: Links) -> int:
    return int((~links.right).sum() + (~links.down).sum())


def test_closed_silhouette_is_one_ring() -> None:
    scene = two_planes(40, 60)
    chains = chains_of(scene.disparity)
    perimeter = 2 * (scene.near.any(1).sum() + scene.near.any(0).sum())
    ((first, last, data),) = chains.graph.edges(data=True)
    assert first == last and data["length"] == perimeter == len(chains.corner)
    assert data["peak"] == pytest.approx(0.7 * BUDGET_PX, rel=1e-5)


def test_edge_from_border_to_border_is_one_chain_with_two_ends() -> None:
    q = np.zeros((30, 40), np.float32)
    q[:, 13:] = 1
    ((first, last, data),) = chains_of(q).graph.edges(data=True)
    assert {first, last} == {13, 30 * 41 + 13}, "the corners where the edge leaves the picture"
    assert data["length"] == 30


def test_three_surfaces_meet_at_a_junction() -> None:
    q = np.zeros((30, 40), np.float32)
    q[:, 20:] = 0.5
    q[:15, 20:] = 1
    graph = chains_of(q).graph
    assert graph.number_of_edges() == 3
    assert sorted(degree for _, degree in graph.degree()) == [1, 1, 1, 3]
    assert max(graph.degree(), key=lambda item: item[1])[0] == 15 * 41 + 20


@given(cases(max_side=40))
@settings(max_examples=40, deadline=None)
def test_every_torn_link_belongs_to_one_chain(case) -> None:
    q = case.disparity
    chains = chains_of(q)
    lengths = {k: data["length"] for *_, k, data in chains.graph.edges(keys=True, data=True)}
    counted = np.bincount(chains.chain, minlength=len(lengths))
    np.testing.assert_array_equal(counted, [lengths[k] for k in range(len(lengths))])
    assert len(chains.corner) == len(chains.jump_px) == len(chains.chain)
    corners = [node for node in chains.graph.nodes if node >= 0]
    assert all(0 <= node < (q.shape[0] + 1) * (q.shape[1] + 1) for node in corners)


@pytest.mark.parametrize(("count", "pairs"), [(0, 0), (9, 0), (200, 90), (200, 199), (200, 600)])
def test_numbers_are_grouped_as_scipy_does(count, pairs) -> None:
    first, second = np.random.default_rng(pairs).integers(0, max(count, 1), (2, pairs))
    graph = coo_array((np.ones(pairs), (first, second)), shape=(max(count, 1),) * 2)
    expected = connected_components(graph, directed=False) if count else (0, np.zeros(0))
    found = _connected(count, first, second)
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1], expected[1])


def test_close_pairs_are_those_that_a_tree_finds() -> None:
    points = np.unique(np.random.default_rng(0).integers(0, 90, (300, 2)), axis=0)
    found = {tuple(sorted(pair)) for pair in _close_pairs(points, (90, 90)).tolist()}
    assert found == cKDTree(points).query_pairs(MAX_GAP_PX)


def test_specks_and_shallow_edges_are_not_torn() -> None:
    q = np.full((200, 800), 0.3, np.float32)
    q[30, 40] = 0.9  # one pixel
    q[10:150, 600:] = 0.3 + 0.3 / BUDGET_PX  # opens by less than a third of a pixel
    assert torn_count(find_tears(q, BUDGET_PX)) == 0


def test_long_strong_edges_stay_where_specks_go() -> None:
    scene = two_planes(200, 800)
    q = scene.disparity.copy()
    q[10, 10] = 0.9
    links = find_tears(q, BUDGET_PX)
    assert torn_count(links) == torn_count(find_tears(scene.disparity, BUDGET_PX)) > 0
    assert links.right[10, 8:11].all() and links.down[8:11, 10].all()


def test_edge_is_followed_into_weaker_jumps() -> None:
    q = np.zeros((40, 60), np.float32)
    step = np.linspace(0.04, 0.8, 40, dtype=np.float32)  # 1.6 to 32 px
    q[:, 30:] = step[:, None]
    torn = ~find_tears(q, BUDGET_PX).right[:, 29]
    assert torn[12:].all(), "6 px and more are torn whatever the thresholds"
    rows = np.flatnonzero(torn)
    np.testing.assert_array_equal(rows, np.arange(rows[0], 40), err_msg="in one piece")


def cracked(lengths: list[int]) -> np.ndarray:
    """A near block with cracks down from its upper edge: each opens by 4 px there and runs out after its length."""
    q = np.full((160, 200), 0.2, np.float32)
    q[20:150, 10:190] = 0.8
    for number, length in enumerate(lengths):
        x = 40 + 50 * number
        q[20 : 20 + length, x : x + 25] -= np.linspace(0.1, 0.02, length, dtype=np.float32)[:, None] * np.linspace(
            1, 0, 25, dtype=np.float32
        )
    return q


def test_cracks_that_end_within_a_surface_are_mended_where_they_are_short() -> None:
    shortest = shortest_edge_px((160, 200))
    assert 6 < 0.9 * TWIG * shortest < 1.5 * TWIG * shortest < 120
    short, long = round(0.9 * TWIG * shortest), round(1.5 * TWIG * shortest)
    links = find_tears(cracked([short, long]), BUDGET_PX)
    assert links.right[22:140, 39].all(), "the short one"
    assert not links.right[22 : 20 + short, 89].any(), "the long one"
    assert not links.down[19, 10:190].any(), "the edge that they branch off"


def test_crack_that_forks_is_mended_whole() -> None:
    q = cracked([])
    whole = torn_count(find_tears(q, BUDGET_PX))
    q[20:26, 33:40] -= np.linspace(0, 0.05, 7, dtype=np.float32)  # 2 px deep in the middle, where it meets
    q[20:26, 40:47] += np.linspace(0.05, 0, 7, dtype=np.float32)  # one that is as high: a stem and two arms
    assert torn_count(Links(*(jump < 0.5 * STRONG_SHARE * BUDGET_PX for jump in jumps_px(q, BUDGET_PX)))) >= whole + 12
    assert torn_count(find_tears(q, BUDGET_PX)) == whole


@pytest.mark.parametrize("gap_px", [1, 2, 4])
def test_short_gap_in_an_edge_is_bridged(gap_px) -> None:
    q = np.zeros((60, 60), np.float32)
    q[:, 30:] = 0.8
    gap = slice(28, 28 + gap_px)
    q[gap, 28:32] = np.linspace(0.16, 0.64, 4, dtype=np.float32)  # a steep slope instead of a step
    links = find_tears(q, BUDGET_PX)
    pieces = surfaces(links)
    assert pieces[10, 5] != pieces[10, 55], "no way round the open end"


def test_gap_on_a_flat_surface_is_not_bridged() -> None:
    q = np.full((60, 80), 0.2, np.float32)
    q[5:55, 20:38] = 0.9
    q[5:55, 42:60] = 0.9
    q[28:32, 20:60] = 0.2  # flat ground between four blocks
    links = find_tears(q, BUDGET_PX)
    assert links.right[29, 20:60].all() and links.down[28:30, 20:60].all()
    np.testing.assert_array_equal(links.right, np.abs(np.diff(q, axis=1)) < 0.05)


def test_short_tears_are_mended_and_long_ones_are_not() -> None:
    links = Links.all((20, 30))
    links.right[2:6, 4] = False  # a straight one
    links.right[10:16, 20], links.down[9, 20:25] = False, False  # one round a corner, longer in all than its parts
    mended = long_tears(links, 8)
    assert mended.right[:6].all()
    np.testing.assert_array_equal(mended.right[10:], links.right[10:])
    np.testing.assert_array_equal(mended.down, links.down)


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(2, 12))
def test_what_is_asked_of_long_tears_they_have(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    links = Links(rng.random((height, width - 1)) < 0.7, rng.random((height - 1, width)) < 0.7)
    same, some, none = (long_tears(links, length) for length in (0, 4, np.inf))
    np.testing.assert_array_equal(same.right, links.right)
    np.testing.assert_array_equal(same.down, links.down)
    assert (some.right >= links.right).all() and (some.down >= links.down).all()
    again = long_tears(some, 4)
    assert torn_count(again) == torn_count(some) and torn_count(none) == 0
