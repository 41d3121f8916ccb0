"""Holes whose truth is known: regions of one photo's depth edges, made as the product makes them, laid over another."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]

SEED = 4
SIDE_PX, MIN_SIDE_PX = 384, 256  # crops are as large as the photo's short side, within these
BORDER_EVERY = 5  # one picture in this many has strips along its sides, as where the picture is extended
RIM_PX = 2  # next to a silhouette colours mix: this much of the background is painted, too
WIDE = (0.7, 1.4)  # the deepest 2 % of a hole's pixels begin this far from the context, in widths of the band
SHARES = (0.01, 0.6)  # of the crop that is hole
MIN_CONTEXT = 0.12  # of the crop
OTHERS = 12  # photos tried for edges that fit
WINDOWS = 4  # places tried for one where the truth is as far away as the context
NEARER = 0.03  # disparity that the truth may be nearer than the context


@dataclass(frozen=True)
class Source:
    """A photo no larger than crops are, with its estimated depth."""

    rgb: UInt8  # (H, W, 3) sRGB, min(H, W) <= SIDE_PX
    disparity: Float  # (H, W) in 0..1, larger is nearer


@dataclass(frozen=True)
class Hole:
    """A square crop to fill; `rgb` and `disparity` hold the truth everywhere. What is in neither mask stays hidden."""

    photo: Path
    rgb: UInt8  # (S, S, 3) sRGB
    disparity: Float  # (S, S) in 0..1
    unknown: Bool  # (S, S) to be painted
    context: Bool  # (S, S) what may be seen


@functools.lru_cache(maxsize=4 * OTHERS)
def read_source(path: Path) -> Source:
    """Raises photo3d_video.errors.InputError for a file that is no picture."""
    from photo3d_video.depth.builtin import estimate_depth
    from photo3d_video.photo import load_photo

    rgb = load_photo(path).rgb
    scale = min(1.0, SIDE_PX / min(rgb.shape[:2]))
    if scale < 1:
        size = tuple(max(SIDE_PX, round(n * scale)) for n in rgb.shape[1::-1])
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    disparity = cv2.resize(estimate_depth(rgb).disparity, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return Source(rgb, np.clip(disparity, 0, 1, dtype=np.float32))


@functools.lru_cache(maxsize=16 * OTHERS)
def regions_of(path: Path, band_px: int, side: int) -> tuple[Bool, Bool] | None:
    """(synthesis, context) at the depth edges of a photo enlarged to a short side of `side`; None where there are none.

    The parallax budget is such that the hole is `band_px` wide at an edge that only a tenth of the edges exceeds.
    """
    from inpaint.edges import sharpen
    from inpaint.regions import DIAGONAL
    from inpaint.sight import Sight
    from training.inpainting_data import usual_step

    source = read_source(path)
    scale = side / min(source.disparity.shape)
    size = tuple(max(side, round(n * scale)) for n in source.disparity.shape[::-1])
    rgb, disparity = (cv2.resize(m, size, interpolation=cv2.INTER_LINEAR) for m in (source.rgb, source.disparity))
    usual_px = 2.0 * band_px  # what an edge that opens by the band needs, if it is half as deep as the whole scene
    sharp = sharpen(Sight(rgb, disparity), usual_px)
    step = usual_step(sharp, usual_px)
    return None if step is None else _peeled(sharp, (band_px - RIM_PX) / DIAGONAL / step)


def _peeled(disparity: Float, budget_px: float) -> tuple[Bool, Bool] | None:
    """(synthesis, context) at the tears of `disparity` (H, W), as `inpaint.layers` peels them; None without tears."""
    from inpaint.chains import find_tears
    from inpaint.filters import widened
    from inpaint.regions import peel_regions
    from inpaint.tears import Links

    links = find_tears(disparity, budget_px)
    regions = peel_regions(disparity, links, Links.none(disparity.shape), budget_px, 0.0, 0.0)
    if regions is None:
        return None
    rim = regions.context & (widened(regions.hidden.astype(np.uint8), RIM_PX) > 0)
    return regions.hidden | rim, regions.context & ~rim


def strips(side: int, band_px: int, rng: np.random.Generator) -> tuple[Bool, Bool]:
    """(synthesis, context): strips as wide as the band along one to four sides of the crop."""
    context = np.ones((side, side), bool)
    for way in rng.permutation(4)[: rng.integers(1, 5)]:
        np.rot90(context, int(way))[:band_px] = False
    return ~context, context


def _square(rng: np.random.Generator, shape: tuple[int, ...], side: int) -> tuple[slice, slice]:
    y, x = (int(rng.integers(0, n - side + 1)) for n in shape[:2])
    return slice(y, y + side), slice(x, x + side)


def edge_regions(
    paths: Sequence[Path], number: int, band_px: int, side: int, rng: np.random.Generator
) -> tuple[Bool, Bool] | None:
    """(synthesis, context) of a photo after `number`: the first whose hole is as deep as the band asks, else the next
    best."""
    best, least = None, np.inf
    for step in range(1, min(OTHERS, len(paths) - 1) + 1):
        regions = regions_of(paths[(number + step) % len(paths)], band_px, side)
        if regions is None:
            continue
        window = _square(rng, regions[0].shape, side)
        unknown, context = (m[window] for m in regions)
        if not SHARES[0] < unknown.mean() < SHARES[1] or context.mean() < MIN_CONTEXT:
            continue
        away = cv2.distanceTransform((~context).astype(np.uint8), cv2.DIST_L2, 3)[unknown]
        width = float(np.percentile(away, 98)) / band_px
        if WIDE[0] < width < WIDE[1]:
            return unknown, context
        if abs(np.log(width)) < least:
            best, least = (unknown, context), abs(np.log(width))
    return best


def make_hole(paths: Sequence[Path], number: int, band_px: int) -> Hole | None:
    """The hole of photo `number` for a band; None where no photo's edges fit. The same whenever it is made."""
    rng = np.random.default_rng((SEED, number, band_px))
    source = read_source(paths[number])
    side = min(source.disparity.shape)
    if number % BORDER_EVERY == BORDER_EVERY - 1:
        regions: tuple[Bool, Bool] | None = strips(side, band_px, rng)
    else:
        regions = edge_regions(paths, number, band_px, side, rng)
    if regions is None:
        return None
    unknown, context = regions
    windows = [_square(rng, source.disparity.shape, side) for _ in range(WINDOWS)]
    nearer = [float(source.disparity[w][unknown].mean() - source.disparity[w][context].mean()) for w in windows]
    fitting = (k for k, difference in enumerate(nearer) if difference < NEARER)
    window = windows[next(fitting, int(np.argmin(nearer)))]
    return Hole(paths[number], source.rgb[window], source.disparity[window], unknown, context)


def make_holes(paths: Sequence[Path], bands_px: Sequence[int]) -> Iterator[tuple[int, Hole]]:
    """(band, hole) for every photo that is large enough, photo by photo."""
    from benchmarks.table import note

    for number, path in enumerate(paths):
        if min(read_source(path).disparity.shape) < MIN_SIDE_PX:
            note(f"{path.name}: skipped, a side is shorter than {MIN_SIDE_PX} px")
            continue
        for band_px in bands_px:
            hole = make_hole(paths, number, band_px)
            if hole is None:
                note(f"{path.name}: no hole of {band_px} px, no photo near it has depth edges that fit")
            else:
                yield band_px, hole
