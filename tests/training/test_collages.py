"""Collages: pieces laid over photos, each known to the pixel."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.collages import Collage, Piece, _cut_out, _drawn, _lay, make_collage, write_collages


@pytest.fixture(scope="module")
def stock(tmp_path_factory) -> tuple[list[Path], list[Path]]:
    """Two photos and a red disc on transparent ground."""
    folder = tmp_path_factory.mktemp("stock")
    rng = np.random.default_rng(0)
    photos = [folder / f"{k}.png" for k in range(2)]
    for path in photos:
        cv2.imwrite(str(path), rng.integers(0, 256, (300, 400, 3), dtype=np.uint8))
    alpha = np.zeros((200, 160), np.uint8)
    cv2.circle(alpha, (80, 100), 60, 255, -1, cv2.LINE_AA)
    red = np.zeros((200, 160, 3), np.uint8)
    red[alpha > 0] = 0, 0, 255
    cv2.imwrite(str(folder / "disc.png"), np.dstack([red, alpha]))
    return photos, [folder / "disc.png"]


@pytest.mark.parametrize("seed", range(8))
def test_a_collage_is_the_same_again_and_has_pieces(stock, seed: int) -> None:
    collage, again = (make_collage(*stock, np.random.default_rng(seed)) for _ in range(2))
    assert isinstance(collage, Collage)
    assert np.array_equal(collage.rgb, again.rgb) and np.array_equal(collage.order, again.order)
    assert collage.rgb.dtype == np.uint8 and collage.rgb.shape == (*collage.order.shape, 3)
    assert all(side % 32 == 0 for side in collage.order.shape)


def test_most_collages_show_more_than_the_backdrop(stock) -> None:
    assert sum(make_collage(*stock, np.random.default_rng(s)).order.any() for s in range(20)) >= 18


def test_a_cut_out_keeps_its_colour_up_to_its_rim(stock) -> None:
    for seed in range(5):
        piece = _cut_out(stock[1][0], 120, np.random.default_rng(seed))
        assert piece.alpha.max() == pytest.approx(1, abs=0.02) and piece.alpha[0].max() < 0.1
        rim = (piece.alpha > 0.2) & (piece.alpha < 0.8)
        assert rim.any()
        assert np.abs(piece.rgb[rim] - [255, 0, 0]).max() < 12, "no black from where nothing is"


@pytest.mark.parametrize("seed", range(12))
def test_drawn_shapes_fill_something_but_not_everything(stock, seed: int) -> None:
    piece = _drawn(stock[0], (192, 256), 0.5, np.random.default_rng(seed))
    assert piece.rgb.shape == (192, 256, 3) and piece.alpha.shape == (192, 256)
    assert piece.alpha.min() >= 0 and piece.alpha.max() <= 1
    assert piece.alpha.mean() < 0.98


def test_what_is_laid_last_is_in_front() -> None:
    rgb, order = np.zeros((64, 64, 3), np.float32), np.zeros((64, 64), np.uint8)
    for k in (1, 2):
        whole = Piece(np.full((64, 64, 3), 100.0 * k, np.float32), np.ones((64, 64), np.float32))
        _lay(rgb, order, whole, k, np.random.default_rng(1))
    assert (order == 2).all()


def test_what_is_thin_is_written_with_a_collage(stock, tmp_path) -> None:
    assert write_collages(range(2), *stock, tmp_path) == 2
    for number, path in enumerate(sorted(tmp_path.iterdir())):
        data, order = np.load(path), make_collage(*stock, np.random.default_rng((11, number))).order
        assert not data["thin"][order == 0].any() and data["thin_known"][data["thin"]].all()
