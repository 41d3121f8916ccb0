"""Evidence at tears: steps, and colours on both sides, also of thin things."""

from __future__ import annotations

import numpy as np
import pytest

from inpaint.chains import find_tears
from inpaint.evidence import tear_evidence
from inpaint.tears import torn_pairs

SHAPE, EDGE_X = (240, 320), 160
BUDGET_PX = 40.0
FAR, NEAR = 0.2, 0.5
CONTRAST = 0.4


def evidence(inside: np.ndarray, contrast: float) -> np.ndarray:
    """(N, 2) at the tears round what is nearer (H, W), and brighter by `contrast` if it is."""
    disparity = np.where(inside, np.float32(NEAR), np.float32(FAR))
    rgb = np.full((*SHAPE, 3), 0.2, np.float32) + np.float32(contrast) * inside[..., None]
    pairs = torn_pairs(find_tears(disparity, BUDGET_PX), disparity)
    assert len(pairs.near)
    found = tear_evidence(disparity, pairs, rgb)
    assert found.shape == (len(pairs.near), 2)
    return found


def bar(width: int) -> np.ndarray:
    x = np.arange(SHAPE[1])
    return ((x >= EDGE_X - width // 2) & (x < EDGE_X - width // 2 + width))[None].repeat(SHAPE[0], 0)


def test_evidence_is_the_step_and_the_colours() -> None:
    plain, edge = (evidence(bar(EDGE_X), contrast) for contrast in (0.0, CONTRAST))
    np.testing.assert_allclose(plain[:, 0], np.log(NEAR - FAR), atol=1e-3)
    np.testing.assert_array_equal(plain[:, 0], edge[:, 0])
    assert (edge[:, 1] > plain[:, 1] + 1).all()


@pytest.mark.parametrize("width", [2, 3, 4, 6, 10, 20])
def test_thin_things_stand_out_as_much_as_wide_ones(width: int) -> None:
    thin, wide = (evidence(bar(n), CONTRAST)[:, 1] for n in (width, EDGE_X))
    assert thin.min() > wide.min() + np.log(0.45)
    assert evidence(bar(width), 0.0)[:, 1].max() < np.log(0.02), "but not where they have the same colour"
