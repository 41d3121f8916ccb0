"""Training samples for the inpainting network: regions of one photo's depth edges, laid over other photos.

What lies behind a foreground is never known, but what lies under a foreground of another photo is. So a region pair
(synthesis, context) is worked out on one photo as the product does it, and laid over a photo where the truth is known.
Whatever is in neither region stays hidden from the network, as the foreground is in the product.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.chains import find_tears
from inpaint.edges import sharpen
from inpaint.filters import Bool, Float
from inpaint.layers import build_layers
from inpaint.regions import DIAGONAL
from inpaint.sight import Sight
from inpaint.tears import torn_pairs

UInt8 = npt.NDArray[np.uint8]

HELD_BACK = 20  # one photo in this many is never trained on
POOL_PHOTOS, POOL_SEED = 800, 20  # regions come from this many photos, each at a budget of its own
BANDS_PX = (8.0, 64.0)  # how wide the widest synthesis band is, log-uniform
LEAST_STEP = 0.1  # of disparity: where all steps are smaller, holes stay narrower than asked
MIN_SYNTHESIS, MAX_SYNTHESIS, MIN_CONTEXT = 0.02, 0.6, 0.12  # shares of a crop
PLACEMENTS = 4  # tries to lay a region where the truth is no nearer than its context
BORDER_SHARE, STROKE_SHARE = 0.2, 0.15  # of samples; the others have regions of depth edges


@dataclass(frozen=True)
class Sample:
    """One crop with its regions; all arrays (H, W)."""

    rgb: UInt8  # (H, W, 3) sRGB
    disparity: UInt8  # 0..255, larger is nearer
    context: Bool  # what the network sees
    synthesis: Bool  # what it paints


def held_back(name: str) -> bool:
    """Whether a photo (its file's stem) is kept for validation."""
    return zlib.crc32(name.encode()) % HELD_BACK == 0


def split(labels: Path) -> tuple[list[Path], list[Path]]:
    """Label files to train on, and those held back, sorted by name."""
    paths = sorted(labels.glob("*.npz"))
    return [p for p in paths if not held_back(p.stem)], [p for p in paths if held_back(p.stem)]


def pool_regions(path: Path) -> list[tuple[Bool, Bool]]:
    """(synthesis, context) of all that the product would paint behind a photo's surfaces, for a random budget.

    `path`: a label file. The same whenever they are made.
    """
    rng = np.random.default_rng((POOL_SEED, zlib.crc32(path.stem.encode())))
    label = np.load(path)
    rgb, disparity = label["rgb"], np.clip(label["disparity"].astype(np.float32), 0, 1)
    band_px = float(np.exp(rng.uniform(*np.log(BANDS_PX))))
    step = usual_step(sharpen(Sight(rgb, disparity), 2 * band_px), 2 * band_px)
    if step is None:
        return []
    pairs = _painted(rgb, disparity, band_px / DIAGONAL / max(step, LEAST_STEP))
    return [(s, c) for s, c in pairs if s.mean() > MIN_SYNTHESIS / 2 and c.mean() > MIN_CONTEXT]


def usual_step(disparity: Float, budget_px: float) -> float | None:
    """The step of disparity (H, W) that only a tenth of its tears exceeds; None where nothing is torn."""
    pairs = torn_pairs(find_tears(disparity, budget_px), disparity)
    flat = disparity.ravel()
    return float(np.percentile(flat[pairs.near] - flat[pairs.far], 90)) if len(pairs.near) else None


def _painted(rgb: UInt8, disparity: Float, budget_px: float) -> list[tuple[Bool, Bool]]:
    """(synthesis, context) of every fill that the layers of a photo ask for, but for that of its border."""
    asked = []

    def note(rgb: Float, disparity: Float, unknown: Bool, context: Bool) -> tuple[Float, Float]:
        asked.append((unknown, context))
        return rgb, disparity

    sight = Sight(rgb, disparity)
    image = build_layers(rgb, sharpen(sight, budget_px), budget_px, note, sight)
    photo = np.s_[image.border_px : -image.border_px, image.border_px : -image.border_px]
    return [(unknown[photo], context[photo]) for unknown, context in asked[1:]]


def make_pool(paths: Sequence[Path], cache: Path) -> list[tuple[Bool, Bool]]:
    """Region pairs of label files as 0/1 maps; read from `cache` if it is there, else written to it."""
    if not cache.exists():
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as workers:  # networks do not survive a fork
            spread = paths[:: max(1, len(paths) // POOL_PHOTOS)]
            made = workers.map(pool_regions, spread, chunksize=16)
            pairs = [pair for found in made for pair in found]
        # One code per pixel, flattened: photos differ in size.
        codes = [synthesis.astype(np.uint8) + 2 * context.astype(np.uint8) for synthesis, context in pairs]
        shapes = np.array([c.shape for c in codes])
        np.savez_compressed(cache, shapes=shapes, codes=np.concatenate([c.ravel() for c in codes]))
    data = np.load(cache)
    ends = np.cumsum(data["shapes"].prod(1))
    codes = np.split(data["codes"], ends[:-1])
    maps = [c.reshape(s) for c, s in zip(codes, data["shapes"], strict=True)]
    return [(m == 1, m == 2) for m in maps]


class InpaintingSamples:
    """Draws augmented samples. All pictures are kept in memory; each draw is seeded by its index."""

    def __init__(self, paths: Sequence[Path], cache: Path, seed: int = 0) -> None:
        self.seed = seed
        self.photos = [_load(path) for path in paths]
        folders = [path.name.split("__")[0] for path in paths]
        # Between uniform over photos (a few big folders dominate) and uniform over folders.
        weights = np.array([folders.count(f) for f in folders]) ** -0.25
        self.cumulative = np.cumsum(weights / weights.sum())
        self.pool = make_pool(paths, cache)

    def draw(self, index: int, side: int) -> Sample:
        """Sample number `index` of side x side pixels, the same whenever and wherever it is drawn."""
        rng = np.random.default_rng((self.seed, index))
        photo = min(int(np.searchsorted(self.cumulative, rng.random())), len(self.photos) - 1)
        kind = rng.random()
        if kind < BORDER_SHARE:
            synthesis, context = border_strips(side, rng)
        elif kind < BORDER_SHARE + STROKE_SHARE:
            synthesis, context = strokes(side, rng)
        else:
            synthesis, context = self._depth_edges(side, rng)
        crops = [crop(*self.photos[photo], side, rng) for _ in range(PLACEMENTS)]
        nearer = [float(d[synthesis].mean()) - float(d[context].mean()) for _, d in crops]
        suitable = (i for i, difference in enumerate(nearer) if difference < 8)
        rgb, disparity = crops[next(suitable, int(np.argmin(nearer)))]
        return Sample(recolour(rgb, rng), disparity, context, synthesis)

    def _depth_edges(self, side: int, rng: np.random.Generator) -> tuple[Bool, Bool]:
        for _ in range(8):
            synthesis, context = self.pool[rng.integers(len(self.pool))]
            size = int(min(synthesis.shape) * rng.uniform(0.6, 1))
            y, x = (int(rng.integers(0, n - size + 1)) for n in synthesis.shape)
            both = np.stack([m[y : y + size, x : x + size] for m in (synthesis, context)], -1).astype(np.uint8)
            turned = np.ascontiguousarray(both[:, :: 1 if rng.random() < 0.5 else -1])
            large = cv2.resize(turned, (side, side), interpolation=cv2.INTER_NEAREST).astype(bool)
            if MIN_SYNTHESIS < large[..., 0].mean() < MAX_SYNTHESIS and large[..., 1].mean() > MIN_CONTEXT:
                return large[..., 0], large[..., 1]
        return strokes(side, rng)


def _load(path: Path) -> tuple[UInt8, UInt8]:
    data = np.load(path)
    return data["rgb"], np.round(np.clip(data["disparity"].astype(np.float32), 0, 1) * 255).astype(np.uint8)


def border_strips(side: int, rng: np.random.Generator) -> tuple[Bool, Bool]:
    """Strips along one to four sides of the crop, each as wide as a border can be."""
    context = np.ones((side, side), bool)
    width = int(np.exp(rng.uniform(*np.log(BANDS_PX))) * side / 256)
    for way in rng.permutation(4)[: rng.integers(1, 5)]:
        np.rot90(context, int(way))[:width] = False
    return ~context, context


def strokes(side: int, rng: np.random.Generator) -> tuple[Bool, Bool]:
    """A few thick curves, as thin foregrounds are: context on both sides."""
    drawn = np.zeros((side, side), np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        points = (rng.uniform(0, side, 2) + np.cumsum(rng.normal(0, side / 8, (int(rng.integers(2, 7)), 2)), 0)).astype(
            int
        )
        thickness = int(np.exp(rng.uniform(np.log(5), np.log(48))) * side / 256)
        cv2.polylines(drawn, [points[:, None]], bool(rng.random() < 0.2), 1, max(2, thickness))
    if not MIN_SYNTHESIS < drawn.mean() < MAX_SYNTHESIS:
        return border_strips(side, rng)
    return drawn > 0, drawn == 0


def crop(rgb: UInt8, disparity: UInt8, side: int, rng: np.random.Generator) -> tuple[UInt8, UInt8]:
    """A square of 60-100 % of the short side, resized, mirrored half of the time."""
    size = int(min(disparity.shape) * rng.uniform(0.6, 1))
    y, x = (int(rng.integers(0, n - size + 1)) for n in disparity.shape)
    window = np.s_[y : y + size, x : x + size]
    flip = np.s_[:, :: 1 if rng.random() < 0.5 else -1]
    smooth = cv2.INTER_AREA if size > side else cv2.INTER_CUBIC
    colours = cv2.resize(np.ascontiguousarray(rgb[window][flip]), (side, side), interpolation=smooth)
    depths = cv2.resize(np.ascontiguousarray(disparity[window][flip]), (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(colours, np.uint8), np.asarray(depths, np.uint8)


def recolour(rgb: UInt8, rng: np.random.Generator) -> UInt8:
    """Brightness, contrast, colour balance and saturation, by tables and one matrix: fast."""
    gain = rng.uniform(0.75, 1.2) * rng.uniform(0.93, 1.07, 3)
    saturation = 0.0 if rng.random() < 0.04 else rng.uniform(0.6, 1.3)
    matrix = (saturation * np.eye(3) + (1 - saturation) / 3) * gain[:, None]
    offset = np.full((3, 1), rng.uniform(-15, 15))
    return np.asarray(cv2.transform(rgb, np.hstack([matrix, offset])), np.uint8)
