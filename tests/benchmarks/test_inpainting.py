"""The inpainting benchmark on photos drawn by code, with their true depth in place of an estimate."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import holes, inpainting
from benchmarks.holes import Source, make_hole, make_holes, read_source, regions_of
from tests.scenes import checker

SIDE = 256


def draw_photo(seed: int) -> Source:
    """A disc before a wall, both with patterns."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIDE, 0 : SIDE + 40] + 0.5
    near = np.hypot(x - rng.integers(90, 200), y - rng.integers(110, 150)) < 70
    front, wall = (
        checker(*near.shape, int(c), tuple(rng.integers(0, 90, 3)), tuple(rng.integers(120, 255, 3))) for c in (7, 11)
    )
    return Source(np.where(near[..., None], front, wall).astype(np.uint8), np.where(near, 0.8, 0.2).astype(np.float32))


@pytest.fixture
def paths(tmp_path, monkeypatch) -> list[Path]:
    """Photos of a folder; their depth is known instead of estimated."""
    sources = {tmp_path / f"{k % 2}" / f"photo{k}.png": draw_photo(k) for k in range(6)}
    for path, source in sources.items():
        path.parent.mkdir(exist_ok=True)
        assert cv2.imwrite(str(path), source.rgb[..., ::-1])
    monkeypatch.setattr(holes, "read_source", sources.__getitem__)
    yield list(sources)
    regions_of.cache_clear()


def test_holes_are_as_wide_as_asked(paths) -> None:
    for band_px in (8, 32):
        hole = make_hole(paths, 0, band_px)
        assert hole is not None and hole.rgb.shape == (SIDE, SIDE, 3)
        away = cv2.distanceTransform((~hole.context).astype(np.uint8), cv2.DIST_L2, 3)[hole.unknown]
        assert 0.7 * band_px < np.percentile(away, 98) < 1.4 * band_px


def test_unknown_context_and_hidden_are_apart(paths) -> None:
    hole = make_hole(paths, 1, 16)
    assert hole is not None and not (hole.unknown & hole.context).any()
    assert (~hole.unknown & ~hole.context).any(), "what stays of the foreground is hidden"


def test_every_fifth_picture_has_strips_along_its_sides(paths) -> None:
    hole = make_hole(paths, 4, 16)
    assert hole is not None and (hole.unknown == ~hole.context).all()
    inner = hole.unknown[16:-16, 16:-16]
    assert hole.unknown.any() and not inner.any()


def test_holes_are_the_same_whenever_they_are_made(paths) -> None:
    first = [hole for _, hole in make_holes(paths[:2], (8,))]
    regions_of.cache_clear()
    second = [hole for _, hole in make_holes(paths[:2], (8,))]
    assert len(first) == len(second) == 2
    for a, b in zip(first, second, strict=True):
        for name in ("rgb", "disparity", "unknown", "context"):
            assert np.array_equal(getattr(a, name), getattr(b, name)), name


def test_a_photo_is_shrunk_to_the_crop_and_gets_depth(tmp_path) -> None:
    assert cv2.imwrite(str(tmp_path / "large.png"), checker(500, 900, 20, (40, 40, 40), (200, 200, 200)))
    source = read_source(tmp_path / "large.png")
    assert source.rgb.shape == (384, 691, 3) and source.disparity.shape == (384, 691)
    assert source.disparity.min() >= 0 and source.disparity.max() <= 1


@pytest.mark.parametrize("name", ["fast", "telea", "navier-stokes", "patchmatch"])
def test_methods_see_the_context_alone_and_change_the_hole_alone(paths, name) -> None:
    fills = inpainting.available_fills(None)
    if name not in fills:
        pytest.skip("not installed")
    hole = make_hole(paths, 0, 8)
    assert hole is not None
    rgb = hole.rgb.astype(np.float32) / 255
    other = np.where(hole.context[..., None], rgb, 1 - rgb)
    a, b = (fills[name](p, hole.disparity, hole.unknown, hole.context)[0] for p in (rgb, other))
    assert np.array_equal(a[hole.unknown], b[hole.unknown])
    painted, seconds = inpainting.paint(fills[name], hole)
    assert np.array_equal(painted[~hole.unknown], hole.rgb[~hole.unknown]) and seconds > 0
    assert inpainting.psnr(painted, hole.rgb, hole.unknown) > 8


def test_a_fill_is_not_shown_the_truth(paths) -> None:
    hole = make_hole(paths, 0, 8)
    assert hole is not None
    painted, _ = inpainting.paint(lambda rgb, disparity, unknown, context: (rgb, disparity), hole)
    assert inpainting.psnr(painted, hole.rgb, hole.unknown) < 20


def test_photos_are_the_same_mixed_ones_every_time_and_can_be_held_back_ones(tmp_path) -> None:
    from training.inpainting_data import held_back

    (tmp_path / "deep" / "er").mkdir(parents=True)
    for k in range(200):
        (tmp_path / "deep" / "er" / f"{k:03}.jpg").touch()
    whole = inpainting.choose_photos(tmp_path, None, False)
    assert len(whole) == 200 and whole != sorted(whole)
    assert inpainting.choose_photos(tmp_path, 7, False) == whole[:7]
    kept = inpainting.choose_photos(tmp_path, None, True)
    assert {p.stem for p in kept} == {f"{k:03}" for k in range(200) if held_back(f"deep__er__{k:03}")}
    assert 0 < len(kept) < 40


def run(monkeypatch, capsys, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["inpainting", *arguments])
    inpainting.main()
    return capsys.readouterr().out


def test_command_prints_one_json_object_and_writes_the_sheet(paths, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(inpainting, "BANDS_PX", (8, 16))
    sheet = tmp_path / "sheet.png"
    out = run(monkeypatch, capsys, str(tmp_path), "--limit", "2", "--json", "--sheet", str(sheet))
    rows = json.loads(out)["rows"]
    methods = {row["method"] for row in rows}
    assert {"fast", "telea", "navier-stokes"} <= methods
    assert [row["band_px"] for row in rows if row["method"] == "fast"] == [8, 16, "mean"]
    for row in rows:
        assert set(row) == {"method", "band_px", "psnr", "ssim", "feature_distance", "seconds"}
    by_key = {(row["method"], row["band_px"]): row["psnr"] for row in rows}
    assert by_key["telea", "mean"] == pytest.approx((by_key["telea", 8] + by_key["telea", 16]) / 2, rel=1e-4)
    cell = inpainting.SHEET_CELL_PX
    assert cv2.imread(str(sheet)).shape == (4 * cell, (len(methods) + 2) * cell, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--limit", "1"], "fewer than two"),
        (["--weights", "none.safetensors"], "none.safetensors"),
        (["--sheet", "nowhere/sheet.png"], "nowhere/sheet.png"),
    ],
)
def test_mistakes_are_errors_in_words(paths, tmp_path, capsys, monkeypatch, arguments, message) -> None:
    monkeypatch.setattr(sys, "argv", ["inpainting", str(tmp_path), *arguments])
    with pytest.raises(SystemExit):
        inpainting.main()
    assert message in capsys.readouterr().err
