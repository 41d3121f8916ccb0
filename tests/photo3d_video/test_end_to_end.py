"""The installed command, as its users call it: a photo in, a clip out, and nothing but one line when it cannot."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FAST = ("--seconds", "0.4", "--preset", "ultrafast")


def files_in(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_photo_becomes_a_clip(tmp_path, photo_file, command, decode, psnr) -> None:
    work = tmp_path / "work"
    work.mkdir()
    result = command(photo_file, "--seconds", "0.4", "--fps", "30", cwd=work)
    assert result.returncode == 0, result.stderr
    assert files_in(work) == {"photo_dolly-zoom.mp4"}
    assert result.stdout.count("\n") == 1
    assert "photo_dolly-zoom.mp4: 160x120, 12 frames, 0.40 s, made in" in result.stdout
    assert re.findall(r"^(?:load|depth|layers|mesh|render 12/12)$", result.stderr, re.MULTILINE)
    assert "Traceback" not in result.stderr and "warning" not in result.stderr.lower()

    clip = decode(work / "photo_dolly-zoom.mp4")
    assert clip.frames.shape == (12, 120, 160, 3)
    assert clip.fps == 30 and abs(clip.duration_s - 0.4) < 0.01
    assert "h264 (High)" in clip.description and "yuv420p(tv, bt709" in clip.description
    assert clip.frames.mean() > 40 and clip.frames.std() > 10
    photo = np.asarray(Image.open(photo_file))
    assert psnr(clip.frames[0], photo) > 28
    assert np.abs(clip.frames[0].astype(float) - clip.frames[-1]).mean() > 2
    data = (work / "photo_dolly-zoom.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "must play while it is loading"


def test_own_depth_and_every_option(tmp_path, photo_file, depth_file, command, decode) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    options = (
        *("--path", "swing", "--depth", depth_file, "--seconds", "0.5", "--fps", "24", "--strength", "1.5"),
        *("--size", "96x128", "--focus", "0.5,0.4", "--easing", "sine", "--reverse", "--boomerang"),
        *("--start-still", "0.125", "--crf", "12", "--preset", "ultrafast", "--supersample", "2", "--fill", "fast"),
        *("--max-size", "150", "--save-depth", tmp_path / "out.png", "--timings", "-o", clips),
    )
    result = command(photo_file, *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    clip = decode(clips / "photo_swing.mp4")
    assert clip.frames.shape == (12, 128, 96, 3) and clip.fps == 24
    still = clip.frames[:3].astype(float)
    assert np.abs(still - still[0]).mean() < 1 < np.abs(clip.frames[6] - still[0]).mean()
    with Image.open(tmp_path / "out.png") as depth:
        assert depth.mode == "I;16" and depth.size == (150, 112)
    for stage in ("load", "depth", "layers", "fill", "mesh", "render", "encode"):
        assert re.search(rf"^{stage} +\d+\.\d\d s$", result.stdout, re.MULTILINE)


def test_white_as_far_turns_the_depth_around(tmp_path, photo_file, depth_file, command, decode) -> None:
    clips = []
    for flags in ((), ("--depth-far-is-white",)):
        out = tmp_path / f"clip{len(clips)}.mp4"
        result = command(
            photo_file, *FAST, "--path", "pan", "--depth", depth_file, *flags, "-o", out, "-q", cwd=tmp_path
        )
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        clips.append(decode(out).frames.astype(float))
    assert np.abs(clips[0] - clips[1]).mean() > 3


def test_path_file(tmp_path, photo_file, depth_file, command, decode) -> None:
    moves = tmp_path / "my moves.json"
    moves.write_text(
        '{"version": 1, "keyframes": [{"time": 0, "position": [0, 0, 0]}, {"time": 0.5, "position": [0.8, 0, 0]}]}'
    )
    result = command(photo_file, "--path", moves, "--depth", depth_file, "--preset", "ultrafast", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    clip = decode(tmp_path / "photo_my moves.mp4")
    assert len(clip.frames) == 15, "the path file's own length at 30 frames per second"
    assert np.abs(clip.frames[0].astype(float) - clip.frames[-1]).mean() > 2


def test_names_that_a_terminal_cannot_show(tmp_path, photo_file, depth_file, command) -> None:
    odd = photo_file.rename(photo_file.with_name("-\udcff ü [bold]:1.png"))
    result = command("--depth", depth_file, *FAST, "-o", tmp_path, "--", odd, cwd=odd.parent)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "-\udcff ü [bold]:1_dolly-zoom.mp4").is_file()


def broken(photo: Path, kind: str) -> Path:
    file = photo.with_name(f"{kind}.jpg")
    match kind:
        case "text":
            file.write_text("no picture\n" * 50)
        case "empty":
            file.touch()
        case "truncated":
            Image.open(photo).resize((640, 480)).save(file)
            file.write_bytes(file.read_bytes()[:4000])
        case "tiny":
            Image.new("RGB", (8, 8)).save(file)
    return file


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "truncated", "tiny"])
def test_bad_photos(tmp_path, photo_file, command, kind) -> None:
    refuses(command, tmp_path, broken(photo_file, kind), says=f"{kind}.jpg")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--path", "moonwalk"], "moonwalk"),
        (["--path", "none.json"], "none.json"),
        (["--easing", "wobbly"], "ease-in-out"),
        (["--size", "101x100"], "even"),
        (["--strength", "9"], "--strength 9"),
        (["--seconds", "0"], "--seconds 0"),
        (["--fps", "0"], "--fps 0"),
        (["--preset", "warp"], "ultrafast"),
        (["--crf", "77"], "77"),
        (["--max-size", "3"], "3 px"),
        (["--start-still", "9", "--seconds", "1"], "still"),
        (["--depth", "nowhere.png"], "nowhere.png"),
        (["-o", "no/such/folder/clip.mp4"], "no/such/folder"),
        (["-o", "/proc/clip.mp4"], "/proc/clip.mp4"),
        (["-o", "clip.avi"], ".mp4"),
    ],
)
def test_bad_arguments(tmp_path, photo_file, command, depth_file, arguments, says) -> None:
    if "--depth" not in arguments:
        arguments = [*arguments, "--depth", str(depth_file)]  # spares the network
    refuses(command, tmp_path, photo_file, *arguments, says=says)


def refuses(command, tmp_path: Path, *arguments: str | Path, says: str) -> None:
    """It fails with one line that `says` what is wrong, and leaves no file."""
    work = tmp_path / "work"
    work.mkdir()
    before = files_in(tmp_path)
    result = command(*arguments, "-q", cwd=work)
    assert result.returncode == 1
    assert re.fullmatch(r"render-3dphoto: error: .+\n", result.stderr), result.stderr
    assert says in result.stderr and "this is a bug" not in result.stderr
    assert result.stdout == ""
    assert files_in(tmp_path) == before


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_being_stopped_leaves_nothing(tmp_path, photo_file, depth_file, command, sent, code) -> None:
    work = tmp_path / "work"
    work.mkdir()
    with command.popen(photo_file, "--depth", depth_file, "--seconds", "300", "-q", cwd=work) as process:
        deadline = time.monotonic() + 60
        while not files_in(work):
            assert process.poll() is None and time.monotonic() < deadline, "never began to write"
            time.sleep(0.02)
        process.send_signal(sent)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert files_in(work) == set()
    assert "Traceback" not in errors and errors.count("\n") <= 1


def test_an_older_clip_survives_a_failure(tmp_path, photo_file, depth_file, command) -> None:
    older = tmp_path / "photo_dolly-zoom.mp4"
    older.write_bytes(b"older")
    with command.popen(photo_file, "--depth", depth_file, "--seconds", "300", "-q", cwd=tmp_path) as process:
        deadline = time.monotonic() + 60
        while not any(file.name.startswith(".") for file in tmp_path.iterdir()):
            assert process.poll() is None and time.monotonic() < deadline, "never began to write"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert older.read_bytes() == b"older"
