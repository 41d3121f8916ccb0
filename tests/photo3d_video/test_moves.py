"""Camera moves by name or from path files: length, budget, and the files that they are written to."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from camera_paths import PRESETS, project
from photo3d_video import moves, photo_from_array
from photo3d_video.depth.builtin import DepthMap
from photo3d_video.errors import InputError
from photo3d_video.focus import focus_at
from photo3d_video.framing import frame_photo
from photo3d_video.pipeline import Picture, frame_picture, make_view, parallax_budget_px

SIZE = (320, 240)
BUDGET_PX = parallax_budget_px(*SIZE, strength=1)


@pytest.fixture(scope="module")
def picture(two_planes) -> Picture:
    drawn = two_planes(*SIZE)
    return frame_picture(photo_from_array(drawn.rgb), DepthMap(drawn.disparity, None, "drawn"), frame_photo(*SIZE))


def test_frame_count(tmp_path) -> None:
    assert moves.frame_count("swing", 4, 30) == 120
    assert moves.frame_count("swing", 2.5, 23.976) == 60
    assert moves.frame_count("swing", 0.001, 30) == 1
    for name, preset in PRESETS.items():
        assert moves.frame_count(name, None, 10) == round(10 * preset.default_seconds)
    file = write_moves(tmp_path, [0, 1.5])
    assert moves.frame_count(file, None, 20) == 30 and moves.frame_count(file, 1, 20) == 20
    assert moves.frame_count(write_moves(tmp_path, [0]), None, 20) == 80
    for seconds, fps in ((0, 30), (-1, 30), (601, 30), (float("nan"), 30), (4, 0), (4, float("nan")), (4, 1000)):
        with pytest.raises(InputError, match=r"--seconds|--fps"):
            moves.frame_count("swing", seconds, fps)


def write_moves(folder: Path, times: list[float], reach: float = 0.5) -> str:
    file = folder / "moves.JSON"
    keyframes = [{"time": t, "position": [reach * t, 0, 0]} for t in times]
    file.write_text(json.dumps({"version": 1, "keyframes": keyframes}))
    return str(file)


def test_path_files_are_held_to_the_budget(tmp_path, picture, caplog) -> None:
    view = make_view(picture, BUDGET_PX)
    assert len(moves.make_path(write_moves(tmp_path, [0, 1]), view, 10)) == 10
    assert not caplog.records
    far = moves.make_path(write_moves(tmp_path, [0, 1], reach=50), view, 10)
    assert "scaled to" in caplog.text
    limit = moves.make_path("pan", view, 50).position[:, 0].max()
    assert far.position[:, 0].max() <= 2.1 * limit


@pytest.mark.parametrize("name", ["orbit", "3d-zoom"])
def test_a_saved_move_is_the_same_move(tmp_path, picture, name) -> None:
    view = make_view(picture, BUDGET_PX)
    seconds = PRESETS[name].default_seconds
    focus = partial(moves.make_focus, name, view, picture.disparity, False, (0.9, 0.1))
    moves.write_path(tmp_path / "move.json", name, view, seconds, focus, easing=None, still_frames=30)
    corners = 2 * np.array([[x, y, 1] for x in (-0.5, 0.5) for y in (-0.4, 0.4)])
    expected = project(moves.make_path(name, view, 90), corners) * picture.focal_px
    found = project(moves.make_path(str(tmp_path / "move.json"), view, 90), corners) * picture.focal_px
    assert np.abs(found - expected).max() < 0.005 * SIZE[0] and np.ptp(expected, axis=0).max() > 0.02 * SIZE[0]
    assert len(json.loads((tmp_path / "move.json").read_text())["keyframes"]) <= 4 * seconds + 1
    again = moves.make_focus(str(tmp_path / "move.json"), view, picture.disparity, False, None, 90)
    assert np.abs(again - focus(90)).max() < 0.01 and np.ptp(again, axis=0).min() > 0.05


def test_focus_follows_the_keys_of_a_path_file(tmp_path, picture) -> None:
    view = make_view(picture, BUDGET_PX)
    file = tmp_path / "pull.json"
    keys = [(0, [0.55, 0.5]), (1, [0.05, 0.5]), (2, [0.05, 0.5, 2.0])]
    keyframes = [{"time": t, "position": [0, 0, 0], "focus": focus} for t, focus in keys]
    file.write_text(json.dumps({"version": 1, "keyframes": keyframes}))
    track = moves.make_focus(str(file), view, picture.disparity, False, None, 101)
    x = (2 * np.array([0.55, 0.05, 0.05]) - 1) * view.half_extent[0]
    disc, wall = (focus_at(picture.disparity, xy) for xy in ((0.55, 0.5), (0.05, 0.5)))
    np.testing.assert_allclose(track[[0, 50, 100]], np.column_stack([x, [0] * 3, [disc, wall, 0.5]]))
    assert np.abs(np.diff(track, axis=0)).max() < 0.05, "no jump where the focus passes the edge of the disc"
    backwards = moves.make_focus(str(file), view, picture.disparity, False, None, 101, reverse=True)
    np.testing.assert_allclose(backwards, track[::-1], atol=1e-12)
    held = moves.make_focus(str(file), view, picture.disparity, True, None, 5)
    np.testing.assert_allclose(held, np.tile([*view.focus_direction, view.focus_disparity], (5, 1)))
    pulled = moves.make_focus(str(file), view, picture.disparity, False, (0.9, 0.9), 5)
    np.testing.assert_allclose(pulled[-1, :2], 0.8 * view.half_extent)


def test_unknown_paths_name_the_choices() -> None:
    with pytest.raises(InputError, match=r"zoom-in.*dolly-zoom"):
        moves.find_move("moonwalk")
    with pytest.raises(InputError, match="easing"):
        moves.check_timing("swing", 10, "wobbly", still_frames=0)
