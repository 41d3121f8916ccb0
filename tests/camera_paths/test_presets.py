"""Every preset keeps its promises: budget, smoothness, ends, loops, framing of the focus, and its pinned poses."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_paths import PRESETS, PathError, View, camera_path, project, reach_px, relative_parallax_px
from camera_paths.rotation import log_quaternion, quaternion_from_matrix

DIAGONAL_PX = math.hypot(1920, 1080)
VIEW = View(1920, 1080, focal_px=1920.0, budget_px=0.06 * DIAGONAL_PX, focus_depth=2.5, focus_xy=(0.6, 0.45))
LOOPS = [name for name, preset in PRESETS.items() if preset.loops]
ONE_WAY = [name for name, preset in PRESETS.items() if not preset.loops]
FROM_SOURCE = [name for name, preset in PRESETS.items() if preset.starts_at_source]


@st.composite
def views(draw):
    aspect = math.exp(draw(st.floats(math.log(9 / 21), math.log(21 / 9))))
    long_px = draw(st.integers(64, 4000))
    width_px, height_px = (long_px, long_px / aspect) if aspect > 1 else (long_px * aspect, long_px)
    width_px, height_px = max(1, round(width_px)), max(1, round(height_px))
    return View(
        width_px,
        height_px,
        focal_px=long_px * draw(st.floats(0.5, 3)),
        budget_px=draw(st.floats(0, 0.12)) * math.hypot(width_px, height_px),
        focus_depth=draw(st.one_of(st.floats(1, 20), st.just(math.inf))),
        focus_xy=(draw(st.floats(0, 1)), draw(st.floats(0, 1))),
    )


def frame_points(view, depth):
    """The corners, edges and centre of the source frame on the plane at `depth`."""
    steps = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2) * view.half_extent
    return depth * np.concatenate([steps, np.ones((9, 1))], axis=1)


def focus_point(view):
    return view.focus_depth * np.append(view.focus_direction, 1.0)[None]


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=25, deadline=None)
@given(view=views(), phase=st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_every_phase_keeps_the_budget(name, view, phase):
    path = PRESETS[name].function(np.array([*phase, 0.0, 0.25, 0.5, 0.75, 1.0]), view)
    assert relative_parallax_px(path, view).max() <= view.budget_px + 1e-5
    assert reach_px(path, view).max() <= view.budget_px + 1e-5


@pytest.mark.parametrize("name", PRESETS)
def test_preset_uses_its_budget(name):
    path = camera_path(name, VIEW, 100)
    share = relative_parallax_px(path, VIEW).max() / VIEW.budget_px
    assert share > (0.9 if name in {"zoom-in", "zoom-out", "dolly-zoom", "push-pull", "3d-zoom"} else 0.4)


@pytest.mark.parametrize("name", PRESETS)
def test_no_budget_means_no_movement(name):
    path = camera_path(name, replace(VIEW, budget_px=0.0), 5)
    np.testing.assert_allclose(path.world_to_camera, np.tile(np.eye(4), (5, 1, 1)), atol=1e-15)
    np.testing.assert_allclose(path.focal_factor, 1)
    np.testing.assert_allclose(path.shift, 0, atol=1e-15)


@pytest.mark.parametrize("name", PRESETS)
def test_amplitude_does_not_depend_on_the_frame_count(name):
    coarse, fine = camera_path(name, VIEW, 12), camera_path(name, VIEW, 48)
    np.testing.assert_allclose(coarse.world_to_camera[0], fine.world_to_camera[0], atol=1e-15)
    whole = PRESETS[name].function(np.linspace(0, 1, 7), VIEW)
    single = PRESETS[name].function(np.array([0.5]), VIEW)
    np.testing.assert_allclose(whole.world_to_camera[3:4], single.world_to_camera, atol=1e-15)


@pytest.mark.parametrize("name", PRESETS)
def test_one_frame_clip(name):
    assert len(camera_path(name, VIEW, 1)) == 1


@pytest.mark.parametrize("name", FROM_SOURCE)
@given(view=views())
@settings(max_examples=10, deadline=None)
def test_preset_starts_exactly_at_the_source_view(name, view):
    path = camera_path(name, view, 3)
    np.testing.assert_array_equal(path.world_to_camera[0], np.eye(4))
    assert path.focal_factor[0] == 1
    np.testing.assert_array_equal(path.shift[0], 0)


@pytest.mark.parametrize("name", sorted(set(PRESETS) - set(FROM_SOURCE)))
def test_other_presets_start_elsewhere(name):
    assert not np.allclose(camera_path(name, VIEW, 3).world_to_camera[0], np.eye(4))


def test_zoom_out_ends_exactly_at_the_source_view():
    path = camera_path("zoom-out", VIEW, 30)
    np.testing.assert_array_equal(path.world_to_camera[-1], np.eye(4))
    assert path.focal_factor[-1] == 1
    np.testing.assert_array_equal(path.shift[-1], 0)


@pytest.mark.parametrize("name", PRESETS)
def test_motion_is_smooth(name):
    n = 400
    path = camera_path(name, VIEW, n)
    points = np.concatenate([frame_points(VIEW, depth) for depth in (1, 2.5, 1e6)])
    pixels = project(path, points) * VIEW.focal_px
    if path.loops:
        pixels = np.concatenate([pixels, pixels[:3]])
    # Per unit of phase, in budgets: a few cycles of a sine are smooth, a kink grows with n.
    acceleration = np.abs(np.diff(pixels, 2, axis=0)).max() * n**2 / VIEW.budget_px
    jerk = np.abs(np.diff(pixels, 3, axis=0)).max() * n**3 / VIEW.budget_px
    assert acceleration < 200
    assert jerk < 7000


@pytest.mark.parametrize("name", LOOPS)
def test_loop_closes_in_pose_and_speed(name):
    step = 1e-5
    path = PRESETS[name].function(np.array([0, step, 1 - step, 1]), VIEW)
    points = np.concatenate([frame_points(VIEW, depth) for depth in (1, 1e6)])
    start, after_start, before_end, end = project(path, points)
    np.testing.assert_allclose(end, start, atol=1e-12)
    np.testing.assert_allclose((after_start - start) / step, (end - before_end) / step, atol=1e-3)
    assert camera_path(name, VIEW, 8).loops


@pytest.mark.parametrize("name", ONE_WAY)
def test_one_way_preset_loops_only_as_a_boomerang(name):
    first, last = PRESETS[name].function(np.array([0.0, 1.0]), VIEW).world_to_camera
    assert not np.allclose(first, last)
    assert not camera_path(name, VIEW, 8).loops
    there_and_back = camera_path(name, VIEW, 8, boomerang=True)
    assert there_and_back.loops
    np.testing.assert_allclose(there_and_back.world_to_camera[1], there_and_back.world_to_camera[-1], atol=1e-12)


@pytest.mark.parametrize("name", ["dolly-zoom", "swing", "rise", "figure-eight"])
@given(view=views())
@settings(max_examples=10, deadline=None)
def test_focus_plane_stands_still(name, view):
    depth = min(view.focus_depth, 1e6)
    points = frame_points(view, depth)
    pixels = project(camera_path(name, view, 9), points) * view.focal_px
    np.testing.assert_allclose(pixels, np.tile(points[:, :2] / depth * view.focal_px, (9, 1, 1)), atol=0.01)


@pytest.mark.parametrize("name", ["dolly-zoom", "swing", "circle", "rise", "orbit", "arc", "spiral", "figure-eight"])
@given(view=views().filter(lambda view: view.focus_depth < 100))
@settings(max_examples=10, deadline=None)
def test_focus_point_keeps_its_pixel(name, view):
    pixels = project(camera_path(name, view, 9), focus_point(view)) * view.focal_px
    expected = np.tile(view.focus_direction * view.focal_px, (9, 1, 1))
    np.testing.assert_allclose(pixels, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["zoom-in", "ken-burns", "3d-zoom"])
def test_zooms_bring_the_focus_nearer_to_the_centre(name):
    pixels = project(camera_path(name, VIEW, 20), focus_point(VIEW))[:, 0]
    assert np.linalg.norm(pixels[-1]) < 0.97 * np.linalg.norm(pixels[0])


@pytest.mark.parametrize("name", ["zoom-in", "zoom-out", "push-pull", "ken-burns"])
@given(view=views(), top=st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_zooms_keep_the_subjects_head(name, view, top):
    view = replace(view, subject_top=top)
    depth = min(view.focus_depth, 1e6)
    head = depth * np.array([[view.focus_direction[0], (2 * top - 1) * view.half_extent[1], 1.0]])
    y = project(camera_path(name, view, 9), head)[:, 0, 1]
    assert y.min() >= -view.half_extent[1] * (1 + 1e-6)


def test_zooms_about_the_focus_where_the_head_has_room():
    for name in ("zoom-in", "ken-burns", "3d-zoom"):
        free, kept, low = (camera_path(name, replace(VIEW, subject_top=top), 5) for top in (1.0, 0.02, 0.4))
        np.testing.assert_array_equal(free.world_to_camera, low.world_to_camera)
        assert kept.position[-1, 1] < free.position[-1, 1], "higher"


@pytest.mark.parametrize("name", ["zoom-in", "zoom-out", "push-pull", "ken-burns"])
@given(view=views())
@settings(max_examples=10, deadline=None)
def test_zooms_never_look_past_the_border(name, view):
    assert reach_px(camera_path(name, view, 5), view).max() < 1e-6


def test_dolly_zoom_moves_back_while_the_background_looms():
    path = camera_path("dolly-zoom", VIEW, 10)
    assert (np.diff(path.position[:, 2]) < 0).all()
    assert (np.diff(path.focal_factor) > 0).all()
    corners = project(path, frame_points(VIEW, 1e6))
    assert np.linalg.norm(corners[-1, 8] - corners[-1, 0]) > 1.03 * np.linalg.norm(corners[0, 8] - corners[0, 0])


def test_rise_ends_above_and_arc_on_the_right():
    assert camera_path("rise", VIEW, 5).position[-1, 1] < 0
    assert camera_path("arc", VIEW, 5).position[-1, 0] > 0


def test_roll_of_the_3d_zoom_settles():
    turn = np.linalg.norm(log_quaternion(quaternion_from_matrix(camera_path("3d-zoom", VIEW, 90).rotation)), axis=1)
    assert math.radians(1) < turn.max() < math.radians(3)
    assert turn[45:].max() < 1e-12


@pytest.mark.parametrize("name", PRESETS)
def test_presets_describe_themselves_in_one_sentence(name):
    description = PRESETS[name].description
    assert description.endswith(".")
    assert "\n" not in description
    assert PRESETS[name].default_seconds >= 3


def test_unknown_preset_names_the_choices():
    with pytest.raises(PathError, match=r"unknown path 'zoom'.*dolly-zoom"):
        camera_path("zoom", VIEW, 10)


def test_options_reach_the_clip():
    path = camera_path("zoom-in", VIEW, 11, easing="linear", reverse=True, still_frames=2)
    assert (path.position[:3, 2] == path.position[0, 2]).all()
    np.testing.assert_allclose(np.diff(path.position[2:, 2]), -path.position[0, 2] / 8)


# Looks are API: position, rotation vector, focal factor and shift at phases 0.3 and 0.8, in VIEW.
POSES = {
    "zoom-in": [
        (0.00405, -0.00114, 0.02702, 0, 0, 0, 1.0216, -0.00324, 0.00091),
        (0.01081, -0.00304, 0.07206, 0, 0, 0, 1.0576, -0.00864, 0.00243),
    ],
    "zoom-out": [
        (0.00946, -0.00266, 0.06305, 0, 0, 0, 1.0504, -0.00756, 0.00213),
        (0.0027, -0.00076, 0.01802, 0, 0, 0, 1.0144, -0.00216, 0.00061),
    ],
    "dolly-zoom": [
        (-0.00291, 0.00082, -0.02906, 0, 0, 0, 1.01163, -0.00116, 0.00033),
        (-0.00775, 0.00218, -0.0775, 0, 0, 0, 1.031, -0.0031, 0.00087),
    ],
    "swing": [(0.03274, 0, 0, 0, 0, 0, 1, 0.01309, 0), (-0.03274, 0, 0, 0, 0, 0, 1, -0.01309, 0)],
    "circle": [
        (-0.01064, 0.03274, 0.01669, 0, 0, 0, 1, -0.00496, 0.01337),
        (0.01064, -0.03274, 0.00881, 0, 0, 0, 1, 0.00392, -0.01304),
    ],
    "pan": [(0.01064, 0, 0, 0, 0, 0, 1, 0.00213, 0), (-0.01064, 0, 0, 0, 0, 0, 1, -0.00213, 0)],
    "rise": [(0, 0.01377, 0, 0, 0, 0, 1, 0, 0.00551), (0, -0.02065, 0, 0, 0, 0, 1, 0, -0.00826)],
    "orbit": [
        (0.03275, 0.00425, -0.00294, -0.0017, 0.01309, -0.00001, 1, 0, 0),
        (-0.03271, -0.00425, 0.00337, 0.0017, -0.01309, -0.00001, 1, 0, 0),
    ],
    "arc": [(-0.01376, 0, 0.00141, 0, -0.00551, 0, 1, 0, 0), (0.02066, 0, -0.00198, 0, 0.00826, 0, 1, 0, 0)],
    "spiral": [
        (-0.01823, -0.01324, 0.0267, 0, 0, 0, 1, -0.00845, -0.00505),
        (-0.00962, -0.00699, 0.01409, 0, 0, 0, 1, -0.00444, -0.00265),
    ],
    "push-pull": [(0.00634, -0.00178, 0.06341, 0, 0, 0, 1, 0, 0), (0.00335, -0.00094, 0.03347, 0, 0, 0, 1, 0, 0)],
    "figure-eight": [
        (0.03274, -0.01012, 0, 0, 0, 0, 1, 0.01309, -0.00405),
        (-0.03274, -0.01012, 0, 0, 0, 0, 1, -0.01309, -0.00405),
    ],
    "ken-burns": [
        (0.00319, -0.0009, 0.01595, 0, 0, 0, 1.054, -0.0108, 0.00304),
        (0.0085, -0.00239, 0.04252, 0, 0, 0, 1.144, -0.0288, 0.0081),
    ],
    "handheld": [
        (-0.0106, 0.00553, -0.00144, -0.00227, -0.00004, 0.00295, 1, -0.00251, 0.00132),
        (0.01083, -0.00764, 0.00719, 0.00374, 0.00467, -0.00608, 1, 0.00243, -0.00179),
    ],
    "3d-zoom": [
        (0.01073, -0.00302, 0.07156, 0, 0, 0.01336, 1.0715, -0.01072, 0.00302),
        (0.0133, -0.00374, 0.08867, 0, 0, 0, 1.0886, -0.01329, 0.00374),
    ],
}


@pytest.mark.parametrize("name", PRESETS)
def test_pinned_poses(name):
    np.testing.assert_allclose(pose_table(name), POSES[name], atol=6e-6)


def pose_table(name):
    path = PRESETS[name].function(np.array([0.3, 0.8]), VIEW)
    turn = log_quaternion(quaternion_from_matrix(path.rotation))
    return np.concatenate([path.position, turn, path.focal_factor[:, None], path.shift], axis=1)
