"""Frames are found by time, and pictures are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photo3d_video.errors import InputError, OutputError
from photo3d_video.files import write_picture
from photo3d_video.output.stills import GAP_PX, PAPER, ContactSheet, beside, still_index


@pytest.mark.parametrize(
    ("still", "index"),
    [("0", 0), (0.5, 15), ("0.5s", 15), ("3.999", 119), ("4", 119), ("0%", 0), ("50%", 60), ("100%", 119), (".1", 3)],
)
def test_stills_are_found_by_time(still: str | float, index: int) -> None:
    assert still_index(still, 120, 30) == index


@pytest.mark.parametrize("still", ["-1", "4.1", "101%", "half", "nan", "1e3", "", "1:30"])
def test_times_outside_of_the_clip(still: str) -> None:
    with pytest.raises(InputError, match="--still"):
        still_index(still, 120, 30)


def test_contact_sheet_spreads_over_the_clip() -> None:
    sheet = ContactSheet(100)
    for i in range(100):
        sheet.add(np.full((48, 64, 3), i, np.uint8))
    picture = sheet.picture()
    assert picture.shape == (3 * 48 + 4 * GAP_PX, 4 * 64 + 5 * GAP_PX, 3)
    assert picture[GAP_PX, GAP_PX, 0] == 0 and picture[-1 - GAP_PX, -1 - GAP_PX, 0] == 99
    assert (picture[0] == PAPER).all()


@pytest.mark.parametrize("n", [1, 2, 5])
def test_contact_sheets_of_short_clips(n: int) -> None:
    sheet = ContactSheet(n)
    for i in range(n):
        sheet.add(np.full((600, 1000, 3), 10 * i + 1, np.uint8))
    assert {10 * i + 1 for i in range(n)} <= set(np.unique(sheet.picture()))
    assert sheet.picture().shape[1] == min(n, 4) * (320 + GAP_PX) + GAP_PX


def test_pictures_are_written_whole(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    write_picture(tmp_path / "a.png", rgb)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), rgb)
    red_blue = np.zeros((32, 32, 3), np.uint8)
    red_blue[:, ::2, 0] = red_blue[:, 1::2, 2] = 255
    write_picture(tmp_path / "b.JPG", red_blue)
    assert np.abs(np.asarray(Image.open(tmp_path / "b.JPG")).astype(int) - red_blue).max() < 40, "full chroma"
    for name in ("c.tiff", "none/c.png"):
        with pytest.raises(OutputError):
            write_picture(tmp_path / name, rgb)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.JPG"]


def test_names_beside_a_clip() -> None:
    assert beside(Path("clips/a.b.mp4"), "_sheet.png") == Path("clips/a.b_sheet.png")
