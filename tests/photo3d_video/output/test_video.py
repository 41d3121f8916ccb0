"""Clips are exact in count, duration and colour; whatever goes wrong, one clear error and no half-written file."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from photo3d_video.errors import EncodeError, InputError, OutputError
from photo3d_video.output.codecs import PRESETS
from photo3d_video.output.encoding import VideoSpec
from photo3d_video.output.video import VideoWriter

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SPEC = VideoSpec(64, 48, fps=30, preset="ultrafast")
posix_only = pytest.mark.skipif(os.name == "nt", reason="stands in a shell script for ffmpeg")


def frame(i: int = 0, spec: VideoSpec = SPEC) -> np.ndarray:
    y, x = np.indices((spec.height, spec.width))
    return np.stack([x * 3 + i, y * 4, 128 + 0 * x], axis=-1).astype(np.uint8)


def write_clip(path: Path, spec: VideoSpec = SPEC, count: int = 5) -> Path:
    with VideoWriter(path, spec) as writer:
        for i in range(count):
            writer.write(frame(i, spec))
    return path


def describe(path: Path) -> str:
    """What ffmpeg says about a file."""
    return subprocess.run([FFMPEG, "-i", str(path)], capture_output=True, text=True).stderr


def decode(path: Path, spec: VideoSpec) -> np.ndarray:
    """All frames as (n, H, W, 3) uint8, by the file's own colour tags."""
    command = [FFMPEG, "-loglevel", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-vf", "scale=flags=accurate_rnd+full_chroma_int", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, spec.height, spec.width, 3)


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let a shell script play ffmpeg; the real one is `$REAL`."""
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nREAL={FFMPEG}\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != "bin")


@pytest.mark.parametrize(
    "colour", [(74, 203, 221), (255, 0, 0), (0, 255, 0), (12, 30, 200), (250, 250, 250), (3, 3, 3)]
)
def test_colours_survive(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    flat = np.full((SPEC.height, SPEC.width, 3), colour, np.uint8)
    with VideoWriter(tmp_path / "c.mp4", SPEC) as writer:
        for _ in range(3):
            writer.write(flat)
    assert np.abs(decode(tmp_path / "c.mp4", SPEC).astype(int) - colour).max() <= 3


def test_pictures_survive(tmp_path: Path) -> None:
    spec = VideoSpec(320, 180, fps=25)
    write_clip(tmp_path / "c.mp4", spec, count=3)
    for i, decoded in enumerate(decode(tmp_path / "c.mp4", spec)):
        smooth = np.s_[:, : 70 - i]  # further right, the test picture's red wraps from 255 to 0
        difference = decoded[smooth].astype(float) - frame(i, spec)[smooth]
        assert np.sqrt((difference[:40] ** 2).mean()) < 3


def test_stream_is_tagged(tmp_path: Path) -> None:
    text = describe(write_clip(tmp_path / "c.mp4", VideoSpec(64, 48, fps=30)))
    assert re.search(r"Video: h264 \(High\).*yuv420p\(tv, bt709, progressive\), 64x48", text), text


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (24, Fraction(24)),
        (29.97, Fraction(30000, 1001)),
        (30, Fraction(30)),
        (60, Fraction(60)),
        (23.976, Fraction(24000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (12.5, Fraction(25, 2)),
    ],
)
def test_exact_count_and_duration(tmp_path: Path, fps: float, rate: Fraction) -> None:
    spec = VideoSpec(64, 48, fps=fps)
    count = round(rate * 2) + 1
    text = describe(write_clip(tmp_path / "c.mp4", spec, count))
    assert spec.rate == rate
    assert imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "c.mp4"))[0] == count
    assert len(decode(tmp_path / "c.mp4", spec)) == count
    _, m, s = re.search(r"Duration: (\d+):(\d+):([\d.]+), start: 0\.0+,", text).groups()
    assert int(m) * 60 + float(s) == pytest.approx(float(count / rate), abs=0.006)
    assert float(re.search(r"([\d.]+) fps", text)[1]) == pytest.approx(float(rate), abs=0.005)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_shortest_clips(tmp_path: Path, count: int) -> None:
    assert len(decode(write_clip(tmp_path / "c.mp4", count=count), SPEC)) == count


def test_index_precedes_the_data(tmp_path: Path) -> None:
    data = write_clip(tmp_path / "c.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("name", ["with space.mp4", "a:b.mp4", "-dash.mp4", "%03d.mp4", "Grüße.MP4", "'quote\".mp4"])
@pytest.mark.parametrize("relative", [False, True])
def test_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, relative: bool) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(Path(name) if relative else tmp_path / name, count=2)
    assert names(tmp_path) == [name]


def test_frames_may_be_views_bytes_and_reused_buffers(tmp_path: Path) -> None:
    buffer = np.empty((SPEC.height, SPEC.width, 3), np.uint8)
    view = buffer[:]
    view.flags.writeable = False
    with VideoWriter(tmp_path / "c.mp4", SPEC) as writer:
        for level, form in ((20, memoryview(buffer)), (90, view), (160, buffer), (230, buffer)):
            buffer[:] = level
            writer.write(form)
        solid = np.full((48, 64, 3), 20, np.uint8).tobytes()
        writer.write(solid)
        writer.write(np.full((3, 64, 48), 90, np.uint8).transpose(2, 1, 0))
        writer.write(np.frombuffer(solid, np.uint8).reshape(48, 64, 3))
        writer.write(np.frombuffer(solid, np.uint8).reshape(64, 48, 3).transpose(1, 0, 2))
        assert writer.frames_written == 8
    levels = decode(tmp_path / "c.mp4", SPEC).mean(axis=(1, 2, 3))
    assert np.abs(levels - (20, 90, 160, 230, 20, 90, 20, 20)).max() < 3


def test_frames_that_cannot_change_are_not_copied(tmp_path: Path) -> None:
    frozen = np.full((48, 64, 3), 20, np.uint8)
    frozen.flags.writeable = False
    with VideoWriter(tmp_path / "c.mp4", SPEC) as writer:
        assert np.shares_memory(np.asarray(writer._frame_data(frozen)), frozen)
        writer.write(frozen)


@pytest.mark.skipif(sys.platform != "linux", reason="priorities are Linux's")
def test_the_encoder_gives_way_to_drawing(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "c.mp4", SPEC) as writer:
        assert writer._process is not None
        own, other = (os.getpriority(os.PRIO_PROCESS, pid) for pid in (0, writer._process.pid))
        assert other == min(own + 5, 19)
        writer.write(frame())


@pytest.mark.parametrize("bad", [np.zeros((48, 66, 3), np.uint8), np.zeros((48, 64, 3), np.float32), b"short"])
def test_wrong_frames_are_refused(tmp_path: Path, bad: np.ndarray | bytes) -> None:
    with pytest.raises(InputError, match="frame"), VideoWriter(tmp_path / "c.mp4", SPEC) as writer:
        writer.write(frame())
        writer.write(bad)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 641}, "even"),
        ({"height": 361}, "even"),
        ({"width": 0}, "too small"),
        ({"fps": 0}, "frames per second"),
        ({"fps": float("nan")}, "frames per second"),
        ({"crf": 52}, "CRF"),
        ({"preset": "quick"}, "veryfast"),
        ({"codec": "theora"}, "h264"),
    ],
)
def test_specs_that_cannot_be_encoded(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        VideoSpec(**{"width": 640, "height": 360, "fps": 30, **change})


def test_presets_exist() -> None:
    options = subprocess.run([FFMPEG, "-h", "encoder=libx264"], capture_output=True, text=True).stdout
    assert "preset" in options
    assert VideoSpec.__dataclass_fields__["preset"].default in PRESETS


def test_exception_removes_the_temporary_and_keeps_an_older_clip(tmp_path: Path) -> None:
    (tmp_path / "c.mp4").write_bytes(b"an older clip")
    with pytest.raises(ZeroDivisionError), VideoWriter(tmp_path / "c.mp4", SPEC) as writer:
        for i in range(10):
            writer.write(frame(i))
        assert names(tmp_path) == [".c.part.mp4", "c.mp4"]
        raise ZeroDivisionError
    assert names(tmp_path) == ["c.mp4"]
    assert (tmp_path / "c.mp4").read_bytes() == b"an older clip"
    write_clip(tmp_path / "c.mp4")
    assert len(decode(tmp_path / "c.mp4", SPEC)) == 5


@posix_only
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    program = (
        # A background job without job control starts with SIGINT ignored.
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from photo3d_video import VideoSpec, VideoWriter\n"
        "with VideoWriter(sys.argv[1], VideoSpec(640, 360, 30)) as writer:\n"
        "    while True:\n"
        "        writer.write(bytes(640 * 360 * 3))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "c.mp4")],
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd=Path(__file__).parents[3],
    )
    deadline = time.monotonic() + 20
    while not names(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    try:
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode != 0 and b"KeyboardInterrupt" in errors
    assert names(tmp_path) == []


def test_clip_without_frames(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="no frame"), VideoWriter(tmp_path / "c.mp4", SPEC):
        pass
    assert names(tmp_path) == []


def test_writing_outside_of_the_block(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "c.mp4", SPEC)
    with pytest.raises(EncodeError, match="with"):
        writer.write(frame())
    assert names(tmp_path) == []


def test_targets_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"must end in \.mp4, \.webm"):
        VideoWriter(tmp_path / "c.avi", SPEC)
    with pytest.raises(OutputError, match="does not exist"):
        VideoWriter(tmp_path / "missing" / "c.mp4", SPEC)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        VideoWriter(tmp_path / "folder.mp4", SPEC)


@posix_only
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="another folder"), VideoWriter(tmp_path / "c.mp4", SPEC):
            pass
    finally:
        tmp_path.chmod(0o700)


def test_name_too_long_for_the_disk(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"), VideoWriter(tmp_path / f"{'x' * 300}.mp4", SPEC):
        pass


def test_missing_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "nowhere"))
    with pytest.raises(EncodeError, match="IMAGEIO_FFMPEG_EXE"), VideoWriter(tmp_path / "c.mp4", SPEC):
        pass

    def none_found() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", none_found)
    with pytest.raises(EncodeError, match="reinstall imageio-ffmpeg"), VideoWriter(tmp_path / "c.mp4", SPEC):
        pass
    assert names(tmp_path) == []


@posix_only
@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        # Ends at once, in the middle, or at the end; with the reason on stderr.
        ("echo 'Unknown encoder libx264' >&2; exit 1", EncodeError, "Unknown encoder libx264.*IMAGEIO_FFMPEG_EXE"),
        ("head -c 100000 >/dev/null; echo 'it broke' >&2; exit 3", EncodeError, "it broke"),
        ("head -c 100000 >/dev/null; kill -9 $$", EncodeError, "exit code -9"),
        (
            "cat >/dev/null; echo 'av_interleaved_write_frame(): No space left on device' >&2; exit 228",
            OutputError,
            "disk is full",
        ),
        # Says nothing and writes nothing.
        ("cat >/dev/null", EncodeError, "came out as 0 frames of unknown size instead of 60 frames of 64x48"),
        # A flood on stderr must not block it.
        ("cat >/dev/null; for i in $(seq 20000); do echo line $i; done >&2; exit 1", EncodeError, "line 20000"),
        # The disk takes only a part of the file.
        ("trap '' XFSZ; ulimit -f 8; exec $REAL \"$@\"", EncodeError, "(File too large|came out as)"),
    ],
)
def test_failures_of_ffmpeg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: type[Exception], message: str
) -> None:
    stand_in(tmp_path, monkeypatch, script)
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    with pytest.raises(error, match=message) as caught, VideoWriter(tmp_path / "c.mp4", SPEC) as writer:
        for i in range(60):
            writer.write(np.roll(noise, i, axis=1))
    assert "c.mp4" in str(caught.value) and "\n" not in str(caught.value)
    assert names(tmp_path) == []


@posix_only
def test_failure_surfaces_while_rendering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "exit 1")
    with pytest.raises(EncodeError), VideoWriter(tmp_path / "c.mp4", SPEC) as writer:
        for _ in range(1000):
            writer.write(frame())
            time.sleep(0.005)
    assert writer.frames_written < 500


@posix_only
def test_rendering_overlaps_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, 'case "$*" in *rawvideo*) sleep 0.5;; esac; exec $REAL "$@"')
    start = time.perf_counter()
    with VideoWriter(tmp_path / "c.mp4", SPEC) as writer:
        for i in range(3):
            writer.write(frame(i))
        assert time.perf_counter() - start < 0.4
