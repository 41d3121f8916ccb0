"""Depth of field and vignette as the user asks for them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from camera_paths import View, frame_phases
from photo3d_video.batch.jobs import check_settings
from photo3d_video.effects import Effects, focus_track
from photo3d_video.errors import InputError
from photo3d_video.run import render_photo

VIEW = View(200, 100, 200.0, 10.0, focus_depth=1.25, focus_xy=(0.25, 0.5))


def ramp() -> np.ndarray:
    """Disparity 0.2 at the left to 0.8 at the right."""
    return np.broadcast_to(np.linspace(0.2, 0.8, 200, dtype=np.float32), (100, 200))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dof": -0.1}, "--dof -0.1 is out of range"),
        ({"dof": 2.5}, "--dof 2.5 is out of range"),
        ({"dof": float("nan")}, "--dof nan is out of range"),
        ({"vignette": 3.0}, "--vignette 3 is out of range"),
        ({"focus_pull": (0.5, 0.5)}, "give --dof too"),
        ({"focus_pull": (1.5, 0.5), "dof": 1.0}, "--focus-pull 1.5,0.5 is outside"),
    ],
)
def test_what_cannot_be_is_refused_at_once(settings, message, tmp_path) -> None:
    with pytest.raises(InputError, match=message):
        render_photo(tmp_path / "missing.jpg", **settings)
    with pytest.raises(InputError, match=message):
        check_settings("swing", settings)


def test_focus_stays_without_a_pull() -> None:
    track = focus_track(VIEW, ramp(), np.linspace(0, 1, 5), False, None)
    np.testing.assert_allclose(track, np.tile([-0.25, 0, 0.8], (5, 1)))


def test_focus_is_pulled_along_the_move() -> None:
    track = focus_track(VIEW, ramp(), np.linspace(0, 1, 5), False, (0.75, 0.25))
    np.testing.assert_allclose(track[0], [-0.25, 0, 0.8])
    np.testing.assert_allclose(track[-1], [0.25, -0.125, 0.65], atol=0.01)
    np.testing.assert_allclose(track[2], track[[0, -1]].mean(0))


def test_focus_comes_back_on_moves_that_loop() -> None:
    track = focus_track(VIEW, ramp(), frame_phases(12, loops=True), True, (0.75, 0.25))
    np.testing.assert_allclose(track[6], [0.25, -0.125, 0.65], atol=0.01)
    steps = np.linalg.norm(np.diff(track, axis=0, append=track[:1]), axis=1)
    assert steps.max() < 0.2, "no jump where the loop closes"


def test_values_out_of_range_are_named() -> None:
    assert Effects() == Effects(0, 0, None)
    with pytest.raises(InputError, match="--vignette"):
        Effects(vignette=-1)


def still(two_planes, folder, name: str, **options) -> np.ndarray:
    """One frame (H, W, 3) of a disc in front of a wall, as it comes out of the command's function."""
    from photo3d_video.depth.builtin import DepthMap

    planes = two_planes(240, 180)
    depth = DepthMap(planes.disparity, None, "test")
    result = render_photo(
        planes.rgb, options.pop("path", "swing"), folder / f"{name}.png", depth=depth, fill="fast", cache=False,
        seconds=1.0, **({"still": 0.0} | options),
    )  # fmt: skip
    return np.asarray(Image.open(result.output).convert("RGB")).astype(float)


def sharpness(frame: np.ndarray, where: np.ndarray) -> float:
    return float(np.abs(np.diff(frame.mean(-1), axis=1))[where[:, 1:]].mean())


def test_a_focus_pull_changes_what_is_sharp(two_planes, tmp_path) -> None:
    disc = two_planes(240, 180).disc
    y, x = np.mgrid[0:180, 0:240]
    wall = x < 40
    inside = np.hypot(x - 0.55 * 240, y - 90) < 30
    assert disc[inside].all() and not disc[wall].any()
    plain = still(two_planes, tmp_path, "plain")
    pull = {"dof": 2.0, "focus_xy": (0.55, 0.5), "focus_pull": (0.05, 0.5)}
    first, middle = (still(two_planes, tmp_path, str(at), still=at, **pull) for at in (0.0, 0.5))
    assert sharpness(first, inside) == pytest.approx(sharpness(plain, inside), rel=0.05)
    assert sharpness(first, wall) < sharpness(plain, wall)
    assert sharpness(middle, inside) < 0.97 * sharpness(first, inside)
    assert sharpness(middle, wall) > sharpness(first, wall)


def test_depth_of_field_follows_the_keys_of_a_path_file(two_planes, tmp_path) -> None:
    keys = [{"time": t, "position": [0, 0, 0], "focus": xy} for t, xy in ((0, [0.55, 0.5]), (1, [0.05, 0.5]))]
    file = tmp_path / "pull.json"
    file.write_text(json.dumps({"version": 1, "keyframes": keys}))
    _, x = np.mgrid[0:180, 0:240]
    wall = x < 40
    move = {"path": str(file), "dof": 2.0}
    first, last, held = (
        still(two_planes, tmp_path, name, **move, **options)
        for name, options in {
            "first": {"still": 0.0},
            "last": {"still": "100%"},
            "held": {"still": "100%", "focus_xy": (0.55, 0.5)},
        }.items()
    )
    assert sharpness(last, wall) > 1.05 * sharpness(first, wall)
    np.testing.assert_array_equal(held, first)  # what is asked for goes before the file


def test_off_gives_the_same_pixels_and_stereo_takes_both(two_planes, tmp_path) -> None:
    plain = still(two_planes, tmp_path, "plain")
    np.testing.assert_array_equal(still(two_planes, tmp_path, "off", dof=0.0, vignette=0.0), plain)
    dark = still(two_planes, tmp_path, "dark", dof=1.0, vignette=1.0)
    assert dark[:8, :8].mean() < 0.85 * plain[:8, :8].mean()
    both = still(two_planes, tmp_path, "both", dof=1.0, vignette=1.0, stereo="sbs")
    assert both.shape == (plain.shape[0], 2 * plain.shape[1], 3)
