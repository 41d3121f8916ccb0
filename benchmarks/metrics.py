"""What the benchmarks measure with: picture similarity, sharpness, agreement of depth maps.

Pictures are (H, W, 3) sRGB, uint8 or float in 0..255; depth maps are (H, W) disparity, larger is nearer.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Picture = npt.NDArray[Any]
Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

BEST_PSNR_DB = 100.0  # what identical pictures get: infinity does not survive JSON or a mean
SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
EDGE_RATIO = 1.25  # neighbours whose depths differ by more than this are a depth edge
EDGE_REACH_PX = 2


def psnr(a: Picture, b: Picture, where: Bool | None = None) -> float:
    """Peak signal-to-noise ratio in dB over all pixels or those of `where` (H, W); NaN if there are none."""
    error = (a.astype(np.float64) - b.astype(np.float64)) ** 2
    if where is not None:
        error = error[where]
    if not error.size:
        return float("nan")
    return float(10 * np.log10(255**2 / max(float(error.mean()), 255**2 * 10 ** (-BEST_PSNR_DB / 10))))


def ssim_map(a: Picture, b: Picture) -> Float:
    """(H, W) structural similarity, mean of the channels.

    Wang et al., "Image Quality Assessment", 2004: Gaussian window of 11 x 11 px, sigma 1.5, K = 0.01 and 0.03.
    """
    x, y = a.astype(np.float64), b.astype(np.float64)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def window(z: Float) -> Float:
        return cv2.GaussianBlur(z, (SSIM_WINDOW, SSIM_WINDOW), SSIM_SIGMA, borderType=cv2.BORDER_REFLECT)

    mx, my = window(x), window(y)
    vx, vy, vxy = window(x * x) - mx * mx, window(y * y) - my * my, window(x * y) - mx * my
    similarity = ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return similarity.mean(-1) if similarity.ndim == 3 else similarity


def ssim(a: Picture, b: Picture, where: Bool | None = None) -> float:
    """Mean of `ssim_map` over all pixels or those of `where` (H, W); NaN if there are none."""
    similarity = ssim_map(a, b)
    if where is not None:
        similarity = similarity[where]
    return float(similarity.mean()) if similarity.size else float("nan")


def sharpness(rgb: Picture) -> float:
    """Variance of the Laplacian of the brightness (mean of the channels)."""
    return float(cv2.Laplacian(rgb.astype(np.float32).mean(-1), cv2.CV_32F).var())


def pearson(a: Picture, b: Picture) -> float:
    """Linear correlation of two sequences of values; 0 where one of them is constant."""
    x, y = a.astype(np.float64) - a.mean(dtype=np.float64), b.astype(np.float64) - b.mean(dtype=np.float64)
    norm = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum() / norm) if norm > 0 else 0.0


def spearman(a: Picture, b: Picture) -> float:
    """Rank correlation of two sequences of values."""
    return pearson(rankdata(a), rankdata(b))


def align(predicted: Picture, reference: Picture) -> tuple[float, float]:
    """Least-squares (scale, shift) that takes the values of `predicted` to those of `reference`."""
    x, y = predicted.astype(np.float64).ravel(), reference.astype(np.float64).ravel()
    variance = float(((x - x.mean()) ** 2).mean())
    scale = float(((x - x.mean()) * (y - y.mean())).mean()) / variance if variance > 0 else 0.0
    return scale, float(y.mean()) - scale * float(x.mean())


def boundary_f1(predicted: Picture, reference: Picture, known: Bool) -> float:
    """Harmonic mean of precision and recall of depth edges; NaN if the reference has none.

    After the boundary metric of Bochkovskii et al., "Depth Pro", 2024: an edge is an ordered pair of pixels, at most
    `EDGE_REACH_PX` apart along a row or column, whose disparities (H, W), all > 0, have a ratio over `EDGE_RATIO`.
    """
    hits = found = true = 0
    for p, r, k in ((predicted, reference, known), (predicted.T, reference.T, known.T)):
        for reach in range(1, EDGE_REACH_PX + 1):
            both = k[:, reach:] & k[:, :-reach]
            for first, second in ((slice(reach, None), slice(None, -reach)), (slice(None, -reach), slice(reach, None))):
                edge_p = both & (p[:, first] > EDGE_RATIO * p[:, second])
                edge_r = both & (r[:, first] > EDGE_RATIO * r[:, second])
                hits += int((edge_p & edge_r).sum())
                found += int(edge_p.sum())
                true += int(edge_r.sum())
    if not true:
        return float("nan")
    return 2 * hits / (found + true)
