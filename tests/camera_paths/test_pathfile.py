import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from camera_paths import (
    PRESETS,
    CameraPath,
    PathError,
    View,
    camera_path,
    fit_to_budget,
    load_path_file,
    project,
    reach_px,
    relative_parallax_px,
    save_path_file,
)
from camera_paths.camera import rigid_transforms
from camera_paths.pathfile import load_keyframes
from camera_paths.rotation import matrix_from_angles

VIEW = View(800, 600, focal_px=800.0, budget_px=60.0, focus_depth=2.0, focus_xy=(0.4, 0.6))

TWO = [{"time": 0, "position": [0, 0, 0]}, {"time": 2, "position": [1, 0, 0]}]


@pytest.fixture
def write(tmp_path):
    def write(keyframes=TWO, **settings):
        file = tmp_path / "moves.json"
        file.write_text(json.dumps({"version": 1, "keyframes": keyframes} | settings))
        return file

    return write


def with_second(**changes):
    return [TWO[0], TWO[1] | changes]


def assert_same_cameras(path, expected):
    np.testing.assert_allclose(path.world_to_camera, expected.world_to_camera, atol=1e-6)
    np.testing.assert_allclose(path.focal_factor, expected.focal_factor, atol=1e-6)
    np.testing.assert_allclose(path.shift, expected.shift, atol=1e-6)
    assert path.loops == expected.loops


def test_positions_are_in_units_of_the_budget(write):
    preset = load_path_file(write())
    assert preset.default_seconds == 2
    path = camera_path(preset, VIEW, 5)
    assert relative_parallax_px(path, VIEW)[-1] == pytest.approx(VIEW.budget_px)
    np.testing.assert_allclose(path.position[2], [0.5 * 60 / 800, 0, 0])
    np.testing.assert_array_equal(path.world_to_camera[0], np.eye(4))


def test_positions_can_be_in_scene_units(write):
    path = camera_path(load_path_file(write(units="scene")), VIEW, 5)
    np.testing.assert_allclose(path.position[-1], [1, 0, 0])


def test_rotation_is_yaw_pitch_roll_in_degrees(write):
    keyframes = with_second(position=[0, 0, 0], rotation=[10, 0, 0], focal_factor=2, shift=[0.1, 0.2])
    path = camera_path(load_path_file(write(keyframes)), VIEW, 2)
    moved = project(path, np.array([[0.0, 0.0, 1.0]]))[-1, 0]
    np.testing.assert_allclose(moved, [-2 * math.tan(math.radians(10)) + 0.1, 0.2])


def test_look_at_keeps_its_point_in_the_centre_all_the_way(write):
    keyframes = [entry | {"look_at": [0.1, -0.2, 3]} for entry in TWO]
    path = camera_path(load_path_file(write(keyframes, units="scene")), VIEW, 7)
    np.testing.assert_allclose(project(path, np.array([[0.1, -0.2, 3.0]])), 0, atol=1e-12)
    # Level: a camera's x axis has no vertical part.
    np.testing.assert_allclose(path.rotation[:, 0, 1], 0, atol=1e-12)


@pytest.mark.parametrize("target", [[0, 5, 0], [0, 0, 0]])
def test_look_at_that_leaves_the_horizon_undefined_is_refused(write, target):
    preset = load_path_file(write([{"time": 0, "position": [0, 0, 0], "look_at": target}]))
    with pytest.raises(PathError, match="look_at"):
        camera_path(preset, VIEW, 1)


def test_one_keyframe_stands_still(write):
    preset = load_path_file(write(TWO[1:]))
    assert preset.default_seconds == 0
    np.testing.assert_allclose(camera_path(preset, VIEW, 3).position, np.tile([0.075, 0, 0], (3, 1)))


def test_looping_file_leaves_out_the_doubled_frame(write):
    path = camera_path(load_path_file(write([*TWO, TWO[0] | {"time": 4}], loop=True)), VIEW, 4)
    assert path.loops
    np.testing.assert_allclose(path.position[:, 0] * 800 / 60, [0, 0.5, 1, 0.5])


def test_excessive_user_path_can_be_fitted(write):
    path, factor = fit_to_budget(camera_path(load_path_file(write(with_second(position=[5, 2, -3]))), VIEW, 9), VIEW)
    assert 0 < factor < 0.5
    assert relative_parallax_px(path, VIEW).max() <= VIEW.budget_px + 1e-5
    assert reach_px(path, VIEW).max() <= VIEW.budget_px + 1e-5


@pytest.mark.parametrize("name", PRESETS)
def test_saved_preset_loads_as_the_same_cameras(name, tmp_path):
    file = tmp_path / "saved.json"
    expected = camera_path(name, VIEW, 23)
    save_path_file(file, expected, duration_s=23 / 30)
    preset = load_path_file(file)
    assert preset.default_seconds == pytest.approx(23 / 30)
    assert_same_cameras(camera_path(preset, VIEW, 23), expected)
    assert list(tmp_path.iterdir()) == [file]


@given(seed=st.integers(0, 2**32 - 1), loops=st.booleans(), n=st.integers(1, 6))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_saved_wild_path_loads_as_the_same_cameras(tmp_path, seed, loops, n):
    rng = np.random.default_rng(seed)
    rotation = matrix_from_angles(rng.uniform(-np.pi, np.pi, (n, 3)))
    expected = CameraPath(
        rigid_transforms(rotation, rng.normal(size=(n, 3))), rng.uniform(0.3, 3, n), rng.normal(size=(n, 2)), loops
    )
    save_path_file(tmp_path / "wild.json", expected, duration_s=1.0)
    assert_same_cameras(camera_path(load_path_file(tmp_path / "wild.json"), VIEW, n), expected)


def test_focus_is_kept_with_or_without_a_depth(write):
    assert load_keyframes(write()).focus is None
    keys = load_keyframes(write([TWO[0] | {"focus": [0.25, 1]}, TWO[1] | {"focus": [0.75, 0, 3]}]))
    np.testing.assert_array_equal(keys.focus, [[0.25, 1, np.nan], [0.75, 0, 3]])
    curve = keys.curve(keys.focus[:, :2], np.linspace(0, 1, 101))
    np.testing.assert_array_equal(curve[[0, 50, 100]], [[0.25, 1], [0.5, 0.5], [0.75, 0]])
    assert np.abs(np.diff(curve, 2, axis=0)).max() < 2e-3, "starts, runs and ends without a jerk"
    looping = [TWO[0] | {"focus": [0.5, 0.5]}, TWO[1] | {"focus": [1, 1]}, TWO[0] | {"time": 4, "focus": [0.5, 0.5]}]
    assert load_keyframes(write(looping, loop=True)).loops


def test_saved_focus_loads_as_it_was(tmp_path):
    path = camera_path("circle", VIEW, 6)
    focus = np.random.default_rng(1).uniform([0, 0, 1], [1, 1, 9], (6, 3))
    save_path_file(tmp_path / "a.json", path, 1.0, focus)
    keys = load_keyframes(tmp_path / "a.json")
    np.testing.assert_allclose(keys.focus, focus[[*range(6), 0]], atol=1e-8)


@pytest.mark.parametrize("duration_s", [0.0, math.nan, math.inf])
def test_saving_needs_a_duration(tmp_path, duration_s):
    with pytest.raises(PathError, match="cannot save"):
        save_path_file(tmp_path / "a.json", camera_path("swing", VIEW, 3), duration_s)


def test_saving_into_a_missing_folder_is_one_clear_error(tmp_path):
    with pytest.raises(PathError, match=r"a\.json: cannot write the path file: No such file"):
        save_path_file(tmp_path / "missing" / "a.json", camera_path("swing", VIEW, 3), 1.0)


@pytest.mark.parametrize(
    ("keyframes", "changes", "message"),
    [
        (TWO, {"version": 2}, r'"version" must be 1, got 2'),
        (TWO, {"version": True}, r'"version" must be 1, got True'),
        (TWO, {"loop": 1}, r'"loop" must be true or false, got 1'),
        (TWO, {"units": "metres"}, r'"units" must be one of budget, scene, got \'metres\''),
        (TWO, {"units": ["scene"]}, r'"units" must be one of budget, scene'),
        (TWO, {"speed": 2}, r"the file: unknown key 'speed'"),
        ([], {}, r'"keyframes" must be a list of at least one keyframe'),
        ({}, {}, r'"keyframes" must be a list of at least one keyframe'),
        ([3], {}, r"keyframe 0 must be a JSON object, got 3"),
        (with_second(fov=3), {}, r"keyframe 1: unknown key 'fov'; the keys are time, position"),
        ([TWO[0], {"time": 1}], {}, r'keyframe 1: "position" is missing'),
        ([TWO[0], {"position": [0, 0, 0]}], {}, r'keyframe 1: "time" is missing'),
        (with_second(position=[0, 0]), {}, r'keyframe 1: "position" must be a list of 3 numbers.*got \[0, 0\]'),
        (with_second(position=[0, 0, "1"]), {}, r'keyframe 1: "position" must be a list of 3 numbers'),
        (with_second(position=5), {}, r'keyframe 1: "position" must be a list of 3 numbers.*got 5'),
        (with_second(position=[0, 0, math.nan]), {}, r'keyframe 1: "position" must be .*nan'),
        (with_second(position=[0, 0, 1e7]), {}, r'keyframe 1: "position" must be .*within ±1000000'),
        (with_second(time=True), {}, r'keyframe 1: "time" must be a number'),
        (with_second(time=[2]), {}, r'keyframe 1: "time" must be a number'),
        (with_second(time=0), {}, r'keyframe 1: "time" must be at least 0.001 s after that of keyframe 0'),
        (with_second(focal_factor=0), {}, r'keyframe 1: "focal_factor" must be 0.01 to 100.0, got 0.0'),
        (with_second(shift=[1, 2, 3]), {}, r'keyframe 1: "shift" must be a list of 2 numbers'),
        (with_second(look_at=[0, 0, 1]), {}, r'keyframe 1: give "look_at" in every keyframe or in none'),
        (with_second(look_at=[0, 0, 1], rotation=[0, 0, 0]), {}, r'keyframe 1: give "look_at" or "rotation", not both'),
        (with_second(focus=[0.5, 0.5]), {}, r'keyframe 1: give "focus" in every keyframe or in none'),
        *(
            (
                [TWO[0] | {"focus": [0.5, 0.5]}, TWO[1] | {"focus": wrong}],
                {},
                r'keyframe 1: "focus" must be \[x, y\] or',
            )
            for wrong in ([0.5], [0.5, 1.1], [-0.1, 0.5], [0, 0, 0], [0, 0, 1, 1], [0, True], ["0", 0], 0.5, None, {})
        ),
        (
            [TWO[0] | {"focus": [0.5, 0.5]}, TWO[0] | {"time": 1, "focus": [0.5, 0.4]}],
            {"loop": True},
            r"keyframe 1: a looping path must end as it begins",
        ),
        (TWO, {"loop": True}, r"keyframe 1: a looping path must end as it begins"),
        (TWO[:1], {"loop": True}, r"keyframe 0: a looping path must end as it begins"),
    ],
)
def test_mistakes_are_named_with_file_keyframe_and_key(write, keyframes, changes, message):
    file = write(keyframes, **changes)
    with pytest.raises(PathError, match=message) as caught:
        load_path_file(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe\x00", b"[" * 100_000, b"1" * 10_000, b'{"version": 1e999}', b'{"\\ud800": 1}'],
)
def test_other_content_is_refused(tmp_path, content):
    (tmp_path / "moves.json").write_bytes(content)
    with pytest.raises(PathError, match=r"moves\.json: ") as caught:
        load_path_file(tmp_path / "moves.json")
    # Also printable where the file holds what is not text.
    str(caught.value).encode("utf-8")


def test_byte_order_mark_is_accepted(tmp_path):
    (tmp_path / "moves.json").write_text(json.dumps({"version": 1, "keyframes": TWO}), encoding="utf-8-sig")
    assert load_keyframes(tmp_path / "moves.json").duration_s == 2


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(PathError, match=r"nowhere\.json: cannot read the path file: No such file"):
        load_path_file(tmp_path / "nowhere.json")
    with pytest.raises(PathError, match="cannot read the path file"):
        load_path_file(tmp_path)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
numbers = st.lists(st.floats(-9, 9) | st.integers(-9, 9), min_size=3, max_size=3) | anything
keyframe = st.fixed_dictionaries(
    {"time": st.floats(0, 9) | anything, "position": numbers},
    optional={
        "look_at": numbers,
        "rotation": numbers,
        "focal_factor": st.floats(0.1, 9) | anything,
        "shift": anything,
        "focus": st.lists(st.floats(-0.1, 1.1) | anything, min_size=1, max_size=4) | anything,
    },
)
near_misses = st.fixed_dictionaries(
    {"version": st.just(1), "keyframes": st.lists(keyframe, max_size=3) | anything},
    optional={"loop": st.booleans() | anything, "units": st.sampled_from(["budget", "scene"]) | anything},
).map(lambda content: json.dumps(content).encode())


@given(st.binary(max_size=60) | anything.map(lambda content: json.dumps(content).encode()) | near_misses)
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_bytes_cause_anything_but_a_path_error(tmp_path, content):
    (tmp_path / "fuzz.json").write_bytes(content)
    try:
        camera_path(load_path_file(tmp_path / "fuzz.json"), VIEW, 4)
        focus = load_keyframes(tmp_path / "fuzz.json").focus
        assert focus is None or ((focus[:, :2] >= 0) & (focus[:, :2] <= 1)).all()
    except PathError as error:
        assert "\n" not in str(error)
