"""How much of a subject is its head, from the silhouette alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bool = npt.NDArray[np.bool_]
Float64 = npt.NDArray[np.float64]

HEIGHT_TO_WIDTH = 1.2  # of a head with its hair
LEAST_SHARE = 1 / 8  # of the subject: a standing adult is up to eight heads tall, so a smaller match is a hat or a tuft
GOOD_MATCH = 0.8  # of the best match: the highest as good as that is the head, bodies may look like larger ones
SURE_MATCH = 0.9  # a silhouette that is this like a head as a whole, or fills its box so far, is nothing but a face
USUAL_SHARE = 0.6  # of other silhouettes without a chin: hair, arms or a chair hide it
FACE_SHARE = 0.6  # of a head from its top on: it is widest there, and shoulders or long hair are below


def find_head(silhouette: Bool) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in px of the head at the top of `silhouette` (H, W), which is not empty.

    It reaches down as far as the silhouette is most like an ellipse of a head's proportions. Where that is all of it,
    it is a face that fills the picture, or there is no telling and the head gets a usual share of the height.
    """
    top, bottom = np.flatnonzero(silhouette.any(axis=1))[[0, -1]]
    left, right = np.flatnonzero(silhouette.any(axis=0))[[0, -1]]
    box = silhouette[top : bottom + 1, left : right + 1]
    stretches = _stretches_from_top(box)
    widths = np.diff(stretches)[:, 0].astype(np.float64)
    rows = np.arange(min(len(widths), max(1, round(LEAST_SHARE * len(box)))), len(widths) + 1)
    matches = np.array([_likeness(widths[:n]) for n in rows])
    peaks = np.append(matches[1:] <= matches[:-1], True)
    height = int(rows[np.argmax(peaks & (matches >= GOOD_MATCH * matches.max()))])
    if height == len(box) and max(matches[-1], box.mean()) < SURE_MATCH:
        height = max(1, round(USUAL_SHARE * height))
    head = stretches[: max(1, round(FACE_SHARE * height))]
    return int(left + head[:, 0].min()), int(top), int(left + head[:, 1].max()), int(top + height)


def _stretches_from_top(silhouette: Bool) -> npt.NDArray[np.intp]:
    """Start and end (N, 2) in each row of what hangs together below the widest stretch of the first row: what is beside
    it, such as a raised arm or a second person, does not count."""
    found = []
    above = np.array([0, silhouette.shape[1]])
    for row in silhouette:
        stretches = np.flatnonzero(np.diff(row, prepend=False, append=False)).reshape(-1, 2)
        shared = np.minimum(stretches[:, 1], above[1]) - np.maximum(stretches[:, 0], above[0])
        if not len(shared) or shared.max() <= 0:
            break
        above = stretches[np.argmax(shared)]
        found.append(above)
    return np.array(found)


def _likeness(widths: Float64) -> float:
    """Intersection over union, 0..1, of rows of `widths` (N,) and an upright ellipse N rows high."""
    n = len(widths)
    down = (np.arange(n) + 0.5) / n
    ellipse = 2 * n / HEIGHT_TO_WIDTH * np.sqrt(down * (1 - down))
    return float(np.minimum(widths, ellipse).sum() / np.maximum(widths, ellipse).sum())
