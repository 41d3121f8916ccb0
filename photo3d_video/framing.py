"""Which part of the photo the clip shows, and at what size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from photo3d_video.errors import InputError
from photo3d_video.heads import find_head
from photo3d_video.output.destinations import ASPECTS, RESOLUTIONS

Float = npt.NDArray[np.float32]

MAX_LONG_PX, MAX_SHORT_PX = 1920, 1080  # the largest default clip: 1080p, upright or lying

SURE = 0.5  # probability from which on a pixel belongs to the subject
MIN_PART = 0.15  # of the largest part's area: smaller parts of the mask are not what the photo is about
MIN_CUT_PART = 0.6  # the same for parts that the photo's own border cuts: mostly things that happen to be there
MIN_SUBJECT_SHARE = 0.005  # of the photo's area
HEADROOM = 0.06  # of the crop's height, above the subject where there is room for it


@dataclass(frozen=True)
class Subject:
    """Where in the photo the subject is; x as fractions of its width, y of its height."""

    left: float
    top: float
    right: float
    bottom: float
    centre: tuple[float, float]
    """Centre of mass (x, y)."""
    head: tuple[float, float, float, float]
    """Left, top, right, bottom of the head at the top, or of what comes nearest to one."""
    columns: Float
    """(w,) share of the subject in each of the photo's columns, at any resolution."""


@dataclass(frozen=True)
class Framing:
    """A crop of the photo and the clip size it is shown at."""

    left: float
    """Crop's left edge as a fraction of the photo's width."""
    top: float
    """Crop's top edge as a fraction of the photo's height."""
    crop_width: float
    """Crop's width as a fraction of the photo's width."""
    crop_height: float
    """Crop's height as a fraction of the photo's height."""
    width_px: int
    """Clip width, even."""
    height_px: int
    """Clip height, even."""


def find_subject(mask: Float | None) -> Subject | None:
    """The subject of a probability mask (h, w) in 0..1; None where there is no mask or nothing is sure enough."""
    if mask is None:
        return None
    h, w = mask.shape
    n, parts, boxes, _ = cv2.connectedComponentsWithStats((mask > SURE).astype(np.uint8))
    areas = boxes[1:, cv2.CC_STAT_AREA]
    if n < 2 or areas.sum() < MIN_SUBJECT_SHARE * h * w:
        return None
    x0, y0, x1, y1 = boxes[1:, 0], boxes[1:, 1], boxes[1:, 0] + boxes[1:, 2], boxes[1:, 1] + boxes[1:, 3]
    cut = (x0 == 0) | (y0 == 0) | (x1 == w) | (y1 == h)
    kept = np.flatnonzero(areas >= np.where(cut, MIN_CUT_PART, MIN_PART) * areas.max()) + 1
    sure = np.isin(parts, kept)
    columns, rows = sure.sum(0, dtype=np.float32), sure.sum(1, dtype=np.float32)
    x, y = np.flatnonzero(columns), np.flatnonzero(rows)
    centre = (
        float(columns @ (np.arange(w) + 0.5) / columns.sum() / w),
        float(rows @ (np.arange(h) + 0.5) / rows.sum() / h),
    )
    head = find_head(parts == parts[y[0], sure[y[0]].argmax()])
    head_box = (head[0] / w, head[1] / h, head[2] / w, head[3] / h)
    shares = (columns / columns.sum()).astype(np.float32)
    return Subject(x[0] / w, y[0] / h, (x[-1] + 1) / w, (y[-1] + 1) / h, centre, head_box, shares)


def point_subject(xy: tuple[float, float]) -> Subject:
    """A subject of no size at a point (x, y), fractions of the photo: crops are centred on it as far as they can."""
    return Subject(xy[0], xy[1], xy[0], xy[1], xy, (*xy, *xy), np.ones(1, np.float32))


def clip_size(
    photo_width: int,
    photo_height: int,
    aspect: str | None = None,
    resolution: str | None = None,
    largest: tuple[int, int] = (MAX_LONG_PX, MAX_SHORT_PX),
) -> tuple[int, int]:
    """(width, height) in px of a clip, both even.

    Without a `resolution`, key of RESOLUTIONS, as much as the photo has within `largest` (long, short side). `aspect`:
    key of ASPECTS, None is the photo's own. Raises InputError for unknown keys.
    """
    if aspect is not None and aspect not in ASPECTS:
        raise InputError(f"unknown aspect {aspect!r}: choose one of {', '.join(ASPECTS)}")
    if resolution is not None and resolution not in RESOLUTIONS:
        raise InputError(f"unknown resolution {resolution!r}: choose one of {', '.join(RESOLUTIONS)}")
    ratio = ASPECTS[aspect] if aspect else None
    width, height = float(photo_width), float(photo_height)
    if ratio is not None:
        width, height = min(width, height * ratio), min(height, width / ratio)
    if resolution is not None:
        scale = RESOLUTIONS[resolution] / min(width, height)
        return max(16, round(width * scale / 2) * 2), max(16, round(height * scale / 2) * 2)
    scale = min(1.0, largest[0] / max(width, height), largest[1] / min(width, height))
    # The epsilon keeps what is even but for rounding.
    return max(16, int(width * scale + 1e-6) // 2 * 2), max(16, int(height * scale + 1e-6) // 2 * 2)


def frame_photo(
    photo_width: int, photo_height: int, size: tuple[int, int] | None = None, subject: Subject | None = None
) -> Framing:
    """The crop that fills `size` (width, height), or the photo's own aspect within 1080p.

    It is as large as possible, and placed to show the subject; centred where there is none. Raises InputError for a
    size that no encoder takes.
    """
    width, height = size or clip_size(photo_width, photo_height)
    if width % 2 or height % 2 or min(width, height) < 16 or max(width, height) > 8192:
        raise InputError(f"--size {width}x{height}: both sides must be even, 16 to 8192 px")
    scale = max(width / photo_width, height / photo_height)
    crop_w, crop_h = width / scale / photo_width, height / scale / photo_height
    left, top = (1 - crop_w) / 2, (1 - crop_h) / 2
    if subject is not None:
        left, top = _left(subject, crop_w), _top(subject, crop_h)
    return Framing(left, top, crop_w, crop_h, width, height)


def _left(subject: Subject, width: float) -> float:
    """Left edge of a crop of some width: the whole subject, centred on its mass, else as much of it as possible with
    its head, else the middle of that."""
    wanted = subject.centre[0] - width / 2
    if subject.right - subject.left <= width:
        wanted = _within(wanted, subject.right - width, subject.left)
    else:
        left, _, right, _ = subject.head
        spare = max(0.0, width - (right - left)) / 2
        wanted = _within(_fullest(subject, width) + width / 2, (left + right) / 2 - spare, (left + right) / 2 + spare)
        wanted = _within(wanted - width / 2, subject.left, subject.right - width)
    return _within(wanted, 0.0, 1 - width)


def _fullest(subject: Subject, width: float) -> float:
    """Left edge of the crop that shows most of the subject, and has it in the middle."""
    edges = np.linspace(0, 1, len(subject.columns) + 1)
    mass = np.concatenate([[0.0], np.cumsum(subject.columns, dtype=np.float64)])
    starts = np.linspace(subject.left, subject.right - width, 64)
    shown = np.interp(starts + width, edges, mass) - np.interp(starts, edges, mass)
    best = starts[shown >= shown.max() - 0.01]
    middles = (edges[1:] + edges[:-1]) / 2
    inside = subject.columns * ((middles >= best[0]) & (middles <= best[0] + width))
    return float(best[np.argmin(np.abs(best + width / 2 - inside @ middles / max(float(inside.sum()), 1e-6)))])


def _top(subject: Subject, height: float) -> float:
    """Top edge of a crop of some height: the whole subject, else its head, else the middle of that."""
    spare = height - (subject.bottom - subject.top)
    above = subject.top - min(HEADROOM * height, (height - (subject.head[3] - subject.head[1])) / 2)
    if spare < 0:
        return _within(above, 0.0, 1 - height)
    highest = subject.top - min(HEADROOM * height, spare)
    return _within(_within(subject.centre[1] - height / 2, subject.bottom - height, highest), 0.0, 1 - height)


def _within(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


def apply_framing(
    array: npt.NDArray[np.uint8] | npt.NDArray[np.float32], framing: Framing, size: tuple[int, int]
) -> npt.NDArray[np.uint8] | npt.NDArray[np.float32]:
    """The crop of `array` (H, W[, C]) resampled to `size` (width, height): area average down, cubic up, linear for
    floats."""
    h, w = array.shape[:2]
    scale = size[0] / (framing.crop_width * w)
    if scale < 1:  # first an area average of the whole, then the crop at sub-pixel accuracy
        shrunk = (max(1, round(w * scale)), max(1, round(h * scale)))
        array = cv2.resize(array, shrunk, interpolation=cv2.INTER_AREA)
        h, w = array.shape[:2]
        if (w, h) == size:
            return array
    step_x, step_y = framing.crop_width * w / size[0], framing.crop_height * h / size[1]
    matrix = np.array(
        [
            [step_x, 0, framing.left * w + step_x / 2 - 0.5],
            [0, step_y, framing.top * h + step_y / 2 - 0.5],
        ]
    )
    flags = (cv2.INTER_CUBIC if array.dtype == np.uint8 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(array, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
