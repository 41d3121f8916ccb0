"""Self-training targets: a label counts as far as its student agrees."""

import numpy as np

from photo3d_video.depth.disparity import standardise_disparity
from training.relabel import blend

Y, X = np.mgrid[:64, :96].astype(np.float32)
GUIDE = np.repeat(((X > 48) * 0.8).astype(np.float32)[..., None], 3, axis=2)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_contradicted_label_counts_for_nothing() -> None:
    predicted = Y / 64
    target = blend(64 - Y, predicted, GUIDE)
    assert correlation(target, predicted) > 0.98


def test_agreeing_label_keeps_its_edge() -> None:
    label = Y / 64 + (X > 48)
    soft = Y / 64 + np.clip((X - 32) / 32, 0, 1)
    target = blend(label, soft, GUIDE * 0)
    step = target[:, 50] - target[:, 46]
    assert step.min() > 0.4 * (target[:, 90] - target[:, 5]).max()


def test_scale_and_shift_do_not_matter() -> None:
    label = Y / 64 + 0.5 * (X > 48)
    predicted = np.sqrt(1 + Y / 64) + 0.3 * (X > 48)
    assert np.allclose(blend(label, predicted, GUIDE), blend(5 * label - 3, 0.1 * predicted + 7, GUIDE), atol=1e-4)
    assert abs(np.median(standardise_disparity(label))) < 1e-6
