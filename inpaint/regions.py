"""Regions that grow from tears along links, so that growth never crosses a tear."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Bool, Float, nearest, widened
from inpaint.slopes import BAND_PX
from inpaint.tears import Index, Links, TornPairs, surfaces, torn_pairs

CONTEXT_STEPS = 96
SOFT_STEPS = 24  # at most: mattes reach less far
THIN_PX = 7  # narrower parts of the region that lesser tears hide are painted with the rest
CONTACT_PX = 12  # no depth edge that counts is shorter
GAP_PX = 15  # and narrower gaps in it with the region
SCRAP_SHARE = 1.5e-3  # of the picture: what is smaller is a scrap
DIAGONAL = 1.42  # growth counts steps along rows and columns; this many cover a diagonal pixel distance of 1


@dataclass(frozen=True)
class Region:
    """Pixels that growth reached."""

    steps: npt.NDArray[np.int32]  # (H, W) steps from the seed, -1 where not reached
    source: Index  # (H, W) which seed the pixel was reached from (index into the seeds), -1 where not reached

    @property
    def mask(self) -> Bool:
        return np.asarray(self.steps >= 0)


def grow(
    seeds: Index,
    limits: npt.NDArray[np.int64],
    links: Links,
    disparity: Float,
    above: Float | None = None,
    below: Float | None = None,
) -> Region:
    """Grow from `seeds` (N,) flat pixel indices along links, each seed for its own number of steps `limits` (N,).

    A seed's growth only enters pixels whose `disparity` (H, W) is over its `above` (N,) and under its `below` (N,),
    so that it cannot slip round the open end of a tear onto the other surface. Where several seeds meet, the one with
    fewer steps wins. Work is proportional to the region, not the picture.
    """
    h, w = links.down.shape[0] + 1, links.down.shape[1]
    steps = np.full(h * w, -1, np.int32)
    source = np.full(h * w, -1, np.int64)
    far_first = np.argsort(limits, kind="stable")  # of seeds on one pixel, the one with the largest limit stays
    source[seeds[far_first]] = far_first
    frontier = np.unique(seeds)
    steps[frontier] = 0
    q = disparity.ravel()
    ways = links.to_neighbours()
    step = 0
    while len(frontier):
        step += 1
        frontier = frontier[limits[source[frontier]] >= step]
        reached = []
        for offset, linked in ways:
            from_ = frontier[linked[frontier]]
            to = from_ + offset
            new = steps[to] < 0
            if above is not None:
                new &= q[to] > above[source[from_]]
            if below is not None:
                new &= q[to] < below[source[from_]]
            to, from_ = to[new], from_[new]
            steps[to] = step
            source[to] = source[from_]
            reached.append(to)
        frontier = np.concatenate(reached)  # no pixel twice: what one direction reached is not new to the next
    return Region(steps.reshape(h, w), source.reshape(h, w))


@dataclass(frozen=True)
class PeelRegions:
    """What lies open behind the tears of a surface map, and what tells how it looks there."""

    hidden: Bool  # (H, W) near-side pixels to take away: what a camera move can look behind
    context: Bool  # (H, W) far-side pixels, linked with the tears
    inner: Bool  # (H, W) those of `hidden` at lesser tears within a surface that is itself in front of others
    inner_context: Bool  # (H, W) the far side of lesser tears: context for `inner` alone, the rest lies behind it
    waiting: Bool  # (H, W) what a move can look behind, too, but which is itself behind something: for the next layer
    tears: TornPairs  # that hide something


def peel_regions(
    disparity: Float,
    links: Links,
    cut: Links,
    budget_px: float,
    margin_px: float,
    behind: float,
    soft: Bool | None = None,
    contact_px: int = CONTACT_PX,
) -> PeelRegions | None:
    """Synthesis and context regions at the tears of `disparity` (H, W), or None where nothing can be revealed.

    `cut` marks torn links that hide nothing new. Painted surfaces must fit at least `behind` under what hides them.
    `soft` (H, W) are pixels that hide nothing completely: what lies behind is seen as far as they reach, and then what
    a move opens.
    What is itself the background of something nearer stays: it is peeled in its turn, with the next layer; but not for
    a contact of fewer than `contact_px` pixels.
    """
    pairs = torn_pairs(Links(links.right | cut.right, links.down | cut.down), disparity)
    if not len(pairs.near):
        return None
    near, far = disparity.ravel()[pairs.near], disparity.ravel()[pairs.far]
    between = far + 0.5 * (near - far)
    steps = reveal_steps(pairs, disparity, budget_px, margin_px)
    walls = Links(links.right & ~cut.right, links.down & ~cut.down)
    if soft is not None:
        steps += _soft_steps(pairs.near, soft, walls, disparity)
    taken = grow(pairs.near, steps, walls, disparity, above=far + behind)
    everywhere = np.full(len(pairs.far), CONTEXT_STEPS)
    background = grow(pairs.far, everywhere, walls, disparity, below=between)
    waits = background.mask & (background.steps < np.minimum(steps[background.source], CONTEXT_STEPS))
    waits = _touching(waits & taken.mask, pairs.far, walls, contact_px)
    hidden = taken.mask
    if (hidden & ~waits).any():  # else surfaces hide one another in a ring
        hidden = hidden & ~waits
    context = background.mask & ~hidden
    # Hair with a strand in front of it is context for what the strand hides, not for the sky behind both.
    level = np.where(hidden, between[taken.source], np.inf).astype(np.float32)
    window = np.ones((2 * min(int(steps.max()), CONTEXT_STEPS) + 1,) * 2, np.uint8)
    nearer = context & (disparity > cv2.erode(level, window))
    at = np.flatnonzero(hidden)
    lesser = np.zeros_like(hidden)
    lesser.ravel()[at] = _continued(nearer, pairs.far[taken.source.ravel()[at]], taken.steps.ravel()[at])
    # Thin strips would stand as streaks in what is painted around them, and so would gaps; the rim of a wider part is
    # no strip.
    wide = cv2.morphologyEx(lesser.astype(np.uint8), cv2.MORPH_OPEN, np.ones((THIN_PX, THIN_PX), np.uint8))
    broad = lesser & (widened(wide, THIN_PX // 2) > 0)
    whole = cv2.morphologyEx(broad.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((GAP_PX, GAP_PX), np.uint8))
    inner = hidden & (whole > 0)
    # Nor is the strand context for the hair that it hides, where it is itself behind something else.
    inner_context = nearer & (disparity <= nearest(level, inner, nearer)) if inner.any() else nearer
    inner |= _crumbs(lesser & ~inner, inner)
    return PeelRegions(hidden, context & ~nearer, inner, inner_context, taken.mask & ~hidden, pairs)


def _touching(pixels: Bool, places: Index, links: Links, least: int) -> Bool:
    """Those of the `pixels` (H, W) on whose piece of a surface `least` of the `places` (N,) lie, flat indices."""
    surface = surfaces(_among(pixels, links))
    held = np.bincount(surface.ravel()[places], minlength=surface.max() + 1)
    return np.asarray(pixels & (held >= least)[surface])


def _among(pixels: Bool, links: Links) -> Links:
    """Those of `links` that join `pixels` (H, W) with one another."""
    return Links(links.right & pixels[:, 1:] & pixels[:, :-1], links.down & pixels[1:] & pixels[:-1])


def part_scraps(regions: PeelRegions) -> Bool:
    """(N,) which of the tears of `regions` part scraps, which tell nothing of what goes on behind the nearer side."""
    _, label, found, _ = cv2.connectedComponentsWithStats(regions.inner_context.astype(np.uint8), connectivity=4)
    scrap = found[:, cv2.CC_STAT_AREA] <= SCRAP_SHARE * label.size
    scrap[0] = False
    return np.asarray(scrap[label.ravel()[regions.tears.far]])


def show_strangers(regions: PeelRegions) -> Bool:
    """(N,) behind which of the tears of `regions` nothing like their far sides is painted, but what lies behind both:
    far sides that are hidden themselves, as where three surfaces meet, or too small to be painted from.

    And those right beside where three surfaces meet: a slope reaches that far, and what opens at its end must find
    something painted behind it.
    """
    near, far = regions.tears.near, regions.tears.far
    met = np.zeros(regions.hidden.shape, np.uint8)
    met.ravel()[far] = (regions.hidden | regions.waiting).ravel()[far]
    meeting = widened(met, BAND_PX).ravel()[far] > 0
    return np.asarray(meeting | (regions.inner_context.ravel()[far] & ~regions.inner.ravel()[near]))


def _crumbs(parts: Bool, beside: Bool) -> Bool:
    """Those connected `parts` (H, W) that are hardly larger than a strip is wide, and touch what is `beside` (H, W)."""
    _, label, found, _ = cv2.connectedComponentsWithStats(parts.astype(np.uint8), connectivity=4)
    touching = np.zeros(len(found), bool)
    touching[label[widened(beside.astype(np.uint8), 1) > 0]] = True
    return np.asarray(parts & (touching & (found[:, cv2.CC_STAT_AREA] <= THIN_PX**2))[label])


def _continued(context: Bool, background: Index, steps: npt.NDArray[np.int32]) -> Bool:
    """(N,) behind which pixels pieces of `context` (H, W) go on: behind all, if a piece is no smaller than what is
    before it in all, else as far as it is wide. A scrap does not tell what goes on behind something larger.

    `background` (N,): the flat index of what each pixel hides; `steps` (N,): how far behind the tear that is.
    """
    _, label = cv2.connectedComponents(context.astype(np.uint8), connectivity=4)
    label = label.ravel()
    piece = label[background]
    area, before, rim = (np.bincount(x, minlength=label.max() + 1) for x in (label, piece, piece[steps == 0]))
    width = np.where(area > SCRAP_SHARE * label.size, area / np.maximum(rim, 1), -1)
    return np.asarray((piece > 0) & ((area >= before)[piece] | (steps <= width[piece])))


def _soft_steps(near: Index, soft: Bool, links: Links, disparity: Float) -> npt.NDArray[np.int64]:
    """(N,) how many steps the `soft` pixels (H, W) reach behind each of the pixels `near` (N,)."""
    steps = grow(near, np.full(len(near), SOFT_STEPS), _among(soft, links), disparity).steps
    return widened(np.maximum(steps, 0).astype(np.uint8), SOFT_STEPS).ravel()[near].astype(np.int64)


def reveal_steps(pairs: TornPairs, disparity: Float, budget_px: float, margin_px: float) -> npt.NDArray[np.int64]:
    """How many steps behind each torn link any camera move can look, plus a margin."""
    return np.ceil((pairs.steps(disparity) * budget_px + margin_px) * DIAGONAL).astype(np.int64)
