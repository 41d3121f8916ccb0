"""Soft silhouettes: how much of each pixel near a depth edge belongs to the nearer surface."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Bool, Float, box_mean, far_and_span, guided_filter, largest, nearest, only, widened
from inpaint.strays import strays
from inpaint.tears import Links, TornPairs, torn_pairs, were_blurred

UInt8 = npt.NDArray[np.uint8]

REACH_PX = 4  # window in which the matte looks for the true edge
GROWTH_PX, GROWTH_SHARE = 2.3, 0.0025  # the nearer surface takes its colour fringe along: px, or of the long side
FEATHER_EPS = 2e-4
SURE = 0.6  # alpha from which a pixel beyond the growth belongs to the nearer surface
TOUCHED = 0.15  # alpha from which a pixel within the growth does
SOLID = 0.95  # alpha from which nobody sees what is behind: opaque pixels are drawn faster
CALM, FOREIGN = 0.02, 2.0  # colours are foreign from this many deviations (at least CALM) of the background's on
CALMEST, CALM_ALPHA = 0.03, 0.1  # a background that deviates by less shows every trace of an edge: covered by so much
TEXTURED = 0.1  # where its brightness deviates by less, hue alone tells traces: texture varies in hue less
HALO, HALO_SHARE = 0.008, 0.25  # there is a halo where so many of the pixels beside an edge differ by so much from it
STRANGE = 0.2  # what differs by more has nothing to do with a halo
OUTLINE_PX, OUTLINE_SHARE = 2, 0.0014  # beyond all that, so much moves along unasked: px, or of the long side
ESTIMATED_PX = 1  # and no less where estimated depth was made sharp: its edges are hardly ever more exact
SMALL_PX, SLIT_PX = 16, 2  # pieces of fewer pixels, or no wider, are no surface of their own
# Axes of brightness and of hue: red to blue, magenta to green.
OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], np.float32) / np.array([[3], [2**0.5], [6**0.5]], np.float32)
RIM_PX, RIM_SHARE = 5, 0.004  # colours this close to an edge are no context: px, or of the long side


@dataclass(frozen=True)
class Matte:
    """The nearer surface grown over the pixels that it partly covers."""

    disparity: Float  # (H, W) the near side's value where it covers a pixel at all
    alpha: Float  # (H, W) in 0..1, 1 away from depth edges
    rim: Bool  # (H, W) pixels near the edge whose colour mixes both sides


@dataclass(frozen=True)
class _Comparison:
    """What pixels have to do with the background around them, (H, W) each."""

    foreign: Float  # how little, in 0..1, for mixtures of it with the foreground
    share: Float  # the foreground's in the mixture, in 0..1
    trace: Bool  # a little off where the background is calm, if only in hue: one sees it
    strange: Bool  # far off, and no mixture: something else


def soft_edges(disparity: Float, links: Links, rgb: Float, before: Float | None = None) -> Matte:
    """Matte of the torn edges of `disparity` (H, W) against the colours `rgb` (H, W, 3) in 0..1.

    Near-side membership, one bit per pixel around the tears, is smoothed along the photo's own edges by a guided filter
    (He et al., 2010); pixels just outside the depth edge that come out partly covered move with the nearer surface.
    `before` (H, W): the `steepest_steps` of the disparity before it was made sharp, if it was. Edges that were sharp
    already are exact.
    """
    h, w = disparity.shape
    pairs = torn_pairs(links, disparity)
    alpha = np.ones((h, w), np.float32)
    rim = np.zeros((h, w), bool)
    if not len(pairs.near):
        return Matte(disparity, alpha, rim)
    smallest = float(np.percentile(pairs.steps(disparity), 5))
    on_edge = np.zeros(h * w, np.uint8)
    on_edge[pairs.near] = on_edge[pairs.far] = 1
    on_edge = on_edge.reshape(h, w)
    # Twice the reach: the guided filter looks that far. Beyond that lies what the background shows.
    near_side, far_side = _sides(disparity, on_edge, 2 * REACH_PX, 0.5 * smallest)
    _, farther_side = _sides(disparity, on_edge, 4 * REACH_PX, 0.5 * smallest)
    band = near_side | far_side
    soft = guided_filter(rgb, (~far_side).astype(np.float32), radius=REACH_PX, eps=FEATHER_EPS, where=band)
    soft = np.clip(soft * 1.15 - 0.075, 0, 1)
    distance_out = cv2.distanceTransform((~near_side).astype(np.uint8), cv2.DIST_L2, 3)
    distance_in = cv2.distanceTransform((~far_side).astype(np.uint8), cv2.DIST_L2, 3)
    # The matte fades with distance, so that a like-coloured background is not dragged along.
    inward = np.maximum(soft, (distance_in - 0.5) / REACH_PX)
    outward = soft * np.clip(1.4 - distance_out / REACH_PX, 0, 1)
    fringe = far_side & (distance_out <= 2 * REACH_PX)
    background = (far_side | (farther_side & ~band)) & ~fringe
    beside = _against_background(rgb, background, near_side & (distance_in > REACH_PX), fringe)
    mixed = beside.foreign * beside.share
    outward = np.maximum(outward, mixed)
    soft = np.clip(np.where(near_side, inward, outward), 0, 1)
    growth = min(GROWTH_PX, max(1.0, GROWTH_SHARE * max(h, w)))
    claimed = np.maximum(soft, beside.foreign)
    reached = near_side | ((distance_out <= growth) & (claimed > TOUCHED)) | (fringe & (claimed > SURE))
    covered = fringe & (cv2.morphologyEx(reached.astype(np.uint8), cv2.MORPH_CLOSE, _disc(2)) > 0)
    # Rings and halos of sharpening or compression beside the edge move with the nearer surface.
    traces, around = (box_mean(x.astype(np.float32), REACH_PX) for x in (beside.trace, fringe))
    faint = fringe & ~beside.strange & (traces > HALO_SHARE * around)
    # So do the last pixels that a lens or an enlargement mixed: few, and hardly seen beside an edge that moves.
    faint |= fringe & ~covered & _outlined(near_side | covered | faint, disparity, pairs, before)
    # Those hold no more of it than their colour shows: their brightness is the background's texture.
    soft = np.where(faint, np.maximum(np.where(covered, soft, mixed), CALM_ALPHA), soft)
    covered |= faint
    stray, share = strays(rgb, disparity, near_side, covered, 0.5 * smallest)
    soft = np.where(stray, np.maximum(share, CALM_ALPHA), soft)
    covered |= stray
    # Depth is not torn round small pieces: they would be drawn out.
    covered |= _small(far_side & ~covered, body=far_side & ~fringe)
    covered &= ~_small(near_side | covered, body=near_side)
    # Gaps that hold something else than the background are no gaps.
    soft = np.where(covered & ~reached & beside.strange, np.maximum(soft, CALM_ALPHA), soft)
    alpha = np.where((near_side | covered) & (soft < SOLID), soft, 1).astype(np.float32)
    grown = np.maximum(nearest(disparity, near_side, covered), disparity)
    rim = widened(on_edge | covered.astype(np.uint8), min(RIM_PX, max(1, round(RIM_SHARE * max(h, w))))) > 0
    return Matte(grown.astype(np.float32), alpha, rim & ~(near_side & (alpha > 0.99)))


def _outlined(moving: Bool, disparity: Float, pairs: TornPairs, before: Float | None) -> Bool:
    """(H, W) what is `moving` (H, W) and the pixels that move along unasked."""
    width = min(OUTLINE_PX, int(OUTLINE_SHARE * max(moving.shape)))
    outlined = _grown(moving, width)
    if before is None or width >= ESTIMATED_PX:
        return outlined
    estimated = np.zeros(moving.shape, np.uint8)
    estimated.ravel()[pairs.near[were_blurred(pairs, disparity, before)]] = 1
    return outlined | (_grown(moving, ESTIMATED_PX) & (widened(estimated, 2 * REACH_PX) > 0))


def _grown(mask: Bool, radius: int) -> Bool:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), _disc(radius)) > 0)


def _disc(radius: int) -> UInt8:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8)


def _small(pieces: Bool, body: Bool) -> Bool:
    """(H, W) those connected pieces that have fewer than SMALL_PX pixels, or are slits, and none of `body` (H, W)."""
    mask = pieces.astype(np.uint8)
    _, label, found, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    wide = np.zeros(len(found), bool)
    wide[label[cv2.erode(mask, np.ones((SLIT_PX + 1,) * 2, np.uint8)) > 0]] = True
    small = (found[:, cv2.CC_STAT_AREA] < SMALL_PX) | ~wide
    small[label[body]] = False
    return np.asarray(pieces & small[label])


def _sides(disparity: Float, on_edge: UInt8, reach: int, least: float) -> tuple[Bool, Bool]:
    """(H, W) the nearer and the farther side of the edges `on_edge` (H, W), as far as `reach`; where all that lies
    around differs by no more than `least`, all is the nearer side.
    """
    band = widened(on_edge, reach) > 0
    far, span = far_and_span(disparity, reach + 1)
    far_side = band & (span > least) & (disparity - far <= 0.5 * span)
    return band & ~far_side, far_side


def _against_background(rgb: Float, background: Bool, foreground: Bool, where: Bool) -> _Comparison:
    """The pixels `where` (H, W) of `rgb` (H, W, 3) beside the background around them; nothing elsewhere.

    A blurred or haloed outline of the foreground does not belong to a calm background: left behind it would stand there
    as a ghost. In a textured one its hue still tells it; in a busy one it is neither told apart nor seen. `background`,
    `foreground`: (H, W) sure pixels.
    """
    opponent = cv2.transform(rgb, OPPONENT)
    colour = opponent[where]
    mean, square, known = _local_moments(opponent, background, where)
    inner, _, _ = _local_moments(opponent, foreground, where)
    variance = np.maximum(square - mean**2, 0)
    apart, deviation = np.abs(colour - mean), np.sqrt(variance + CALM**2)
    foreign = np.clip(largest(apart / deviation) / FOREIGN - 1, 0, 1)
    across = inner - mean
    share = np.clip(((colour - mean) * across).sum(-1) / np.maximum((across**2).sum(-1), 1e-4), 0, 1)
    # A dark spot of the background is foreign to it, too, but no mixture of it with the foreground.
    off = largest(np.abs(colour - mean - share[:, None] * across) / deviation)
    mixture = np.clip(2 - off / FOREIGN, 0, 1)
    maps = np.zeros((2, *where.shape), np.float32)
    maps[:, where] = np.where(known, foreign * mixture, 0), share
    calm, spread = variance < CALMEST**2, np.sqrt(variance)
    off_calm = (calm & (apart > 2 * spread + HALO)).any(-1)
    texture = (~calm & (apart > spread)).any(-1)
    trace = off_calm & ~texture & (calm.all(-1) | (spread[:, 0] < TEXTURED))
    strange = (apart > STRANGE).any(-1) & (mixture < 0.5)
    flags = np.zeros((2, *where.shape), bool)
    flags[:, where] = known & trace, known & strange
    return _Comparison(*maps, *flags)


def _local_moments(rgb: Float, of: Bool, where: Bool) -> tuple[Float, Float, Bool]:
    """Mean colour and mean square (N, 3) of the pixels `of` near each of the N pixels `where`, and whether there are
    any (N,).
    """
    share = box_mean(of.astype(np.float32), 4 * REACH_PX)[where]
    seen, total = only(rgb, of), np.maximum(share, 1e-4)[:, None]
    mean, square = (box_mean(x, 4 * REACH_PX)[where] / total for x in (seen, seen * seen))
    return mean.astype(np.float32), square.astype(np.float32), share > 0.02
