"""Specks are told from what a photo has itself."""

from __future__ import annotations

import numpy as np

from render.specks import speck_limit, specks


def count(frame: np.ndarray, limit: np.ndarray) -> int:
    return int(specks(frame, limit).sum())


def test_specks_are_what_stands_out_as_nothing_near_it_in_the_photo() -> None:
    photo = np.full((60, 80, 3), 120, np.uint8)
    photo[:, 60:] = np.random.default_rng(0).integers(0, 256, (60, 20, 3))  # texture hides them
    limit = speck_limit(photo, moved_px=8)
    assert count(photo, limit) == 0
    frame = photo.copy()
    frame[20, 20] = 20
    frame[40, 30:32, 1] = 200
    frame[10, 40] = 100  # faint
    frame[30, 70] = 0
    assert count(frame, limit) == 3
    photo[22, 24] = 10  # it has moved
    assert count(frame, speck_limit(photo, moved_px=8)) == 2
    assert count(frame, speck_limit(photo, moved_px=0)) == 3
