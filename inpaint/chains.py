"""Depth edges as chains: torn links joined at pixel corners into curves that meet at junctions.

The graph has one node per end point or junction and one edge per chain, hundreds in all, so that deciding which depth
edges are real is graph work (networkx), while everything per pixel stays array work.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np

from inpaint.filters import Bool, Float, nonzero
from inpaint.tears import Index, Links, jumps_px

STRONG_PX, STRONG_SHARE = 5.0, 0.045  # a depth edge must somewhere open by this much: px, or share of the budget
MIN_STRONG_PX = 1.2  # no move shows less
WEAK = 0.5  # and is followed down to this share of the strong threshold
MIN_LENGTH_PX, MIN_LENGTH_SHARE = 12, 0.012  # shorter edges are noise: px, or share of the picture's long side
# Twigs, edges that branch off another one and end within a surface, are so up to this many times that length: an edge
# that is real goes on to the next one. Without them, what they forked into may be a twig.
TWIG, PRUNINGS = 10 / 3, 2
MAX_GAP_PX = 6  # open ends this close are joined if the surface between them is steep


@dataclass(frozen=True)
class Chains:
    """Torn links, grouped. Corner (i, j) of pixel corners has the flat index i * (W + 1) + j."""

    corner: Index  # (N, 2) the two corners that each torn link separates
    jump_px: Float  # (N,)
    chain: Index  # (N,) label of the chain each torn link belongs to
    graph: nx.MultiGraph  # nodes: corners where chains end or meet; edges keyed by chain, with `length`, `peak`


def find_tears(disparity: Float, budget_px: float) -> Links:
    """Where a surface (H, W) must be torn: strong jumps, followed to weaker ones, in edges long enough to be real."""
    right_px, down_px = jumps_px(disparity, budget_px)
    strong_px = min(STRONG_PX, max(MIN_STRONG_PX, STRONG_SHARE * budget_px))
    weak_px = WEAK * strong_px
    least_length = shortest_edge_px(disparity.shape)
    weak = Links(right_px <= weak_px, down_px <= weak_px)
    chains = link_chains(weak, right_px, down_px, strong_px, least_length)
    kept = _real_edges(chains, strong_px, least_length)
    torn_right, torn_down = _as_maps(chains.corner[kept], disparity.shape)
    for path in _bridges(chains, kept, right_px, down_px, weak_px / 2):
        _tear_along(path, torn_right, torn_down)
    return Links(~torn_right, ~torn_down)


def shortest_edge_px(shape: tuple[int, ...]) -> float:
    """The least length of a depth edge in a picture of `shape` (H, W)."""
    return min(MIN_LENGTH_PX, max(3, MIN_LENGTH_SHARE * max(shape)))


def link_chains(
    links: Links, right_px: Float, down_px: Float, least_peak_px: float = 0, least_length: float = 0
) -> Chains:
    """Join the torn links of `links` into chains between end points and junctions.

    Without the links of pieces that are nowhere as strong, or in all not as long, as asked: of noise there are too many
    for a graph.
    """
    h, w = links.down.shape[0] + 1, links.down.shape[1]
    corner = _corners(links)
    jump = links.at_tears(right_px, down_px)
    if least_peak_px > 0 or least_length > 0:
        possible = _in_pieces(corner, jump, least_peak_px, least_length)
        corner, jump = corner[possible], jump[possible]
    n = len(corner)
    degree = np.bincount(corner.ravel(), minlength=(h + 1) * (w + 1))
    # Two torn links continue one another where exactly two meet at a corner.
    ends, owner = corner.T.ravel(), np.tile(np.arange(n), 2)
    order = np.argsort(ends, kind="stable")
    ends, owner = ends[order], owner[order]
    through = (degree[ends[:-1]] == 2) & (ends[:-1] == ends[1:]) if n else np.zeros(0, bool)
    a, b = owner[:-1][through], owner[1:][through]
    count, chain = _connected(n, a, b)
    length = np.bincount(chain, minlength=count)
    peak = np.zeros(count, np.float32)
    np.maximum.at(peak, chain, jump)
    graph = nx.MultiGraph()
    tips: dict[int, list[int]] = {k: [] for k in range(count)}
    link, side = np.nonzero(degree[corner] != 2)
    for k, node in zip(chain[link].tolist(), corner[link, side].tolist(), strict=True):
        tips[k].append(node)
    for k, nodes in tips.items():
        # A closed ring has no tips: it hangs on a node of its own, below the corners' numbers.
        first, last = (nodes[0], nodes[-1]) if nodes else (-1 - k, -1 - k)
        graph.add_edge(first, last, key=k, length=int(length[k]), peak=float(peak[k]))
    return Chains(corner, jump.astype(np.float32), chain.astype(np.int64), graph)


def long_tears(links: Links, least_length_px: float) -> Links:
    """`links` with those tears mended that are shorter, with all that hangs together with them at pixel corners."""
    corner = _corners(links)
    long = _in_pieces(corner, np.zeros(len(corner), np.float32), 0, least_length_px)
    right, down = _as_maps(corner[long], (links.right.shape[0], links.down.shape[1]))
    return Links(~right, ~down)


def _corners(links: Links) -> Index:
    """(N, 2) the corners that each torn link separates: links to the right first, then those downward."""
    w = links.down.shape[1]
    (ry, rx), (dy, dx) = nonzero(~links.right), nonzero(~links.down)
    return np.concatenate(
        [
            np.stack([ry * (w + 1) + rx + 1, (ry + 1) * (w + 1) + rx + 1], 1),
            np.stack([(dy + 1) * (w + 1) + dx, (dy + 1) * (w + 1) + dx + 1], 1),
        ]
    )


def _in_pieces(corner: Index, jump_px: Float, least_peak_px: float, least_length: float) -> Bool:
    """(N,) which torn links are in pieces, linked by corners, with such a peak and such a length."""
    nodes, ends = np.unique(corner, return_inverse=True)
    first, second = ends.reshape(-1, 2).T
    count, group = _connected(len(nodes), first, second)
    piece = group[first]
    peak = np.zeros(count, np.float32)
    np.maximum.at(peak, piece, jump_px)
    return ((peak >= least_peak_px) & (np.bincount(piece, minlength=count) >= least_length))[piece]


def _connected(count: int, first: Index, second: Index) -> tuple[int, Index]:
    """How many groups the pairs (`first`, `second`) make of the numbers below `count`, and each number's group.

    What SciPy's `connected_components` does, whose import would take longer than all calls together.
    """
    root = np.arange(count)
    while (root[first] != root[second]).any():
        lower = np.minimum(root[first], root[second])
        for side in (first, second):
            np.minimum.at(root, root[side], lower)
        while (root != root[root]).any():
            root = root[root]
    roots, group = np.unique(root, return_inverse=True)
    return len(roots), group


def _real_edges(chains: Chains, strong_px: float, min_length_px: float) -> Bool:
    """(N,) which torn links stay torn: chains in long, strong components, without twigs."""
    graph = chains.graph.copy()
    for _ in range(PRUNINGS):
        degree = dict(graph.degree())
        twigs = [
            (u, v, k)
            for u, v, k, data in graph.edges(keys=True, data=True)
            if u != v and min(degree[u], degree[v]) == 1 and max(degree[u], degree[v]) > 1
            and data["length"] < TWIG * min_length_px and data["peak"] < 3 * strong_px
        ]  # fmt: skip
        graph.remove_edges_from(twigs)
    component = {node: number for number, nodes in enumerate(nx.connected_components(graph)) for node in nodes}
    edges = [(component[u], k, data) for u, _, k, data in graph.edges(keys=True, data=True)]
    length = Counter[int]()
    for number, _, data in edges:
        length[number] += data["length"]
    strong = {number for number, _, data in edges if data["peak"] >= strong_px}
    kept = [k for number, k, _ in edges if number in strong and length[number] >= min_length_px]
    return np.isin(chains.chain, kept)


def _as_maps(corner: Index, shape: tuple[int, ...]) -> tuple[Bool, Bool]:
    """What is torn to the right (H, W - 1) and downward (H - 1, W), of the corners (N, 2) of torn links."""
    h, w = shape
    right, down = np.zeros((h, w - 1), bool), np.zeros((h - 1, w), bool)
    first, second = corner.T
    upright = second - first == w + 1
    i, j = np.divmod(first, w + 1)
    right[i[upright], j[upright] - 1] = True
    down[i[~upright] - 1, j[~upright]] = True
    return right, down


def _bridges(
    chains: Chains, kept: Bool, right_px: Float, down_px: Float, least_px: float
) -> list[list[tuple[int, int]]]:
    """Corner paths that join open ends of kept edges across short, steep gaps."""
    h, w = down_px.shape[0] + 1, down_px.shape[1]
    corners, counts = np.unique(chains.corner[kept], return_counts=True)
    open_ends = np.stack(np.divmod(corners[counts == 1], w + 1), 1)
    inside = (open_ends > 0).all(1) & (open_ends < (h, w)).all(1)  # an edge may well end at the picture's border
    open_ends = open_ends[inside]
    if len(open_ends) < 2:
        return []
    pairs = _close_pairs(open_ends, (h + 1, w + 1))
    gaps = np.abs(open_ends[pairs[:, 0]] - open_ends[pairs[:, 1]]).sum(1)
    used: set[int] = set()
    paths = []
    for a, b in pairs[np.argsort(gaps, kind="stable")].tolist():
        if a in used or b in used:
            continue
        path = _staircase(tuple(open_ends[a].tolist()), tuple(open_ends[b].tolist()))
        if np.mean([_jump_across(p, q, right_px, down_px) for p, q in pairwise(path)]) > least_px:
            paths.append(path)
            used |= {a, b}
    return paths


def _close_pairs(points: Index, shape: tuple[int, int]) -> Index:
    """(M, 2) all pairs of the points (N, 2) of a grid that are at most `MAX_GAP_PX` apart."""
    reach = MAX_GAP_PX
    number = np.full((shape[0] + reach, shape[1] + 2 * reach), -1)
    y, x = points.T
    number[y, x + reach] = np.arange(len(points))
    pairs = []
    for dy in range(reach + 1):
        for dx in range(-reach, reach + 1):
            if dy * dy + dx * dx <= reach * reach and (dy, dx) > (0, 0):
                other = number[y + dy, x + reach + dx]
                near = np.flatnonzero(other >= 0)
                pairs.append(np.stack([near, other[near]], 1))
    return np.concatenate(pairs)


def _staircase(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """Corners from start to end in single steps along rows and columns, close to the straight line."""
    (i, j), (i1, j1) = start, end
    di, dj = abs(i1 - i), abs(j1 - j)
    path = [(i, j)]
    while (i, j) != (i1, j1):
        if abs(i1 - i) * max(dj, 1) >= abs(j1 - j) * max(di, 1) and i != i1:
            i += 1 if i1 > i else -1
        else:
            j += 1 if j1 > j else -1
        path.append((i, j))
    return path


def _jump_across(p: tuple[int, int], q: tuple[int, int], right_px: Float, down_px: Float) -> float:
    if p[1] == q[1]:  # an upright step separates left from right
        return float(right_px[min(p[0], q[0]), p[1] - 1])
    return float(down_px[p[0] - 1, min(p[1], q[1])])


def _tear_along(path: list[tuple[int, int]], torn_right: Bool, torn_down: Bool) -> None:
    for p, q in pairwise(path):
        if p[1] == q[1]:
            torn_right[min(p[0], q[0]), p[1] - 1] = True
        else:
            torn_down[p[0] - 1, min(p[1], q[1])] = True
