"""Every kind of file, decoded: size, count, rate, duration, colour and its tags, loop, sound; and what is refused."""

from __future__ import annotations

import re
import subprocess
import wave
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from photo3d_video.errors import InputError, OutputError
from photo3d_video.output.codecs import CODECS, CONTAINERS, find_codec, h264_level, usual_extension, written_path
from photo3d_video.output.encoding import VideoSpec
from photo3d_video.output.ffmpeg import Soundtrack
from photo3d_video.output.video import VideoWriter

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
WIDTH, HEIGHT, FPS, COUNT = 160, 120, 10, 8
TAGGED = "(tv, bt709, progressive)"
KINDS = [(extension, codec) for extension, container in CONTAINERS.items() for codec in container.codecs]
VIDEOS = [kind for kind in KINDS if kind[0] not in {".gif", ".webp", ".png"}]
SAYS = {
    "h264": "h264 (High)", "h265": "hevc (Main)", "av1": "av1", "vp9": "vp9 (Profile 0)", "prores": "prores (HQ)",
}  # fmt: skip


def frame(i: int) -> np.ndarray:
    """A soft picture that moves by 4 px per frame."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    x = x + 4 * i
    return np.stack([128 + 90 * np.sin(x / 25), 128 + 60 * np.cos(y / 19), 150 + 0 * x], -1).astype(np.uint8)


def write(path: Path, codec: str, count: int = COUNT, still: bool = False, **options: object) -> Path:
    spec = VideoSpec(WIDTH, HEIGHT, FPS, codec=codec, preset="superfast", **options)
    with VideoWriter(path, spec) as writer:
        for i in range(count):
            writer.write(frame(0 if still else i))
    return writer.written


def describe(path: Path) -> str:
    return subprocess.run([FFMPEG, "-i", str(path)], capture_output=True, text=True).stderr


def decode(path: Path) -> np.ndarray:
    command = [FFMPEG, "-loglevel", "error", "-i", str(path), "-map", "0:v:0", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    raw = subprocess.run([*command, "-fps_mode", "passthrough", "-"], capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)


def seconds_of(text: str) -> float:
    hours, minutes, seconds = re.search(r"Duration: (\d+):(\d+):([\d.]+)", text).groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def error_rms(frames: np.ndarray) -> float:
    return float(np.sqrt(np.mean([(a.astype(float) - frame(i)) ** 2 for i, a in enumerate(frames)])))


@pytest.mark.parametrize(("extension", "codec"), VIDEOS)
def test_videos(tmp_path: Path, extension: str, codec: str) -> None:
    path = write(tmp_path / f"clip{extension}", codec)
    text = describe(path)
    assert SAYS[codec] in text and f"{WIDTH}x{HEIGHT}" in text
    assert re.search(r"\((?:tv, )?bt709(?:, progressive)?\)", text), text
    assert f" {FPS} fps" in text and seconds_of(text) == pytest.approx(COUNT / FPS, abs=0.02)
    frames = decode(path)
    assert len(frames) == COUNT and error_rms(frames) < 5
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_apple_knows_hevc_by_its_tag(tmp_path: Path) -> None:
    assert "(hvc1 /" in describe(write(tmp_path / "clip.mp4", "h265"))


@pytest.mark.parametrize("extension", [".gif", ".webp"])
@pytest.mark.parametrize("still", [False, True])
def test_animations(tmp_path: Path, extension: str, still: bool) -> None:
    with Image.open(write(tmp_path / f"clip{extension}", extension[1:], still=still)) as picture:
        assert picture.size == (WIDTH, HEIGHT)
        if still and extension == ".webp":  # equal frames are joined, here into a picture
            assert getattr(picture, "n_frames", 1) == 1
            return
        assert picture.info["loop"] == 0 and (picture.n_frames == COUNT or still)
        shown_ms, frames = 0, []
        for number in range(picture.n_frames):
            picture.seek(number)
            frames.append(np.asarray(picture.convert("RGB")))
            shown_ms += picture.info["duration"]
    assert shown_ms == pytest.approx(1000 * COUNT / FPS, abs=1)
    assert still or error_rms(np.stack(frames)) < 8


def test_numbered_pictures(tmp_path: Path) -> None:
    folder = write(tmp_path / "100% clip.png", "png")
    assert folder == written_path(tmp_path / "100% clip.png") == tmp_path / "100% clip"
    assert sorted(p.name for p in folder.iterdir()) == [f"{i:05d}.png" for i in range(1, COUNT + 1)]
    for i, file in enumerate(sorted(folder.iterdir())):
        with Image.open(file) as picture:
            assert np.array_equal(np.asarray(picture), frame(i))
    write(tmp_path / "100% clip.png", "png", count=3)
    assert len(list(folder.iterdir())) == 3, "a second clip takes the place of the first"
    (folder / "mine.txt").write_text("keep me")
    with pytest.raises(OutputError, match="other files"):
        write(tmp_path / "100% clip.png", "png")
    assert len(list(folder.iterdir())) == 4


def test_numbered_pictures_are_all_or_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        VideoWriter(tmp_path / "c.png", VideoSpec(64, 48, 10, codec="png")) as writer,
    ):
        writer.write(bytes(64 * 48 * 3))
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "pixels"),
    [
        ((".mp4", "h264"), "h264 (High 4:4:4 Predictive).*yuv444p(?!10)"),
        ((".mp4", "h265"), "yuv444p"),
        ((".webm", "vp9"), "vp9 .Profile 1.*yuv444p"),
        ((".mov", "prores"), "prores .4444.*yuv444p1"),
    ],
)
def test_full_chroma(tmp_path: Path, kind: tuple[str, str], pixels: str) -> None:
    text = describe(write(tmp_path / f"c{kind[0]}", kind[1], full_chroma=True))
    assert re.search(pixels.replace("(High", r"\(High").replace("ive)", r"ive\)"), text), text
    assert "bt709" in text
    with pytest.raises(InputError, match="full resolution"):
        VideoSpec(64, 64, 10, codec="av1", full_chroma=True)


def h264_profile_and_level(path: Path) -> tuple[int, int]:
    """From the avcC box: what players look at before they start."""
    data = path.read_bytes()
    start = data.index(b"avcC") + 5
    return data[start], data[start + 2]


@pytest.mark.parametrize("preset", ["veryfast", "veryslow"])
def test_h264_is_safe_for_phones(tmp_path: Path, preset: str) -> None:
    spec = VideoSpec(1080, 1920, 30, preset=preset)
    with VideoWriter(tmp_path / "c.mp4", spec) as writer:
        for _ in range(2):
            writer.write(bytes(1080 * 1920 * 3))
    assert h264_profile_and_level(tmp_path / "c.mp4") == (100, 40)


def test_h264_levels() -> None:
    assert h264_level(160, 120, Fraction(30)) == "3.1"
    assert h264_level(1280, 720, Fraction(30)) == "3.1"
    assert h264_level(1080, 1920, Fraction(30)) == h264_level(1920, 1080, Fraction(30)) == "4.0"
    assert h264_level(1920, 1080, Fraction(60)) == "4.2"
    assert h264_level(3840, 2160, Fraction(30)) == "5.1"
    assert h264_level(3840, 2160, Fraction(60)) == "5.2"
    assert h264_level(8192, 8192, Fraction(240)) == "6.2"


@pytest.mark.parametrize("kind", [(".mp4", "h264"), (".mp4", "h265"), (".mp4", "av1"), (".webm", "vp9")])
def test_bit_rate_stays_below_its_cap(tmp_path: Path, kind: tuple[str, str]) -> None:
    sizes = []
    for cap in (None, 500):
        spec = VideoSpec(WIDTH, HEIGHT, 30, codec=kind[1], preset="veryfast", max_kbps=cap)
        noise = np.random.default_rng(0)
        with VideoWriter(tmp_path / f"c{kind[0]}", spec) as writer:
            for _ in range(60):
                writer.write(noise.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8))
        sizes.append((tmp_path / f"c{kind[0]}").stat().st_size * 8 / 1000)
    free_kbit, capped_kbit = sizes
    assert capped_kbit < free_kbit / 2
    assert capped_kbit < 1.25 * (2 * 500 + 1000), "two seconds and the player's buffer"


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """A WAV file with 3 s of a tone."""
    file = tmp_path / "in: 50%.wav"
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(44_100)
        out.writeframes((8000 * np.sin(np.arange(3 * 44_100) / 16)).astype(np.int16).tobytes())
    return file


@pytest.mark.parametrize(
    ("extension", "codec", "sound"), [(".mp4", "h264", "aac"), (".webm", "vp9", "opus"), (".mov", "prores", "aac")]
)
def test_sound_is_trimmed_to_the_clip(tmp_path: Path, tone: Path, extension: str, codec: str, sound: str) -> None:
    path = write(tmp_path / f"c{extension}", codec, soundtrack=Soundtrack(tone, COUNT / FPS))
    text = describe(path)
    assert re.search(rf"Audio: {sound}", text) and len(decode(path)) == COUNT
    assert seconds_of(text) == pytest.approx(COUNT / FPS, abs=0.05)
    raw = subprocess.run(
        [FFMPEG, "-loglevel", "error", "-i", str(path), "-f", "s16le", "-ac", "1", "-ar", "48000", "-"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    samples = np.frombuffer(raw, np.int16).astype(float)
    assert len(samples) / 48_000 == pytest.approx(COUNT / FPS, abs=0.05)
    assert np.sqrt((samples**2).mean()) == pytest.approx(8000 / 2**0.5, rel=0.1)


def test_short_sound_does_not_shorten_the_clip(tmp_path: Path, tone: Path) -> None:
    path = write(tmp_path / "c.mp4", "h264", count=50, soundtrack=Soundtrack(tone, 5.0))
    assert seconds_of(describe(path)) == pytest.approx(5, abs=0.05)


def test_what_has_no_sound(tmp_path: Path, tone: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        Soundtrack(tmp_path / "none.mp3", 1)
    (tmp_path / "text.mp3").write_text("no sound")
    with pytest.raises(InputError, match="no sound that can be read"):
        Soundtrack(tmp_path / "text.mp3", 1)
    with pytest.raises(InputError, match="have no sound"):
        VideoWriter(tmp_path / "c.gif", VideoSpec(64, 48, 10, codec="gif", soundtrack=Soundtrack(tone, 1)))


def test_names_choose_codecs() -> None:
    assert {extension: find_codec(Path(f"c{extension.upper()}")) for extension in CONTAINERS} == {
        ".mp4": "h264", ".webm": "vp9", ".mov": "prores", ".gif": "gif", ".webp": "webp", ".png": "png",
    }  # fmt: skip
    assert [usual_extension(name) for name in (None, "h265", "vp9", "prores")] == [".mp4", ".mp4", ".webm", ".mov"]
    with pytest.raises(InputError, match="they take vp9, av1"):
        find_codec(Path("c.webm"), "h264")
    for name in ("c.avi", "c", "c.mp3"):
        with pytest.raises(OutputError, match=r"must end in \.mp4"):
            find_codec(Path(name))
    for wrong in (lambda: find_codec(Path("c.mp4"), "xvid"), lambda: usual_extension("xvid")):
        with pytest.raises(InputError, match="unknown codec"):
            wrong()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codec": "gif", "fps": 60}, "--fps 50"),
        ({"codec": "gif", "crf": 20}, "no CRF"),
        ({"codec": "vp9", "crf": 64}, "63"),
    ],
)
def test_specs_that_a_codec_cannot_do(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        VideoSpec(**{"width": 64, "height": 48, "fps": 10, **change})


def test_every_encoder_is_there() -> None:
    listed = subprocess.run([FFMPEG, "-hide_banner", "-encoders"], capture_output=True, text=True).stdout
    for name, codec in CODECS.items():
        assert re.search(rf"\b{codec.encoder[1]}\b", listed), name
