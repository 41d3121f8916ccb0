"""Silhouettes that collages draw."""

from __future__ import annotations

import numpy as np
import pytest

from training.edge_targets import thin_things
from training.silhouettes import PRINTS, SILHOUETTES, fence, mast, spans, wheel

EVERY = sorted({*SILHOUETTES, *PRINTS}, key=lambda draw: draw.__name__)


@pytest.mark.parametrize("draw", EVERY, ids=lambda draw: draw.__name__)
def test_a_silhouette_covers_something_and_is_the_same_again(draw) -> None:
    covered = []
    for seed in range(12):
        mask, again = (np.zeros((384, 512), np.uint8) for _ in range(2))
        draw(mask, 0.6, np.random.default_rng(seed))
        draw(again, 0.6, np.random.default_rng(seed))
        assert np.array_equal(mask, again)
        covered.append((mask > 0).mean())
    assert np.median(covered) > 0.002 and np.median(covered) < 0.7


@pytest.mark.parametrize("draw", [spans, mast, fence, wheel], ids=lambda draw: draw.__name__)
def test_wires_and_their_like_are_thin(draw) -> None:
    shares = []
    for seed in range(12):
        mask = np.zeros((768, 1024), np.uint8)
        draw(mask, 0.6, np.random.default_rng(seed))
        there = mask[::2, ::2] > 127
        if there.any():
            shares.append(thin_things(there.astype(np.float32), 0.5)[there].mean())
    assert np.median(shares) > 0.7
