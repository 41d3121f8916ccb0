"""Both eyes stay within the parallax budget, see the focus at the screen, and come out in the right place."""

from __future__ import annotations

import numpy as np
import pytest

from camera_paths import PRESETS, View, camera_path, project
from camera_paths.camera import reach_px, relative_parallax_px
from photo3d_video.errors import InputError
from photo3d_video.output.stereo import (
    JOINS,
    anaglyph,
    check_stereo,
    eyes,
    half_side_by_side,
    join,
    joined_size,
    path_view,
)

VIEWS = [
    View(1080, 1920, 1920.0, 132.0, 1.25, (0.4, 0.35)),
    View(1920, 1080, 1920.0, 132.0, 2.5, (0.6, 0.5)),
    View(1080, 1080, 3000.0, 180.0, float("inf")),
]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kind", ["sbs", "wiggle"])
@pytest.mark.parametrize("name", PRESETS)
def test_path_and_eyes_together_keep_the_budget(name: str, kind: str, view: View) -> None:
    path = camera_path(PRESETS[name], path_view(view, kind), 40)
    both = eyes(path, view, kind, 30)
    assert relative_parallax_px(both, view).max() <= view.budget_px + 1e-3
    assert reach_px(both, view).max() <= view.budget_px + 1e-3


@pytest.mark.parametrize("view", VIEWS[:2])
@pytest.mark.parametrize("name", PRESETS)
def test_focus_is_on_the_screen_and_nearer_things_in_front(name: str, view: View) -> None:
    path = camera_path(PRESETS[name], path_view(view, "sbs"), 20)
    focus = view.focus_depth * np.append(view.focus_direction, 1.0)
    points = np.stack([focus, focus / view.focus_depth, 20 * focus])
    seen = project(eyes(path, view, "sbs", 30), points)
    parallax_px = (seen[1::2] - seen[::2]) * view.focal_px
    assert np.abs(parallax_px[:, 0]).max() < 0.1
    assert np.abs(parallax_px[..., 1]).max() < 1e-6, "no vertical parallax"
    assert (parallax_px[:, 1, 0] < 0).all(), "in front: the right eye sees it further left"
    assert (parallax_px[:, 2, 0] > 0).all()


def test_wiggle_changes_sides_and_loops() -> None:
    view = VIEWS[1]
    path = camera_path(PRESETS["swing"], path_view(view, "wiggle"), 120)
    moved = eyes(path, view, "wiggle", 30)
    side = np.sign(np.round(moved.position[:, 0] - path.position[:, 0], 9))
    assert len(moved) == 120 and abs(side.mean()) < 0.1 and moved.loops == path.loops
    assert (np.diff(side) != 0).sum() == 2 * 16 - 1 and side[0] != side[-1]


def test_joined_frames() -> None:
    left, right = np.full((6, 8, 3), 40, np.uint8), np.full((6, 8, 3), 200, np.uint8)
    for kind, width in {"sbs": 16, "half-sbs": 8}.items():
        (frame,) = join(iter([left, right]), kind)
        assert frame.shape == (6, width, 3) and joined_size(8, 6, kind) == (width, 6)
        assert (frame[:, : width // 2] == 40).all() and (frame[:, width // 2 :] == 200).all()
    assert [frame[0, 0, 0] for frame in join(iter([left, right]), "wiggle")] == [40, 200]
    assert half_side_by_side(left[:, :7], right[:, :7]).shape == (6, 7, 3)


def test_anaglyph_of_grey_is_grey_and_separates_the_eyes() -> None:
    grey, black = np.full((4, 4, 3), 120, np.uint8), np.zeros((4, 4, 3), np.uint8)
    assert np.abs(anaglyph(grey, grey).astype(int) - 120).max() <= 1
    red, cyan = anaglyph(grey, black)[0, 0].astype(int), anaglyph(black, grey)[0, 0].astype(int)
    assert red[0] > 100 and red[1:].max() < 20 and cyan[0] < 20 and cyan[1:].min() > 100


def test_kinds_have_names() -> None:
    for kind in (None, *JOINS):
        check_stereo(kind)
    with pytest.raises(InputError, match="4096 px wide"):
        joined_size(5000, 2000, "sbs")
    with pytest.raises(InputError, match="half-sbs"):
        check_stereo("3d")
