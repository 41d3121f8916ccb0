"""The stages joined: what they promise one another, and what a run promises its caller."""

from __future__ import annotations

import json
import re
import socket
import time
import weakref
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import photo3d_video
from camera_paths import PRESETS, project
from photo3d_video import moves, pipeline, run, stages
from photo3d_video.depth.builtin import DepthMap
from photo3d_video.errors import GLUnavailableError, InputError, OutputError, Photo3DError, WeightsError
from photo3d_video.progress import STAGES, Silent, Stopwatch

SIZE = (320, 240)
BUDGET_PX = pipeline.parallax_budget_px(*SIZE, strength=1)
COVERED = 230  # of 255; what is missing to 255 is the dark rim that the eye cannot see, not a hole


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    context = pipeline.open_context()
    yield context
    context.release()


@pytest.fixture(scope="module")
def photo(two_planes) -> photo3d_video.Photo:
    return photo3d_video.photo_from_array(two_planes(*SIZE).rgb)


@pytest.fixture(scope="module")
def depth(two_planes) -> DepthMap:
    return DepthMap(two_planes(*SIZE).disparity, None, "drawn")


@pytest.fixture(scope="module")
def picture(photo, depth) -> pipeline.Picture:
    return pipeline.frame_picture(photo, depth, photo3d_video.frame_photo(*SIZE))


@pytest.fixture(scope="module")
def scene(picture):
    return pipeline.make_scene(picture, pipeline.make_layers(picture, BUDGET_PX))


def test_first_frame_is_the_photo(context, picture, scene, psnr) -> None:
    view = pipeline.make_view(picture, BUDGET_PX)
    for name, preset in PRESETS.items():
        if preset.starts_at_source:
            first = next(pipeline.render_frames(context, scene, moves.make_path(name, view, 12)))
            assert psnr(first, picture.rgb) >= 40, name


@pytest.mark.parametrize("name", PRESETS)
def test_no_path_shows_a_hole(context, picture, scene, name) -> None:
    from render.renderer import Renderer

    path = moves.make_path(name, pipeline.make_view(picture, BUDGET_PX), 10)
    with Renderer(context, scene, *SIZE) as renderer:
        for pose, factor, shift in zip(path.world_to_camera, path.focal_factor, path.shift, strict=True):
            renderer.draw(pose, float(factor), shift)
            assert renderer.read(4)[..., 3].min() >= COVERED


@pytest.mark.parametrize("name", PRESETS)
def test_every_path_moves_smoothly(context, picture, scene, name) -> None:
    path = moves.make_path(name, pipeline.make_view(picture, BUDGET_PX), 24)
    frames = np.stack(list(pipeline.render_frames(context, scene, path))).astype(np.float32)
    change = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    assert change.max() > 0.5, "it moves"
    jump = np.abs(np.diff(change)).max()
    assert jump < 8, "it does not jump"


def test_things_land_where_the_cameras_say(context, picture, scene) -> None:
    width = SIZE[0]
    path = moves.make_path("pan", pipeline.make_view(picture, BUDGET_PX), 5)
    depth = 1 / (pipeline.FAR_DISPARITY + (1 - pipeline.FAR_DISPARITY) * 0.9)
    centre = np.array([[(0.55 - 0.5) * width / picture.focal_px * depth, 0, depth]])  # of the disc
    expected = width / 2 + picture.focal_px * project(path, centre)[:, 0, 0]
    assert np.ptp(expected) > 5
    for frame, x in zip(pipeline.render_frames(context, scene, path), expected, strict=True):
        disc = frame[..., 0].astype(int) - frame[..., 2] > 90  # it is orange
        assert np.nonzero(disc)[1].mean() + 0.5 == pytest.approx(x, abs=1)


def test_frames_let_go_of_the_scene_once_the_driver_has_it(context, picture, scene) -> None:
    own = replace(scene, textures=scene.textures.copy())
    textures = weakref.ref(own.textures)
    frames = pipeline.render_frames(context, own, moves.make_path("pan", pipeline.make_view(picture, BUDGET_PX), 9))
    del own
    next(frames)
    assert textures() is None
    assert len(list(frames)) == 8


def test_same_input_same_frames(context, picture, scene) -> None:
    again = pipeline.make_scene(picture, pipeline.make_layers(picture, BUDGET_PX))
    path = moves.make_path("circle", pipeline.make_view(picture, BUDGET_PX), 3)
    for a, b in zip(
        pipeline.render_frames(context, scene, path), pipeline.render_frames(context, again, path), strict=True
    ):
        assert np.array_equal(a, b)


def test_supersampling_keeps_size_and_picture(context, picture, scene, psnr) -> None:
    path = moves.make_path("zoom-in", pipeline.make_view(picture, BUDGET_PX), 2)
    (once, _), (twice, _) = (list(pipeline.render_frames(context, scene, path, n)) for n in (1, 2))
    assert once.shape == twice.shape and psnr(once, twice) > 30


def test_picture_is_the_photo_with_scene_depth(photo, depth) -> None:
    framing = photo3d_video.frame_photo(*SIZE, size=(160, 200))
    picture = pipeline.frame_picture(photo, depth, framing)
    assert picture.rgb.shape == (200, 160, 3) and picture.rgb.dtype == np.uint8
    assert picture.disparity.min() >= pipeline.FAR_DISPARITY - 1e-6 and picture.disparity.max() <= 1
    # 53.13 degrees on the long side of the photo, enlarged by the crop.
    assert picture.focal_px == pytest.approx(320 * 200 / 240)


def test_layers_are_worked_out_at_a_bounded_size(photo, depth) -> None:
    framing = photo3d_video.frame_photo(*SIZE, size=(2560, 1920))
    picture = pipeline.frame_picture(photo, depth, framing)
    assert max(picture.disparity.shape) == pipeline.LAYERS_SIDE_PX and picture.rgb.shape == (1920, 2560, 3)
    picture = pipeline.frame_picture(photo, depth, framing, layers_side_px=200)
    assert picture.disparity.shape == (150, 200) and picture.rgb.shape == (1920, 2560, 3)


def test_depth_survives_a_file(tmp_path, photo, depth) -> None:
    pipeline.write_depth(tmp_path / "d.png", depth, photo)
    back = pipeline.read_depth(tmp_path / "d.png", photo)
    scaled = (depth.disparity - 0.2) / 0.7  # maps are spread over 0..1
    assert back.disparity.shape == depth.disparity.shape and np.abs(back.disparity - scaled).max() < 1e-3
    with pytest.raises(OutputError, match=r"\.png"):
        pipeline.write_depth(tmp_path / "d.jpg", depth, photo)


def test_budget_grows_with_strength_and_size() -> None:
    assert pipeline.parallax_budget_px(300, 400, 0) == 0
    assert pipeline.parallax_budget_px(300, 400, 1) == pytest.approx(500 * pipeline.BUDGET_SHARE)
    assert pipeline.parallax_budget_px(600, 800, 0.5) == pytest.approx(500 * pipeline.BUDGET_SHARE)
    for strength in (-0.1, 2.1, float("nan")):
        with pytest.raises(InputError, match="--strength"):
            pipeline.parallax_budget_px(300, 400, strength)


def test_a_move_is_saved_beside_its_clip(tmp_path, photo, depth) -> None:
    options = {"depth": depth, "seconds": 0.5, "preset": "ultrafast", "output": tmp_path / "c.mp4"}
    run.render_photo(photo, "zoom-in", **options, loop=True, save_path=tmp_path / "move.json")
    saved = json.loads((tmp_path / "move.json").read_text())
    assert saved["loop"] and saved["keyframes"][0]["position"] == saved["keyframes"][-1]["position"]
    for wrong in ("move.txt", "none/move.json"):
        with pytest.raises(OutputError, match="move"):
            run.render_photo(photo, "zoom-in", **options, save_path=tmp_path / wrong)


def test_loop_turns_back_what_does_not_loop(tmp_path, photo, depth, monkeypatch) -> None:
    made = []
    original = run.make_path
    monkeypatch.setattr(run, "make_path", lambda *args, **timing: made.append(original(*args, **timing)) or made[-1])
    for path, loop in (("swing", True), ("swing", False), ("arc", True), ("arc", False)):
        run.render_photo(photo, path, tmp_path / "s.png", depth=depth, seconds=0.5, still=0, loop=loop)
    swing, plain_swing, arc, plain_arc = made
    np.testing.assert_array_equal(swing.world_to_camera, plain_swing.world_to_camera)
    assert arc.loops and not plain_arc.loops


def test_focus_point(picture) -> None:
    near = pipeline.make_view(picture, BUDGET_PX, (0.55, 0.5))
    far = pipeline.make_view(picture, BUDGET_PX, (0.02, 0.02))
    found = pipeline.make_view(picture, BUDGET_PX)
    assert near.focus_depth == pytest.approx(found.focus_depth) and near.focus_depth * 2 < far.focus_depth
    with pytest.raises(InputError, match="--focus"):
        pipeline.make_view(picture, BUDGET_PX, (0.5, 1.2))


class Recorder:
    """Progress that remembers."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int | None]] = []
        self.steps: Counter[str] = Counter()

    def start(self, stage: str, total: int | None = None) -> None:
        self.stages.append((stage, total))

    def advance(self) -> None:
        self.steps[self.stages[-1][0]] += 1


def test_run_from_an_array(tmp_path, photo, depth, decode) -> None:
    recorder = Recorder()
    result = photo3d_video.render_photo(
        photo.rgb, "zoom-in", tmp_path, depth=depth, seconds=0.5, fps=10, preset="ultrafast", progress=recorder
    )
    assert result.output == tmp_path / "photo_zoom-in.mp4"
    assert (result.size, result.frames, result.fps) == (SIZE, 5, 10)
    assert set(result.seconds) == set(STAGES) and all(seconds >= 0 for seconds in result.seconds.values())
    assert set(recorder.steps) == {"layers", "render"} and recorder.steps["layers"] > 1, "each painting is a step"
    assert recorder.steps["render"] == 5 and recorder.stages[-1] == ("render", 5)
    assert [stage for stage, _ in recorder.stages] == [s for s in STAGES if s in dict(recorder.stages)]
    assert len(decode(result.output).frames) == 5


def test_no_network_is_used(tmp_path, photo, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it opened a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    photo3d_video.render_photo(photo, "pan", tmp_path, seconds=0.1, preset="ultrafast")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"path": "moonwalk"}, InputError),
        ({"easing": "wobbly"}, InputError),
        ({"size": (99, 100)}, InputError),
        ({"strength": 3}, InputError),
        ({"supersample": 0}, InputError),
        ({"crf": 60}, InputError),
        ({"output": "/proc/no/clip.mp4"}, OutputError),
        ({"output": "clip.avi"}, OutputError),
        # Nobody writes here, not even root.
        ({"output": "/proc/self/clip.mp4"}, OutputError),
        ({"output": "/proc/self/clip.png"}, OutputError),
        ({"output": "/proc/self/clip.png", "still": 0}, OutputError),
        ({"save_depth": "/proc/self/depth.png"}, OutputError),
    ],
)
def test_mistakes_are_found_before_the_slow_stages(photo, monkeypatch, arguments, error) -> None:
    def too_late(*_: object) -> DepthMap:
        raise AssertionError("depth was estimated first")

    monkeypatch.setattr(stages, "estimate_depth", too_late)
    with pytest.raises(error) as caught:
        photo3d_video.render_photo(photo, **{"output": "/tmp/clip.mp4", **arguments})
    assert isinstance(caught.value, Photo3DError) and "\n" not in str(caught.value)


def test_no_opengl_is_found_first(photo, monkeypatch) -> None:
    import moderngl

    def no_device(**_: object) -> None:
        raise Exception("requested device index 0, but found 0 devices")

    monkeypatch.setattr(moderngl, "create_context", no_device)
    with pytest.raises(GLUnavailableError, match=r"found 0 devices.*apt-get install libegl1"):
        photo3d_video.render_photo(photo)


def test_missing_weights(picture, monkeypatch, tmp_path) -> None:
    from inpaint import network_fill
    from photo3d_video.depth import builtin

    with pytest.raises(WeightsError, match="reinstall"):
        builtin.load_network(tmp_path / "depth.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0notjson!")
    with pytest.raises(WeightsError, match="reinstall"):
        builtin.load_network(tmp_path / "broken.safetensors")
    monkeypatch.setattr(network_fill, "WEIGHTS", tmp_path / "inpainting.safetensors")
    with pytest.raises(WeightsError, match="reinstall"):
        pipeline.make_layers(picture, BUDGET_PX)


def test_readme_examples_run(tmp_path, two_planes, monkeypatch, capsys) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    examples = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clips").mkdir()
    Image.fromarray(two_planes(64, 48).rgb).save("photo.jpg")
    for example in examples:
        exec(example.replace("(1080, 1350)", "(64, 80)").replace("seconds=3", "seconds=0.2"), {})
    assert {file.name for file in tmp_path.rglob("*.mp4")} == {"photo_orbit.mp4", "swing.mp4", "circle.mp4"}
    assert "photo_orbit.mp4 6 {" in capsys.readouterr().out


def test_stopwatch_charges_the_inner_stage_alone() -> None:
    watch = Stopwatch()
    with watch.stage("layers"):
        time.sleep(0.02)
        with watch.stage("fill"):
            time.sleep(0.05)
        time.sleep(0.02)
    with watch.stage("fill"):
        time.sleep(0.02)
    time.sleep(0.03)  # between stages: nobody's
    with watch.stage("mesh"), pytest.raises(ZeroDivisionError), watch.stage("render"):
        _ = 1 / 0
    assert set(watch.seconds) == set(STAGES)
    assert 0.04 <= watch.seconds["layers"] < 0.06 and 0.07 <= watch.seconds["fill"] < 0.1
    assert watch.seconds["encode"] == 0 and sum(watch.seconds.values()) < 0.15


def test_silent_progress_is_silent(capsys) -> None:
    silent = Silent()
    silent.start("render", 3)
    silent.advance()
    assert capsys.readouterr() == ("", "")
