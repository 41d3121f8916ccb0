"""The comparison with the reference's clips: its moves, and figures that see what they are to see."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks import reference
from benchmarks.reference import MOVES, flicker, grey_share, reference_path, reference_view, scene_disparity
from camera_paths import project
from photo3d_video.output.encoding import VideoSpec
from photo3d_video.output.video import VideoWriter
from tests.scenes import checker, textured_planes

VIEW = reference_view((1000, 800), 1000.0)


def test_depth_is_the_references() -> None:
    raw = np.full((40, 40), -0.5, np.float32)
    raw[:, 20:] = 1.5
    q = scene_disparity(raw)
    assert q.dtype == np.float32 and q[20, 35] == 1 and q[20, 5] == pytest.approx(1 / 60)


def test_straight_moves_pass_the_photo_and_dolly_holds_the_centre() -> None:
    zoom, dolly = (reference_path(MOVES[name], 0.5, VIEW) for name in ("zoom-in", "dolly-zoom-in"))
    np.testing.assert_allclose(zoom.position[[0, -1]], [[0, 0, -0.15], [0, 0, 0.15]], atol=1e-12)
    sides = np.array([[-0.2, 0, 2], [0.2, 0, 2]])  # at the centre's depth
    widths = {name: np.ptp(project(path, sides)[..., 0], axis=1) for name, path in (("zoom", zoom), ("dolly", dolly))}
    np.testing.assert_allclose(widths["dolly"], 0.2)
    assert (np.diff(widths["zoom"]) > 0).all()


def test_rounds_go_twice_sideways_while_once_forward() -> None:
    x, y, z = reference_path(MOVES["circle"], 0.5, VIEW).position.T
    np.testing.assert_allclose([x[0], y[0], z[0]], [0.06, 0, -0.15], atol=1e-12)
    assert (np.diff(np.sign(x - 1e-9)) != 0).sum() == 4 and (np.diff(np.sign(z + 1e-9)) != 0).sum() == 2
    assert np.ptp(y) == pytest.approx(0.12) and not reference_path(MOVES["swing"], 0.5, VIEW).position[:, 1].any()


def test_frame_is_the_references_crop() -> None:
    assert (VIEW.width_px, VIEW.height_px) == (940, 736)
    still = reference_path(MOVES["zoom-in"], 0.5, VIEW)
    # The middle of what is left between 3 % and 5 % of the height, far away.
    at_rest = (project(still, np.array([[0.0, -8e3, 1e6]]))[119:121] * 1000).mean(0)
    np.testing.assert_allclose(at_rest, [[0, 0]], atol=0.1)


def test_only_grey_areas_at_the_border_are_empty() -> None:
    frame = checker(60, 80, 5, (10, 20, 30), (200, 180, 90))
    frame[20:40, 30:50] = 128
    assert grey_share(frame) == 0
    frame[:, 72:] = 128
    assert grey_share(frame) == pytest.approx(0.1)


def test_flicker_is_what_motion_does_not_explain() -> None:
    rng = np.random.default_rng(0)
    wide = cv2.GaussianBlur(rng.integers(0, 256, (120, 170, 3)).astype(np.uint8), (0, 0), 3)
    wide = cv2.normalize(wide, None, 0, 255, cv2.NORM_MINMAX)
    frames = [np.ascontiguousarray(wide[:, 5 + d : 165 + d]) for d in (-2, 0, 2)]
    noisy = np.clip(frames[1] + rng.normal(0, 8, (120, 160, 1)), 0, 255).astype(np.uint8)
    assert flicker(*frames) < 1 < 4 < flicker(frames[0], noisy, frames[2])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """A photo with its depth, and a clip of theirs that stands still and shows a grey edge."""
    monkeypatch.setattr(reference, "FRAMES", 60)
    scene = textured_planes(160, 160)
    Image.fromarray(scene.rgb).save(tmp_path / "disc.jpg", quality=95)
    np.save(tmp_path / "disc_disparity.npy", scene.disparity)
    frame = cv2.resize(scene.rgb[5:152, 5:155], (160, 160), interpolation=cv2.INTER_AREA)
    frame[:, 150:] = 128
    with VideoWriter(tmp_path / "disc_zoom-in.mp4", VideoSpec(160, 160, fps=40)) as writer:
        for _ in range(60):
            writer.write(frame)
    return tmp_path


def test_command_compares_the_clips_that_are_there(folder, capsys, monkeypatch) -> None:
    sheet = folder / "sheet.png"
    monkeypatch.setattr(sys, "argv", ["reference", str(folder), "--json", "--sheet", str(sheet)])
    reference.main()
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["move"] == "zoom-in" and row["uncovered_ours"] == 0
    assert row["grey_theirs"] == pytest.approx(10 / 160, abs=0.02)
    assert 0.5 < row["sharpness_ours"] < 1.5 and row["flicker_theirs"] < row["flicker_ours"]
    with Image.open(sheet) as picture:
        assert picture.width == 5 * reference.CELL_PX


def test_folder_without_clips_is_an_error_in_words(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["reference", str(tmp_path)])
    with pytest.raises(SystemExit):
        reference.main()
    assert "_disparity.npy" in capsys.readouterr().err
