"""The coverage benchmark sees holes where there are holes."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import coverage
from benchmarks.coverage import find_photos, uncovered_share, worst_frames
from benchmarks.framing import CELL_PX, TEXT_PX, subject_in_frame
from camera_paths import PRESETS, View, camera_path, relative_parallax_px
from photo3d_video.pipeline import Picture
from tests.scenes import textured_planes


@pytest.fixture
def known_depth(monkeypatch) -> None:
    """The benchmark's photo with its true depth instead of an estimate."""
    from photo3d_video.depth import builtin

    def truth(rgb: np.ndarray) -> builtin.DepthMap:
        return builtin.DepthMap(textured_planes(*rgb.shape[:2]).disparity, None, "drawn")

    monkeypatch.setattr(builtin, "estimate_depth", truth)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    Image.fromarray(textured_planes(120, 160).rgb).save(file)
    return file


def rows_of(capsys, monkeypatch, *args: str) -> list[dict]:
    monkeypatch.setattr(sys, "argv", ["coverage", *args, "--json"])
    coverage.main()
    return json.loads(capsys.readouterr().out)["rows"]


def test_holes_are_counted() -> None:
    frame = np.full((10, 20, 4), 255, np.uint8)
    assert uncovered_share(frame) == 0
    frame[:2, :5, 3] = 0
    frame[5, 5, 3] = 250  # a level lost in blending is no hole
    assert uncovered_share(frame) == 10 / 200


def test_widest_frames_are_among_those_looked_at() -> None:
    view = View(320, 240, 300.0, 24.0, 2.0, (0.4, 0.6))
    for name in PRESETS:
        path = camera_path(name, view, 180)
        frames = worst_frames(path, view)
        assert 24 <= len(frames) <= 26 and frames[0] == 0 and frames[-1] == 179
        assert relative_parallax_px(path, view).argmax() in frames
    assert worst_frames(camera_path("swing", view, 3), view) == [0, 1, 2]


def test_covered_scene_has_no_holes_and_is_the_photo(photo, known_depth, capsys, monkeypatch) -> None:
    swing, still = (
        rows_of(capsys, monkeypatch, str(photo), "--path", "swing"),
        rows_of(capsys, monkeypatch, str(photo), "--path", "swing", "--strength", "0"),
    )
    (row,), (unmoved,) = swing, still
    assert list(row)[:5] == ["photo", "path", "aspect", "identity_psnr_db", "uncovered_share"]
    assert (row["photo"], row["path"], row["uncovered_share"]) == ("photo.png", "swing", 0)
    assert row["identity_psnr_db"] > 40 and row["sharpness_ratio"] == pytest.approx(1, abs=0.1)
    assert unmoved["backdrop_share"] == 0 == unmoved["speck_px"]


def test_holes_of_a_scene_are_found(photo, known_depth, capsys, monkeypatch) -> None:
    """Without the layers behind the photo, a move that the budget allows must open holes."""
    from photo3d_video import pipeline

    complete = pipeline.make_scene
    monkeypatch.setattr(pipeline, "make_scene", lambda *args: without_painted_parts(complete(*args)))
    (row,) = rows_of(capsys, monkeypatch, str(photo), "--path", "circle", "--strength", "2")
    assert row["uncovered_share"] > 0.003


def without_painted_parts(scene):
    """The scene without what lies behind the front layer and without the border around the photo."""
    half = np.array([scene.width_px, scene.height_px]) / (2 * scene.focal_px)
    for number in range(1, len(scene.textures)):
        scene = coverage.without_layer(scene, number)
    inside = (np.abs(scene.rays) <= half).all(1)
    return replace(scene, opaque=scene.opaque[inside[scene.opaque].all(1)], soft=scene.soft[inside[scene.soft].all(1)])


def test_all_paths_of_all_photos(photo, known_depth, capsys, monkeypatch) -> None:
    monkeypatch.setattr(coverage, "PRESETS", {name: PRESETS[name] for name in ("zoom-in", "pan")})
    rows = rows_of(capsys, monkeypatch, str(photo.parent), "--path", "all")
    assert [(row["photo"], row["path"]) for row in rows] == [("photo.png", "zoom-in"), ("photo.png", "pan")]


def test_aspects_and_the_sheet_of_their_frames(photo, known_depth, capsys, monkeypatch, tmp_path) -> None:
    options = ("--path", "zoom-in,pan", "--aspect", "9:16,1:1,16:9", "--side", "96", "--sheet", str(tmp_path / "s.png"))
    rows = rows_of(capsys, monkeypatch, str(photo), *options)
    assert [(row["aspect"], row["path"]) for row in rows] == [
        (aspect, path) for aspect in ("9:16", "1:1", "16:9") for path in ("zoom-in", "pan")
    ]
    assert all(row["uncovered_share"] == 0 for row in rows)
    assert rows[0]["subject_in_frame"] is None, "the drawn depth knows no subject"
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.size == (2 * CELL_PX, 3 * (CELL_PX + TEXT_PX))
        cells = np.asarray(sheet).reshape(3, CELL_PX + TEXT_PX, 2, CELL_PX, 3)
    lit = (cells[:, :CELL_PX, 0] != 32).any(-1)  # (3, y, x): the pictures without the paper
    assert [(int(a.any(1).sum()), int(a.any(0).sum())) for a in lit] == [(160, 87), (160, 160), (90, 160)]


def test_subjects_that_leave_the_frame_are_noticed() -> None:
    subject = np.zeros((60, 80), np.float32)
    subject[12:48, 8:24] = 1
    picture = Picture(np.zeros((120, 160, 3), np.uint8), np.full((60, 80), 0.5, np.float32), subject, 160.0)
    view = View(160, 120, 160.0, 10.0, 2.0)
    still = camera_path("zoom-in", replace(view, budget_px=0), 3)
    assert subject_in_frame(picture, still, view) == {"subject_in_frame": 1, "subject_top_in_frame": 1}
    # The focal length decides where the frame's left and upper edges are in the photo.
    half = replace(still, focal_factor=np.array([1.0, 1.0, 80 / 48]))  # left edge at column 16
    assert subject_in_frame(picture, half, view)["subject_in_frame"] == pytest.approx(0.5, abs=0.07)
    headless = replace(still, shift=np.array([[0.0, -0.24]] * 3))  # 38 px up
    assert subject_in_frame(picture, headless, view)["subject_top_in_frame"] == 0
    assert subject_in_frame(picture, headless, view)["subject_in_frame"] > 0.5
    nobody = subject_in_frame(replace(picture, subject=None), still, view)
    assert all(np.isnan(share) for share in nobody.values())


def test_photos_of_folders(tmp_path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.JPG", "deep/a.png", "notes.txt"):
        (tmp_path / name).touch()
    single = tmp_path / "b.JPG"
    assert find_photos([single, tmp_path]) == [single, single, tmp_path / "deep/a.png"]
