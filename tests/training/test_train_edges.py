"""What a step of training the network for edges sees."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from training.edge_targets import sharp_target
from training.train_edges import UNSURE, collate, draw, losses


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
            folder / name,
            rgb=rgb,
            disparity=disparity.astype(np.float16),
            sharp=sharp.astype(np.float16),
            known=known,
            thin=(order == 1) & (np.arange(384) < 128),
            thin_known=order == 1,
        )
    return sorted(folder.glob("*.npz"))


@pytest.mark.parametrize("seed", range(6))
def test_a_sample_is_the_same_again_and_in_range(files, seed: int) -> None:
    sample, again = draw(files[:1], seed, 192), draw(files[:1], seed, 192)
    assert np.array_equal(sample.rgb, again.rgb) and np.array_equal(sample.place, again.place)
    assert sample.rgb.shape == (192, 192, 3) and sample.rgb.dtype == np.uint8
    for values in (sample.place, sample.span, sample.target, sample.weight, sample.thin, sample.thin_weight):
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
    samples = [draw(files[:1], seed, 96) for seed in range(2)]
    seen, target, weight = collate(samples)
    assert seen.shape == (2, 5, 96, 96) and seen.max() <= 1
    assert target.shape == weight.shape == (2, 2, 96, 96)
    assert np.array_equal(target[1, 1], samples[1].thin) and np.array_equal(weight[1, 0], samples[1].weight)


def test_what_may_be_thin_counts_less(files) -> None:
    samples = [draw(files[:1], seed, 192) for seed in range(6)]
    weights, thin = (np.concatenate([getattr(s, k).ravel() for s in samples]) for k in ("thin_weight", "thin"))
    assert set(np.unique(weights)) == {np.float32(UNSURE), np.float32(1)}
    assert (weights[thin == 1] == 1).mean() > 0.9


def test_losses_are_means_over_what_counts() -> None:
    answer = torch.full((1, 2, 2, 2), 0.5)
    target, weight = torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2, 2)
    target[0, :, 0, 0] = 1
    weight[0, 0, 0] = weight[0, 1, 0, 0] = 1
    answer[0, 0, 0, 0], answer[0, :, 1] = 0.9, 0.1
    found = losses(answer, target, weight)
    assert found.error.item() == pytest.approx((0.1 + 0.5) / 2)
    assert found.entropy.item() == pytest.approx(-(np.log(0.9) + np.log(0.5)) / 2)
    assert found.thin.item() == pytest.approx(-np.log(0.5))
