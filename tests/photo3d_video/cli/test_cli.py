"""The command's arguments, messages, progress and doctor, without rendering."""

from __future__ import annotations

import inspect
import io
import logging
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import rich.console

from camera_paths import EASINGS, PRESETS
from inpaint.fill import FILLS
from photo3d_video import InputError, RenderResult, run
from photo3d_video.cli import batch_options as cli_batch
from photo3d_video.cli import clip_options as cli_clip
from photo3d_video.cli import command as cli
from photo3d_video.cli import console, doctor
from photo3d_video.output.codecs import CODECS, CONTAINERS
from photo3d_video.output.formats import DEFAULT_FPS
from photo3d_video.progress import STAGES

HEAVY = {"numpy", "cv2", "torch", "scipy", "PIL", "moderngl", "rich"}
NOT_FOR_RENDERING = {"timings", "quiet", "verbose", "debug", "depth_only"}


@pytest.mark.parametrize(
    ("argument", "allowed"), [("--help", set()), ("--version", set()), ("--list-paths", {"numpy"})]
)
def test_quick_answers_import_nothing_heavy(argument: str, allowed: set[str]) -> None:
    program = (
        "import sys; from photo3d_video.cli.command import main\n"
        f"try: main([{argument!r}])\n"
        f"except SystemExit as stop: print('heavy:', sorted({HEAVY - allowed!r} & set(sys.modules)), stop.code)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert result.stdout.endswith("heavy: [] 0\n"), result.stdout + result.stderr


def parse(*arguments: str) -> dict[str, object]:
    return vars(cli.make_parser().parse_args(arguments))


def parameters_of_render_photo() -> set[str]:
    return set(inspect.signature(run.render_photo).parameters) - {"photo", "progress", "studio"}


def test_options_are_the_parameters_of_render_photo() -> None:
    answers = {"help", "version", "list_paths", "list_depth_models", "doctor", "clear_cache"}
    options = {action.dest for action in cli.make_parser()._actions} - answers
    assert options - NOT_FOR_RENDERING - set(cli_batch.OPTIONS) - {"photos"} == parameters_of_render_photo()


def test_what_is_not_given_is_not_passed_on() -> None:
    assert parse("a.jpg") == {"photos": ["a.jpg"]}
    given = parse(
        *("a.jpg", "--path", "swing", "-o", "x.mp4", "--depth", "d.png", "--depth-far-is-white", "--seconds", "2.5"),
        *("--fps", "24", "--strength", "0.5", "--size", "1080x1920", "--focus", "0.25,1", "--easing", "sine"),
        *("--reverse", "--boomerang", "--start-still", "1", "--crf", "20", "--preset", "slow", "--hardware", "--loop"),
        *("--supersample", "2", "--preview", "--depth-model", "built-in", "--download", "--no-cache"),
        *("--dof", "0.5", "--focus-pull", "1,0.5", "--vignette"),
        *("--for", "reels", "--aspect", "4:5", "--resolution", "4k", "--codec", "av1", "--audio", "a.mp3"),
        *("--stereo", "sbs", "--still", "50%", "--thumbnail", "--contact-sheet", "--save-path", "m.json"),
        *("--fill", "fast", "--fill-model", "lama.onnx", "--max-size", "2000", "--save-depth", "out.PNG"),
        *("--save-depth-preview", "colours.png", "--timings", "-q", "-vv", "--debug"),
    )
    assert set(given) >= parameters_of_render_photo(), "none is left out here"
    assert given == {
        "photos": ["a.jpg"], "path": "swing", "output": "x.mp4", "depth": "d.png", "far_is_white": True, "seconds": 2.5,
        "fps": 24.0, "strength": 0.5, "size": (1080, 1920), "focus_xy": (0.25, 1.0), "easing": "sine", "reverse": True,
        "boomerang": True, "start_still_s": 1.0, "crf": 20, "preset": "slow", "supersample": 2, "fill": "fast",
        "destination": "reels", "aspect": "4:5", "resolution": "4k", "codec": "av1", "audio": "a.mp3", "stereo": "sbs",
        "still": "50%", "thumbnail": True, "contact_sheet": True, "hardware": True, "loop": True, "save_path": "m.json",
        "dof": 0.5, "focus_pull": (1.0, 0.5), "vignette": 1.0, "preview": True, "depth_model": "built-in",
        "download": True, "cache": False, "fill_model": "lama.onnx", "save_depth_preview": "colours.png",
        "max_size": 2000, "save_depth": "out.PNG", "timings": True, "quiet": True, "verbose": 2, "debug": True,
    }  # fmt: skip


def test_help_states_the_real_defaults() -> None:
    text = " ".join(cli.make_parser().format_help().split())
    parameters = inspect.signature(run.render_photo).parameters
    for option, name in {
        "path": "path", "strength": "strength", "preset": "preset", "supersample": "supersample",
    }.items():  # fmt: skip
        stated = re.search(rf" --{option} [A-Z]+ [^()]*\(default ([\w-]+)\)", text)
        assert stated is not None, option
        assert stated[1] == str(parameters[name].default).removesuffix(".0")
    assert f"(default {DEFAULT_FPS:g}; GIF {CONTAINERS['.gif'].default_fps:g})" in text
    assert f"(default {CODECS['h264'].default_crf} for h264)" in text
    assert f"(default {run.DEFAULT_MAX_SIZE})" in text
    assert "network (the default)" in text and parameters["fill"].default == "network"


@pytest.mark.parametrize("option", ["--for", "--aspect", "--resolution", "--codec", "--stereo"])
def test_choices_are_refused_with_their_names(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["a.jpg", option, "nonsense"])
    assert stop.value.code == 2 and "choose from" in capsys.readouterr().err


def test_fills_are_those_of_the_table() -> None:
    assert set(cli_clip.FILLS) == set(FILLS)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "PHOTO"),
        (["a.jpg", "--jobs", "0"], "processes"),
        (["a.jpg", "--overwrite", "--skip-existing"], "not allowed"),
        (["a.jpg", "--sparkle"], "--sparkle"),
        (["a.jpg", "--size", "1080"], "1080x1920"),
        (["a.jpg", "--size", "-4x4"], "--size"),
        (["a.jpg", "--focus", "0.5"], "0.5,0.4"),
        (["a.jpg", "--focus", "1.5,0"], "0 to 1"),
        (["a.jpg", "--seconds", "nan"], "not a number"),
        (["a.jpg", "--fps", "inf"], "not a number"),
        (["a.jpg", "--crf", "1.5"], "whole number"),
        (["a.jpg", "--supersample", "3"], "invalid choice"),
        (["--dof", "a.jpg"], "'a.jpg' is not a number"),
        (["a.jpg", "--dof", "nan"], "'nan' is not a number"),
        (["a.jpg", "--vignette", "much"], "'much' is not a number"),
        (["a.jpg", "--focus-pull", "2,0"], "'2,0' is not a point"),
        (["a.jpg", "--fill", "magic"], "invalid choice"),
        (["a.jpg", "--save-depth", "d.jpg"], ".png"),
        (["a.jpg", "--stren", "1"], "--stren"),
    ],
)
def test_usage_errors_exit_with_2(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("render-3dphoto: error: ") and says in last


def test_list_paths_names_every_path_and_easing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--list-paths"])
    assert stop.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    for name, preset in PRESETS.items():
        assert any(line.startswith(f"{name} ") and preset.description.split()[0] in line for line in lines)
    assert lines[-1] == f"easings: {', '.join(EASINGS)}"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (InputError("two\nlines"), "two lines"),
        (ImportError("libGL.so.1: cannot open shared object file"), "--doctor"),
        (MemoryError(), "--max-size"),
        (KeyError("x"), "this is a bug"),
    ],
)
def test_any_error_is_one_line(monkeypatch, capsys: pytest.CaptureFixture[str], error: Exception, says: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("photo3d_video.render_photo", fail, raising=False)
    assert cli.main(["a.jpg"]) == 1
    text = capsys.readouterr().err
    assert re.fullmatch(r"render-3dphoto: error: .+\n", text) and says in text
    with pytest.raises(type(error)):
        cli.main(["a.jpg", "--debug"])


RESULT = RenderResult(Path("a [b].mp4"), (640, 480), 60, 30.0, dict.fromkeys(STAGES, 0.5))


def test_a_single_run_may_be_told_to_overwrite(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr("photo3d_video.render_photo", lambda **options: asked.append(options) or RESULT, raising=False)
    assert cli.main(["a.jpg", "--overwrite", "-o", "there.mp4", "-q"]) == 0
    assert [(options["photo"], options["output"]) for options in asked] == [("a.jpg", "there.mp4")]
    assert "overwrite" not in asked[0]


@pytest.fixture(autouse=True)
def _restored_warnings():
    with warnings.catch_warnings():
        yield


def test_result_and_timings(capsys: pytest.CaptureFixture[str]) -> None:
    loud, quiet = console.Console(), console.Console(quiet=True)
    loud.report(RESULT)
    loud.report_timings([RESULT, RESULT])
    quiet.report(RESULT)
    output = capsys.readouterr()
    assert output.err == ""
    first, *rest = output.out.splitlines()
    assert first == "a [b].mp4: 640x480, 60 frames, 2.00 s, made in 3.5 s"
    assert [line.split() for line in rest] == [[stage, "1.00", "s"] for stage in STAGES]  # of both together


def test_log_lines_follow_the_verbosity(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("inpaint.some_module")
    shown = {}
    for name, options in {"quiet": {"quiet": True}, "usual": {}, "v": {"verbosity": 1}, "vv": {"verbosity": 2}}.items():
        with console.Console(**options):
            log.debug("a debug")
            log.info("an info")
            log.warning("a [warning] %s", "x" * 200)
        shown[name] = capsys.readouterr().err.splitlines()
    log.info("after")
    warning = f"warning: a [warning] {'x' * 200}"
    assert shown == {
        "quiet": [], "usual": [warning], "v": ["an info", warning], "vv": ["a debug", "an info", warning],
    }  # fmt: skip
    assert capsys.readouterr().err == ""


def play(progress: console.StageProgress) -> None:
    progress.start("depth")
    progress.start("layers")
    for _ in range(3):
        progress.advance()
    progress.start("render", 10)
    for _ in range(10):
        progress.advance()


def test_plain_progress_is_a_few_lines() -> None:
    out = io.StringIO()
    play(console.PlainLines(rich.console.Console(file=out)))
    assert out.getvalue().split("\n") == [
        *("depth", "layers", "render 3/10", "render 5/10", "render 8/10", "render 10/10", ""),
    ]


@pytest.mark.parametrize("finished", [True, False])
def test_bars_show_stages_and_counts(finished: bool) -> None:
    out = io.StringIO()
    bars = console.Bars(rich.console.Console(file=out, force_terminal=True, width=100))
    bars.show()
    play(bars)
    if not finished:
        bars.start("encode")
    bars.hide(finished)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert "✓ depth" in text and "10/10" in text and re.search(r"✓ layers.* 3/3 ", text)
    assert ("✓ encode" in text) is False


def test_doctor_here(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--doctor"])
    out = capsys.readouterr().out
    assert stop.value.code == 0, out
    assert out.endswith("Ready.\n")
    for word in ("OpenGL", "EGL", "ffmpeg", "libx264", "sha256", "torch", "CUDA", "prores", "--hardware"):
        assert word in out


def test_doctor_names_the_cure(monkeypatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from render.errors import RenderError

    def no_context() -> None:
        raise RenderError("no offscreen\nOpenGL")

    def no_library() -> None:
        raise ImportError("libEGL.so.1: cannot open shared object file")

    poor_ffmpeg = tmp_path / "ffmpeg"
    poor_ffmpeg.write_text("#!/bin/sh\necho ffmpeg version 1.0\n")
    poor_ffmpeg.chmod(0o755)
    cut_off = tmp_path / "depth.safetensors"
    cut_off.write_bytes(b"\xff" * 100)

    monkeypatch.setattr("render.renderer.create_context", no_context)
    monkeypatch.setattr("photo3d_video.depth.builtin.WEIGHTS", tmp_path / "none")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(poor_ffmpeg))
    assert doctor.main() == 1
    out = capsys.readouterr().out
    assert "fix: on Debian or Ubuntu: apt-get install libegl1" in out
    assert "h265 (libx265)" in out and "no encoder for --hardware" in out
    assert "without libx264" in out and f"{tmp_path / 'none'} does not exist" in out
    assert "Not ready: depth, ffmpeg, OpenGL." in out

    monkeypatch.setattr("render.renderer.create_context", no_library)
    monkeypatch.setattr("photo3d_video.depth.builtin.WEIGHTS", cut_off)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "no-ffmpeg"))
    findings = {finding.name: finding for finding in doctor.examine()}
    assert "libegl1" in findings["OpenGL"].fix
    assert findings["depth"].fix == doctor.REINSTALL
    assert "IMAGEIO_FFMPEG_EXE" in findings["ffmpeg"].fix
    assert not findings["torch"].fix and not findings["encoders"].fix and not findings["hardware"].fix


def test_the_process_ends_with_the_code_and_all_that_was_said(tmp_path: Path, command) -> None:
    done = command("none.jpg", cwd=tmp_path)
    assert done.returncode == cli.EXIT_FAILED and done.stdout == ""
    assert done.stderr.endswith("\n") and "none.jpg" in done.stderr.splitlines()[-1]
    listed = command("--list-paths", cwd=tmp_path)
    assert listed.returncode == 0 and "easings: " in listed.stdout.splitlines()[-1]
