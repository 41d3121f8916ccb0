"""Painting by example: unknown pixels take the colours of the best-matching places in their context.

Patch-based completion after Wexler et al. ("Space-Time Completion of Video", 2007) with the PatchMatch search of
Barnes et al. (2009), coarse to fine, vectorised over the unknown pixels. Matching runs at a small size; the matches
are then used at full size to copy detail, so that the fill is as sharp and as grainy as its surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Bool, Float, box_mean, closest_pixel, push_pull

Index = npt.NDArray[np.int64]

RADIUS = 2  # patches of 5 x 5: more of them fit into a narrow context than of 7 x 7
COARSEST_PX, FINEST_PX = 64, 448  # long side of the smallest first and of the last level that is matched
FIRST_DEPTH_PX = 3.0  # matching starts where holes are about this deep: smaller, and narrow contexts would vanish
MOST_UNKNOWN = 12_000  # pixels matched on the last level: larger holes are matched at a smaller size
SEED = 0
ROUNDS = 3  # match and vote, per level
ANCHOR_WEIGHT = 0.5  # how much an example's mean colour is held to the broad colours, against how well it fits in
DISTANCE_WEIGHT = 0.06  # a match one picture away costs as much as this mean squared difference (sRGB 0..1)


@dataclass(frozen=True)
class Level:
    """One resolution of the problem, padded by RADIUS on each side, flat."""

    width: int  # of the padded picture
    colour: Float  # (N, 3) known colours and the current guess
    broad: Float  # (N, 3) what the fill should broadly look like
    weight: Float  # (N,) 1 where a pixel counts in a comparison, 0 for what is hidden
    target: Index  # (T,) unknown pixels
    source: Index  # (S,) pixels whose whole patch is context
    is_source: Bool  # (N,)


def patch_fill(rgb: Float, unknown: Bool, context: Bool) -> Float:
    """`rgb` (H, W, 3) in 0..1 with `unknown` (H, W) painted by example from `context` (H, W) alone.

    Broadly it looks like smooth interpolation. Nothing is painted where there is no context at all. Deterministic.
    """
    if not unknown.any() or not context.any():
        return rgb
    # Hidden colours are gone from here on: neither shrinking nor blurring can bring them back.
    guess = np.where(context[..., None], rgb, push_pull(rgb, context)).astype(np.float32)
    long_side = max(unknown.shape)
    share = float(unknown.sum()) / long_side**2
    finest = min(FINEST_PX, long_side, max(2 * COARSEST_PX, round((MOST_UNKNOWN / share) ** 0.5)))
    depth = cv2.distanceTransform((~context).astype(np.uint8), cv2.DIST_L2, 3)[unknown]
    first = long_side * FIRST_DEPTH_PX / max(1.0, float(np.percentile(depth, 90)))
    sizes = [round(min(max(first, COARSEST_PX), finest, long_side))]
    while sizes[-1] < finest:
        sizes.append(min(2 * sizes[-1], finest))
    rng = np.random.default_rng(SEED)
    match: Float | None = None  # (h, w, 2) offsets (dy, dx) to the match, as fractions of the long side
    picture = guess
    for size in sizes:
        scale = size / long_side
        shape = (max(1, round(unknown.shape[0] * scale)), max(1, round(unknown.shape[1] * scale)))
        level = _make_level(guess, picture, unknown, context, shape)
        if not len(level.source):
            continue
        match, picture = _complete(level, shape, match, rng)
    painted = guess if match is None else _copy_detail(guess, picture, match, unknown, context)
    return np.where(unknown[..., None], painted, rgb)


def _make_level(guess: Float, picture: Float, unknown: Bool, context: Bool, shape: tuple[int, int]) -> Level:
    h, w = shape
    share_context = cv2.resize(context.astype(np.float32), (w, h), interpolation=cv2.INTER_AREA)
    hole = cv2.resize(unknown.astype(np.float32), (w, h), interpolation=cv2.INTER_AREA) > 0
    # Mean of context alone, so that no hidden colour leaks in by shrinking.
    known = cv2.resize(guess * context[..., None].astype(np.float32), (w, h), interpolation=cv2.INTER_AREA)
    known = known / np.maximum(share_context, 1e-6)[..., None]
    current = cv2.resize(picture, (w, h), interpolation=cv2.INTER_AREA if picture.shape[1] > w else cv2.INTER_LINEAR)
    usable = (share_context > 0.5) & ~hole
    colour = np.where(usable[..., None], known, current)
    pad = ((RADIUS, RADIUS), (RADIUS, RADIUS))
    padded_usable = np.pad(usable, pad)
    whole = cv2.erode(padded_usable.astype(np.uint8), np.ones((2 * RADIUS + 1,) * 2, np.uint8), borderValue=0) > 0
    return Level(
        w + 2 * RADIUS,
        np.pad(colour, (*pad, (0, 0))).reshape(-1, 3).astype(np.float32),
        np.pad(cv2.resize(guess, (w, h), interpolation=cv2.INTER_AREA), (*pad, (0, 0))).reshape(-1, 3),
        np.pad(usable | hole, pad).ravel().astype(np.float32),
        np.flatnonzero(np.pad(hole, pad)),
        np.flatnonzero(whole),
        whole.ravel(),
    )


def _complete(
    level: Level, shape: tuple[int, int], match: Float | None, rng: np.random.Generator
) -> tuple[Float, Float]:
    """Match and vote on one level; returns offsets (h, w, 2) in long sides and the completed picture (h, w, 3)."""
    h, w = shape
    width, long_side = level.width, max(h, w)
    colour = level.colour.copy()
    offsets = np.array([dy * width + dx for dy in range(-RADIUS, RADIUS + 1) for dx in range(-RADIUS, RADIUS + 1)])
    target = level.target
    slot = np.full(len(level.weight), -1, np.int64)  # pixel -> its place in `target`
    slot[target] = np.arange(len(target))
    ty, tx = np.divmod(target, width)
    closest = closest_pixel(level.is_source.reshape(-1, width), target)
    mean = box_mean(colour.reshape(-1, width, 3), RADIUS).reshape(-1, 3)  # of use at sources, whose patch is all known
    anchor = level.broad[target]
    if match is None:
        nearest = closest
    else:
        up = cv2.resize(match, (w, h), interpolation=cv2.INTER_NEAREST)[ty - RADIUS, tx - RADIUS] * long_side
        guess = np.clip(np.round(ty + up[:, 0]), RADIUS, h + RADIUS - 1) * width
        guess = (guess + np.clip(np.round(tx + up[:, 1]), RADIUS, w + RADIUS - 1)).astype(np.int64)
        nearest = np.where(level.is_source[guess], guess, closest)
        # The coarser level's matches give a sharp start; its enlarged colours would draw the search to blurred places.
        colour[target] = _vote(colour, target, nearest, slot, np.zeros(len(target), np.float32), offsets)
    for _ in range(ROUNDS):
        patch = colour[target[:, None] + offsets]
        weight = level.weight[target[:, None] + offsets]
        weight = weight / np.maximum(weight.sum(1, keepdims=True), 1)

        def cost(candidate: Index, of: Index, patch: Float = patch, weight: Float = weight) -> Float:
            difference = colour[candidate[:, None] + offsets] - patch[of]
            apart = np.einsum("nkc,nkc,nk->n", difference, difference, weight[of])
            cy, cx = np.divmod(candidate, width)
            away = (np.abs(cy - ty[of]) + np.abs(cx - tx[of])) / long_side
            off = ((mean[candidate] - anchor[of]) ** 2).sum(1)
            return np.asarray(apart + ANCHOR_WEIGHT * off + DISTANCE_WEIGHT * away)

        everyone = np.arange(len(target))
        best: Float = cost(nearest, everyone)

        def consider(candidate: Index, of: Index, best: Float = best) -> None:
            good = level.is_source[candidate] & (candidate != nearest[of])
            candidate, of = candidate[good], of[good]
            price = cost(candidate, of)
            better = price < best[of]
            nearest[of[better]], best[of[better]] = candidate[better], price[better]

        for step in (1, -1, width, -width, 2, -2, 2 * width, -2 * width):  # what fits a neighbour may fit here
            neighbour = slot[np.clip(target - step, 0, len(slot) - 1)]
            of = np.flatnonzero(neighbour >= 0)
            consider(np.clip(nearest[neighbour[of]] + step, 0, len(slot) - 1), of)
        reach = long_side / 2
        while reach >= 1:  # look around the best, ever closer
            jump = np.round(rng.uniform(-reach, reach, (2, len(target)))).astype(np.int64)
            y, x = np.divmod(nearest, width)
            y, x = np.clip(y + jump[0], RADIUS, h + RADIUS - 1), np.clip(x + jump[1], RADIUS, w + RADIUS - 1)
            consider(y * width + x, everyone)
            reach /= 3
        colour[target] = _vote(colour, target, nearest, slot, best, offsets)
    y, x = np.divmod(nearest, width)
    field = np.zeros((h, w, 2), np.float32)
    field[ty - RADIUS, tx - RADIUS] = np.stack([y - ty, x - tx], 1) / long_side
    return field, colour.reshape(-1, width, 3)[RADIUS : RADIUS + h, RADIUS : RADIUS + w]


def _vote(colour: Float, target: Index, nearest: Index, slot: Index, best: Float, offsets: Index) -> Float:
    """Each unknown pixel becomes the mean of what the patches that contain it say, good matches counting more."""
    trust = np.exp(-best / max(float(np.percentile(best, 50)), 1e-6)).astype(np.float32)
    total = np.zeros((len(target), 3), np.float32)
    mass = np.zeros(len(target), np.float32)
    for offset in offsets.tolist():
        owner = slot[target + offset]
        has = np.flatnonzero(owner >= 0)
        t = trust[owner[has]]
        total[has] += t[:, None] * colour[nearest[owner[has]] - offset]
        mass[has] += t
    return np.asarray(total / np.maximum(mass, 1e-6)[:, None], np.float32)


def _copy_detail(guess: Float, picture: Float, match: Float, unknown: Bool, context: Bool) -> Float:
    """Full-size fill: broad colours from the completed small picture, detail copied from where the matches point."""
    h, w = unknown.shape
    scale = max(h, w) / max(picture.shape[:2])
    broad = cv2.resize(picture, (w, h), interpolation=cv2.INTER_LINEAR)
    if scale <= 1:
        out = guess.copy()
        out[unknown] = picture[unknown]
        return out
    rows, columns = np.nonzero(unknown)
    small_y = np.minimum((rows / scale).astype(np.int64), picture.shape[0] - 1)
    small_x = np.minimum((columns / scale).astype(np.int64), picture.shape[1] - 1)
    offset = np.round(match[small_y, small_x] * max(h, w)).astype(np.int64)
    y, x = np.clip(rows + offset[:, 0], 0, h - 1), np.clip(columns + offset[:, 1], 0, w - 1)
    usable = context[y, x]
    copied = broad.copy()
    copied[rows[usable], columns[usable]] = guess[y[usable], x[usable]]
    around = np.where((unknown | context)[..., None], np.where(unknown[..., None], copied, guess), broad)
    # Below the size that was matched, the copy is trusted; above it, the voted picture, which has no seams.
    sigma = 1.5 * scale
    low = cv2.GaussianBlur(np.where(unknown[..., None], broad, around) - around, (0, 0), sigma)
    out = guess.copy()
    out[unknown] = np.clip(around + low, 0, 1)[unknown]
    return out
