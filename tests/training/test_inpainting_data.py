"""What trains the painting network: regions as the product makes them, and samples that a seed tells."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.inpainting_data import (
    InpaintingSamples,
    border_strips,
    held_back,
    pool_regions,
    split,
    strokes,
    usual_step,
)

SIDE = 192


def disc(middle: tuple[int, int] = (96, 96)) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.hypot(y - middle[0], x - middle[1]) < 45


def write_label(path: Path, near: np.ndarray, rng: np.random.Generator) -> None:
    """Something near before a wall, its depth as soft as labels have it."""
    rgb = np.where(near[..., None], (190, 60, 40), (40, 90, 150)) + rng.normal(0, 4, (SIDE, SIDE, 3))
    depth = cv2.GaussianBlur(np.where(near, 0.8, 0.2).astype(np.float32), (0, 0), 2)
    np.savez(path, rgb=rgb.clip(0, 255).astype(np.uint8), disparity=depth.astype(np.float16))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def labels(tmp_path, rng):
    """A folder of label files, one of them held back."""
    names = [f"set__{n}" for n in range(200)]
    chosen = [n for n in names if held_back(n)][:1] + [n for n in names if not held_back(n)][:2]
    for number, name in enumerate(chosen):
        write_label(tmp_path / f"{name}.npz", disc((90 + 6 * number, 96)), rng)
    return tmp_path


@pytest.mark.parametrize("name", ["disc", "plate", "coin", "moon"])  # which seeds the budget
def test_regions_are_what_the_product_paints_behind_a_disc(tmp_path, rng, name) -> None:
    path = tmp_path / f"{name}.npz"
    write_label(path, disc(), rng)
    pairs = pool_regions(path)
    assert pairs
    for synthesis, context in pairs:
        assert not (synthesis & context).any()
        assert disc()[synthesis].mean() > 0.9 and not disc()[context].any()
    again = pool_regions(path)
    assert all(
        np.array_equal(a, b) for old, new in zip(pairs, again, strict=True) for a, b in zip(old, new, strict=True)
    )


def test_the_usual_step_is_that_of_the_tears() -> None:
    disparity = np.where(disc(), 0.8, 0.2).astype(np.float32)
    assert usual_step(disparity, 30) == pytest.approx(0.6, abs=1e-3)
    assert usual_step(np.full((SIDE, SIDE), 0.5, np.float32), 30) is None


def test_held_back_photos_are_not_trained_on(labels) -> None:
    train, unseen = split(labels)
    assert len(train) == 2 and len(unseen) == 1 and not {*train} & {*unseen}


def test_samples_depend_on_seed_and_number_alone(labels, tmp_path) -> None:
    train, _ = split(labels)
    cache = tmp_path / "pool.npz"
    first, second = (InpaintingSamples(train, cache, seed=3) for _ in range(2))
    for number in range(6):
        sample, same = first.draw(number, 128), second.draw(number, 128)
        assert sample.rgb.shape == (128, 128, 3) and sample.disparity.shape == (128, 128)
        assert sample.synthesis.any() and sample.context.any() and not (sample.synthesis & sample.context).any()
        assert np.array_equal(sample.rgb, same.rgb) and np.array_equal(sample.synthesis, same.synthesis)
    assert not np.array_equal(first.draw(0, 128).rgb, InpaintingSamples(train, cache, seed=4).draw(0, 128).rgb)


@pytest.mark.parametrize("make", [border_strips, strokes])
def test_made_regions_share_the_crop(make, rng) -> None:
    for _ in range(10):
        synthesis, context = make(128, rng)
        assert np.array_equal(synthesis, ~context) and 0.01 < synthesis.mean() < 0.95
