"""How a network that knows pictures of a certain size, and holes up to a certain depth, sees a picture of any size."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from inpaint.filters import Bool, Float, cell_shares, only, push_pull, put_over

MAX_ASPECT = 3.0  # longer pictures are squeezed to this: networks for depth have seen nothing like them
BOX_PX = 64
TILE_PRICE_PX = 30_000  # running a network costs as much as this many pixels more
PRICE_CELL_PX = 8  # tiles are counted on a grid this coarse


def network_size(width: float, height: float, side_px: int) -> tuple[int, int]:
    """(width, height) of a network's picture: about side_px ** 2 pixels, the photo's aspect, multiples of 32."""
    aspect = float(np.clip(width / height, 1 / MAX_ASPECT, MAX_ASPECT))
    w, h = (max(2, round(side_px * s / 32)) * 32 for s in (aspect**0.5, aspect**-0.5))
    return w, h


def scale_for(unknown: Bool, context: Bool, reach_px: float) -> float:
    """The canvas' scale, at most 1, at which all of `unknown` but its deepest 2 % is within `reach_px` of `context`."""
    depth = cv2.distanceTransform((~context).astype(np.uint8), cv2.DIST_L2, 3)[unknown]
    return min(1.0, reach_px / max(float(np.percentile(depth, 98)), 1.0))


def box_around(where: Bool, margin_px: float) -> tuple[slice, slice]:
    """The rows and columns that hold all of `where` (H, W), which is not empty, and at least a margin.

    They start and end at multiples of `BOX_PX`, so that push-pull averages the same pixels in the box as outside of it.
    """

    def span(filled: Bool) -> slice:
        first, last = np.flatnonzero(filled)[[0, -1]]
        start, stop = max(0, int(first - margin_px)), int(np.ceil(last + 1 + margin_px))
        return slice(start // BOX_PX * BOX_PX, -(-stop // BOX_PX) * BOX_PX)

    return span(np.asarray(where.any(1))), span(np.asarray(where.any(0)))


def fill_smaller(
    values: Float, known: Bool, unknown: Bool, scale: float, fill: Callable[[Float, Bool, Bool], Float]
) -> Float:
    """Paint `values` (H, W, C), C > 1, on a smaller canvas, then add what the enlarged canvas lacks next to the seam.

    `fill(values, known, unknown)` paints the smaller one, into an array of its own. Nothing but `known` pixels is seen;
    the result is of use at `unknown` ones.
    """
    h, w = known.shape
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    small_weight = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    # Averages over known pixels only: nothing hidden may leak in.
    small = np.asarray(cv2.resize(only(values, known), size, interpolation=cv2.INTER_AREA), np.float32)
    small /= np.maximum(small_weight, 1e-6)[..., None]
    small_known = small_weight > 0.5
    small_unknown = (cv2.resize(unknown.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0) & ~small_known
    painted = put_over(fill(small, small_known, small_unknown), small, small_known)
    large = np.asarray(cv2.resize(painted, (w, h), interpolation=cv2.INTER_CUBIC), np.float32)
    near = known & (cv2.dilate(unknown.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    return large + push_pull(values - large, near) if near.any() else large


def run_tiles(
    planes: Float, where: Bool, tile: tuple[int, int], overlap_px: int, run: Callable[[Float], Float]
) -> Float:
    """What `run` makes of `planes` (H, W, C), tile by tile: (H, W, K), zeros in tiles without any pixel of `where`.

    `run` takes and returns (h, w, ...) with (h, w) = `tile`. Where a hole goes on, tiles overlap by at least
    `overlap_px`, and are blended there; a canvas smaller than a tile is continued by its edge. One tile at a time:
    batches only take more memory.
    """
    height, width = where.shape
    h, w = tile
    ramps = (np.minimum(np.arange(n) + 1, np.arange(n)[::-1] + 1).clip(max=max(overlap_px, 1)) for n in tile)
    blend = np.outer(*ramps)[..., None].astype(np.float32)
    total, share = None, np.zeros((height, width, 1), np.float32)
    for y, x in _corners(where, tile, overlap_px):
        part = planes[y : y + h, x : x + w]
        answer = run(np.pad(part, [(0, h - part.shape[0]), (0, w - part.shape[1]), (0, 0)], mode="edge"))
        if total is None:
            total = np.zeros((height, width, answer.shape[-1]), np.float32)
        rows, columns = part.shape[:2]
        total[y : y + h, x : x + w] += (blend * answer)[:rows, :columns]
        share[y : y + h, x : x + w] += blend[:rows, :columns]
    if total is None:
        raise ValueError("no tile holds a pixel to fill")
    return np.asarray(total / np.maximum(share, 1e-6))


def choose_tile(where: Bool, overlap_px: int, multiple: int, least_px: int, most_px: int) -> tuple[int, int]:
    """The (height, width) of tiles that cover `where` (H, W) with the fewest pixels, sides multiples of `multiple`.

    They have at least `least_px` a side, unless one covers all, and at most `most_px`: smaller ones see too little,
    larger ones take too much memory.
    """
    coarse = cell_shares(where, PRICE_CELL_PX) > 0
    whole = (-(-n // multiple) * multiple for n in where.shape)
    heights, widths = ({min(side, n) for side in range(least_px, most_px + 1, multiple)} for n in whole)

    def price(tile: tuple[int, int]) -> int:
        cells = (tile[0] // PRICE_CELL_PX, tile[1] // PRICE_CELL_PX)
        return len(_corners(coarse, cells, overlap_px // PRICE_CELL_PX)) * (tile[0] * tile[1] + TILE_PRICE_PX)

    return min(((h, w) for h in sorted(heights) for w in sorted(widths)), key=price)


def _corners(where: Bool, tile: tuple[int, int], overlap: int) -> list[tuple[int, int]]:
    """(top, left) of tiles that hold all of `where`, strip by strip from the top left."""
    return [(y, x) for y, rows in _spans(np.asarray(where.any(1)), tile[0], overlap)
            for x, _ in _spans(np.asarray(where[rows].any(0)), tile[1], overlap)]  # fmt: skip


def _spans(filled: Bool, tile: int, overlap: int) -> list[tuple[int, slice]]:
    """Where tiles start along one side, and what they are to cover.

    Each begins half an overlap before the first line that none covers yet, and covers all but half an overlap.
    """
    spans, covered, lines = [], 0, np.flatnonzero(filled)
    while (left := lines[lines >= covered]).size:
        start = max(0, min(int(left[0]) - overlap // 2, len(filled) - tile))
        end = len(filled) if start + tile >= len(filled) else start + tile - overlap // 2
        spans.append((start, slice(int(left[0]), end)))
        covered = end
    return spans
