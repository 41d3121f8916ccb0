"""Votes of the pixels around a pixel against their definition."""

from __future__ import annotations

import numpy as np
import pytest

from inpaint.votes import COLOUR_SIGMA, collect


@pytest.mark.parametrize(("radius", "stride"), [(2, 1), (7, 2)])
def test_votes_are_what_the_window_holds_and_the_border_repeats(radius, stride) -> None:
    rng = np.random.default_rng(0)
    h, w = 30, 40
    colour = rng.uniform(0, 0.3, (h, w, 3)).astype(np.float32)
    values = rng.integers(0, 2**32, (h, w), dtype=np.uint32)
    voters, wanted = rng.uniform(size=(h, w)) < 0.6, rng.uniform(size=(h, w)) < 0.1
    wanted[0, 0] = wanted[-1, -1] = True
    offsets = range(-(radius // stride) * stride, radius + 1, stride)
    seen = []
    for votes in collect(values, colour, voters, wanted, radius):
        for n, (y, x) in enumerate(zip(votes.row, votes.column, strict=True)):
            seen.append((y, x))
            for k, (dy, dx) in enumerate((dy, dx) for dy in offsets for dx in offsets):
                at = min(max(y + dy, 0), h - 1), min(max(x + dx, 0), w - 1)
                close = voters[at] * np.exp(-(dy**2 + dx**2) / (2 * (0.6 * radius) ** 2))
                like = np.exp(-((colour[at] - colour[y, x]) ** 2).sum() / (2 * COLOUR_SIGMA**2))
                assert votes.value[n, k] == values[at]
                assert votes.closeness[n, k] == pytest.approx(close, abs=1e-5)
                assert votes.weight[n, k] == pytest.approx(close * like, abs=1e-5)
    assert seen == list(zip(*np.nonzero(wanted), strict=True))
