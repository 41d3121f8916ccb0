"""What a step of training the network for edges sees."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.edge_targets import sharp_target
from training.train_edges import collate, draw


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    """A grey square before a wall, and a wall with nothing before it."""
    folder = tmp_path_factory.mktemp("samples")
    for name, square in (("a", True), ("b", False)):
        order = np.zeros((320, 384), np.uint8)
        if square:
            order[90:230, 120:280] = 1
        disparity = cv2.GaussianBlur(np.where(order, 0.8, 0.2).astype(np.float32), (0, 0), 5)
        sharp, known = sharp_target(disparity, order)
        rgb = np.where(order[..., None], 60, 190).repeat(3, 2).astype(np.uint8)
        np.savez(
            folder / name, rgb=rgb, disparity=disparity.astype(np.float16), sharp=sharp.astype(np.float16), known=known
        )
    return sorted(folder.glob("*.npz"))


@pytest.mark.parametrize("seed", range(6))
def test_a_sample_is_the_same_again_and_in_range(files, seed: int) -> None:
    sample, again = draw(files[:1], seed, 192), draw(files[:1], seed, 192)
    assert np.array_equal(sample.rgb, again.rgb) and np.array_equal(sample.place, again.place)
    assert sample.rgb.shape == (192, 192, 3) and sample.rgb.dtype == np.uint8
    for values in (sample.place, sample.span, sample.target, sample.weight):
        assert values.shape == (192, 192) and values.dtype == np.float32
        assert values.min() >= 0 and values.max() <= 1


def test_targets_are_sharper_than_what_the_network_sees(files) -> None:
    def undecided(place: np.ndarray, weight: np.ndarray) -> float:
        return float((weight * ((place > 0.2) & (place < 0.8))).sum() / weight.sum())

    samples = [draw(files[:1], seed, 192) for seed in range(12)]
    seen, wanted = (np.mean([undecided(getattr(s, k), s.weight) for s in samples]) for k in ("place", "target"))
    assert wanted < 0.4 * seen


def test_crops_without_a_step_are_drawn_again(files) -> None:
    empty = np.mean([draw(files, seed, 192).weight.mean() < 0.05 for seed in range(30)])
    assert empty < 0.4, "half of the files hold nothing, and three are tried"


def test_a_batch_has_colour_first(files) -> None:
    seen, target, weight = collate([draw(files, seed, 96) for seed in range(2)])
    assert seen.shape == (2, 5, 96, 96) and seen.max() <= 1
    assert target.shape == weight.shape == (2, 96, 96)
