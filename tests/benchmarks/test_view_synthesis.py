"""The view synthesis benchmark on stereo pairs drawn by code."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import view_synthesis
from benchmarks.view_synthesis import (
    METRICS,
    compare,
    disoccluded,
    fill_unknown,
    layered_scene,
    read_scene,
    render_right,
    stretched_scene,
)
from photo3d_video.pipeline import open_context
from tests.scenes import checker

HEIGHT, WIDTH = 80, 120
NEAR_PX, FAR_PX = 20, 8


def write_pair(folder: Path) -> None:
    """A red checker block in front of a green checker wall, seen from the left and from the right."""
    folder.mkdir(parents=True)
    wall = checker(HEIGHT, WIDTH + 2 * NEAR_PX, 6, (40, 120, 70), (60, 160, 100))
    block = checker(HEIGHT, WIDTH, 4, (200, 60, 50), (150, 40, 40))
    left, right = wall[:, :WIDTH].copy(), wall[:, FAR_PX : FAR_PX + WIDTH].copy()
    rows, columns = slice(20, 60), slice(50, 85)
    left[rows, columns] = block[rows, columns]
    right[rows, 50 - NEAR_PX : 85 - NEAR_PX] = block[rows, columns]
    disparity = np.full((HEIGHT, WIDTH), FAR_PX * 256, np.uint16)
    disparity[rows, columns] = NEAR_PX * 256
    disparity[70, 30] = 0  # unknown
    for name, rgb in (("left", left), ("right", right)):
        assert cv2.imwrite(str(folder / f"{name}.png"), np.ascontiguousarray(rgb[..., ::-1]))
    assert cv2.imwrite(str(folder / "disparity.png"), disparity)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pair(tmp_path / "scene1")
    write_pair(tmp_path / "scene2")
    return tmp_path


def test_unknown_depth_is_that_of_the_farther_neighbour() -> None:
    disparity = np.array([[0, 9, 0, 0, 4, 0], [0, 0, 0, 0, 0, 0], [5, 5, 5, 0, 5, 5]], np.float32)
    expected = [[9, 9, 4, 4, 4, 4], [9, 9, 4, 4, 4, 4], [5, 5, 5, 5, 5, 5]]
    np.testing.assert_array_equal(fill_unknown(disparity), expected)
    with pytest.raises(ValueError, match="known"):
        fill_unknown(np.zeros((3, 3), np.float32))


def test_disoccluded_is_what_no_known_left_pixel_lands_on() -> None:
    disparity = np.full((1, 12), 2, np.float32)
    disparity[0, 5:8] = 4  # columns 5..7 land on 1..3, their surroundings on 0..2 and 6..9
    np.testing.assert_array_equal(np.flatnonzero(disoccluded(disparity)), [4, 5, 10, 11])
    disparity[0, 10] = 0
    assert disoccluded(disparity)[0, 8], "what is unknown does not land"
    half = np.full((1, 6), 1.5, np.float32)
    np.testing.assert_array_equal(np.flatnonzero(disoccluded(half)), [5], err_msg="half a pixel off counts for both")


@pytest.mark.parametrize("shift_px", [5.0, 17.5])
def test_right_camera_is_exactly_where_the_disparity_says(shift_px) -> None:
    rgb = np.zeros((40, 60, 3), np.uint8)
    rgb[15:25, 30:40] = 255
    q = np.full((40, 60), 0.6, np.float32)
    with open_context() as context:
        frame = render_right(context, stretched_scene(rgb, q, shift_px), shift_px)
    light = frame[..., 0].astype(float)
    assert (light.sum(0) * (np.arange(60) + 0.5)).sum() / light.sum() == pytest.approx(35 - 0.6 * shift_px, abs=0.05)


def test_layers_beat_the_stretched_sheet(folder) -> None:
    from inpaint.fill import fast_fill

    scene = read_scene(folder / "scene1")
    q = fill_unknown(scene.disparity_px) / NEAR_PX
    with open_context() as context:
        layered, stretched = (
            compare(render_right(context, made, NEAR_PX), scene)
            for made in (layered_scene(scene.left, q, NEAR_PX, fast_fill), stretched_scene(scene.left, q, NEAR_PX))
        )
    assert set(layered) == set(METRICS)
    assert layered["psnr_visible"] > 30 and stretched["psnr_visible"] > 30
    for metric in ("psnr_disoccluded", "ssim_disoccluded", "psnr_all"):
        assert layered[metric] > stretched[metric], metric


def test_command_prints_one_json_object(folder, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["view_synthesis", str(folder), "--scenes", "1", "--json"])
    view_synthesis.main()
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {"fast", "stretched"} <= {row["method"] for row in rows}
    assert all(row["n"] == 1 and set(row) == {"method", "n", *METRICS} for row in rows)


def test_folder_without_scenes_is_an_error_in_words(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["view_synthesis", str(tmp_path)])
    with pytest.raises(SystemExit):
        view_synthesis.main()
    assert "left.png" in capsys.readouterr().err
