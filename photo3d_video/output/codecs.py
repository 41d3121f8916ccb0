"""Kinds of video files: which names they go by, and what ffmpeg must be told to write them well."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from photo3d_video.errors import InputError, OutputError
from photo3d_video.output.hardware import hardware_args

# sRGB in, BT.709 out: the matrix is applied and all four tags are written. Without, players guess, and guess BT.601.
# One string, because ffmpeg lets a second -vf replace the first.
BT709 = (
    "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd,"
    "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
)

# One palette for the whole clip does not flicker; error diffusion hides that it has 256 colours.
_PALETTE = "split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=sierra2_4a:diff_mode=rectangle"

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")

# The same speeds on the scales of the other encoders, for each of PRESETS. From 10 on, SVT-AV1 shows the frame before
# where flat areas change at once.
_SVT_PRESETS = (12, 11, 9, 9, 8, 7, 6, 5, 4)
_VPX_SPEEDS = (5, 5, 4, 4, 3, 2, 1, 1, 0)

_LEVELS = (
    ("3.1", 3600, 108_000),
    ("4.0", 8192, 245_760),
    ("4.2", 8704, 522_240),
    ("5.1", 36_864, 983_040),
    ("5.2", 36_864, 2_073_600),
    ("6.2", 139_264, 16_711_680),
)
"""H.264 levels that decoders really come in: name, macroblocks per frame, macroblocks per second."""

_CAP = ("-maxrate", "{max_kbps}k", "-bufsize", "{buffer_kbps}k")
_FASTSTART = ("-movflags", "+faststart")
_AAC = ("-c:a", "aac", "-b:a", "192k", "-ar", "48000")  # Instagram takes no higher rate
_OPUS = ("-c:a", "libopus", "-b:a", "128k")


@dataclass(frozen=True)
class Codec:
    """What differs from one kind of video to the next."""

    encoder: tuple[str, ...]
    """ffmpeg's options; `{crf}`, `{preset}`, `{svt_preset}`, `{vpx_speed}`, `{gop}` and `{level}` are filled in."""
    pixels: tuple[str, ...]
    """Options of the pixel format and profile, usual chroma."""
    full_chroma: tuple[str, ...] | None = None
    """The same without chroma subsampling; None where it cannot be had."""
    filters: str = BT709
    """ffmpeg's filter graph from RGB."""
    default_crf: int | None = None
    """Constant rate factor that looks about as good as 18 does in x264; None where there is no such scale."""
    max_crf: int = 51
    """The scale's end."""
    cap: tuple[str, ...] = _CAP
    """Options that keep the bit rate below `{max_kbps}`."""
    uncapped: tuple[str, ...] = ()
    """Options where the bit rate is free."""
    max_fps: float = 240
    """Frames per second that players show."""


CODECS = {
    "h264": Codec(
        encoder=(
            *("-c:v", "libx264", "-preset", "{preset}", "-crf", "{crf}", "-level:v", "{level}"),
            *("-g", "{gop}", "-flags", "+cgop"),
        ),
        pixels=("-profile:v", "high", "-pix_fmt", "yuv420p"),
        full_chroma=("-profile:v", "high444", "-pix_fmt", "yuv444p"),
        default_crf=18,
    ),
    "h265": Codec(
        # Apple's players know HEVC by this tag only.
        encoder=(
            *("-c:v", "libx265", "-preset", "{preset}", "-crf", "{crf}", "-g", "{gop}", "-tag:v", "hvc1"),
            *("-x265-params", "log-level=error:open-gop=0"),
        ),
        pixels=("-pix_fmt", "yuv420p"),
        full_chroma=("-pix_fmt", "yuv444p"),
        default_crf=20,
    ),
    "av1": Codec(
        encoder=("-c:v", "libsvtav1", "-preset", "{svt_preset}", "-crf", "{crf}", "-g", "{gop}"),
        pixels=("-pix_fmt", "yuv420p"),
        default_crf=24,
        max_crf=63,
    ),
    "vp9": Codec(
        encoder=(
            *("-c:v", "libvpx-vp9", "-deadline", "good", "-cpu-used", "{vpx_speed}", "-row-mt", "1"),
            *("-crf", "{crf}", "-g", "{gop}"),
        ),
        pixels=("-pix_fmt", "yuv420p"),
        full_chroma=("-pix_fmt", "yuv444p"),
        default_crf=22,
        max_crf=63,
        cap=("-b:v", "{max_kbps}k", *_CAP),
        uncapped=("-b:v", "0"),
    ),
    "prores": Codec(
        encoder=("-c:v", "prores_ks", "-vendor", "apl0"),
        pixels=("-profile:v", "hq", "-pix_fmt", "yuv422p10le"),
        full_chroma=("-profile:v", "4444", "-pix_fmt", "yuv444p10le"),
    ),
    # Browsers slow down a GIF that has frames of less than 0.02 s.
    "gif": Codec(encoder=("-c:v", "gif"), pixels=(), full_chroma=(), filters=_PALETTE, max_fps=50),
    "webp": Codec(
        encoder=("-c:v", "libwebp_anim", "-preset", "photo", "-compression_level", "3"),
        pixels=("-quality", "85", "-pix_fmt", "bgra"),
        full_chroma=("-lossless", "1", "-pix_fmt", "bgra"),
        filters="null",
    ),
    "png": Codec(
        encoder=("-c:v", "png"), pixels=("-pix_fmt", "rgb24"), full_chroma=("-pix_fmt", "rgb24"), filters="null"
    ),
}


@dataclass(frozen=True)
class Container:
    """A kind of file, known by the ending of its name."""

    codecs: tuple[str, ...]
    """Keys of `CODECS` that it may hold, the usual one first."""
    muxer: tuple[str, ...]
    """ffmpeg's options."""
    audio: tuple[str, ...] | None = None
    """ffmpeg's audio options; None where it has no sound."""
    default_size: tuple[int, int] = (1920, 1080)
    """Long and short side in px of the largest clip that is made unless a size is asked for."""
    default_fps: float = 30.0
    """Frames per second."""


CONTAINERS = {
    ".mp4": Container(("h264", "h265", "av1"), ("-f", "mp4", *_FASTSTART), _AAC),
    ".webm": Container(("vp9", "av1"), ("-f", "webm"), _OPUS),
    ".mov": Container(("prores", "h264", "h265"), ("-f", "mov", *_FASTSTART), _AAC),
    # A GIF stores each frame by itself: at 1080p it would have hundreds of megabytes. Its clock has steps of 0.01 s.
    ".gif": Container(("gif",), ("-f", "gif", "-loop", "0"), None, (640, 480), 20.0),
    ".webp": Container(("webp",), ("-f", "webp", "-loop", "0"), None, (1280, 720)),
    ".png": Container(("png",), ("-f", "image2")),
}


def find_container(path: Path) -> Container:
    """The kind of file that a name asks for. Raises OutputError for names of no known kind."""
    container = CONTAINERS.get(path.suffix.lower())
    if container is None:
        raise OutputError(f"{path}: clips are not written as {path.suffix or 'files without an ending'}, "
                          f"the name must end in {', '.join(CONTAINERS)}")  # fmt: skip
    return container


def find_codec(path: Path, name: str | None = None) -> str:
    """The key of `CODECS` for a file: `name` where the container takes it, by default the container's usual one.

    Raises InputError for a codec that does not go into such files, OutputError for names of no known kind.
    """
    container = find_container(path)
    if name is None:
        return container.codecs[0]
    if name not in CODECS:
        raise InputError(f"unknown codec {name!r}: choose one of {', '.join(CODECS)}")
    if name not in container.codecs:
        raise InputError(
            f"--codec {name} does not go into {path.suffix} files: they take {', '.join(container.codecs)}"
        )
    return name


def usual_extension(codec: str | None) -> str:
    """The ending of a clip's name, with the dot, where the user gives a codec or nothing. Raises InputError."""
    for extension, container in CONTAINERS.items():
        if codec is None or codec in container.codecs:
            return extension
    raise InputError(f"unknown codec {codec!r}: choose one of {', '.join(CODECS)}")


def written_path(path: Path) -> Path:
    """What a clip of that name is on the disk: the file, or for `NAME.png` the folder `NAME` of numbered PNGs."""
    return path.with_suffix("") if path.suffix.lower() == ".png" else path


def h264_level(width: int, height: int, rate: Fraction) -> str:
    """The lowest common H.264 level for a size in px: phones refuse files that claim a level above their decoder's.

    A level also bounds the number of reference frames, which slow presets raise beyond what phones take.
    """
    blocks = math.ceil(width / 16) * math.ceil(height / 16)
    for name, per_frame, per_second in _LEVELS:
        if blocks <= per_frame and blocks * rate <= per_second:
            return name
    return _LEVELS[-1][0]


def codec_args(
    name: str,
    width: int,
    height: int,
    rate: Fraction,
    crf: int | None,
    preset: str,
    max_kbps: int | None,
    full_chroma: bool,
    hardware: str | None = None,
) -> list[str]:
    """ffmpeg's options for a codec of `CODECS`, filter graph included; the container's are not.

    `hardware`, a key of `hardware.HARDWARE`, encodes; it knows neither `preset` nor `full_chroma`.
    """
    codec = CODECS[name]
    crf = codec.default_crf if crf is None else crf
    gop = round(2 * rate)  # a key frame every 2 s lets players and editors seek; the cost in size is a few percent
    if hardware is not None:
        assert crf is not None
        return hardware_args(hardware, name, codec.filters, crf, gop, max_kbps)
    speed = PRESETS.index(preset)
    values = {
        "crf": crf,
        "preset": preset,
        "svt_preset": _SVT_PRESETS[speed],
        "vpx_speed": _VPX_SPEEDS[speed],
        "gop": gop,
        "level": h264_level(width, height, rate),
        "max_kbps": max_kbps,
        "buffer_kbps": 2 * max_kbps if max_kbps else None,
    }
    pixels = (codec.full_chroma if full_chroma else codec.pixels) or ()
    limit = codec.cap if max_kbps and codec.default_crf is not None else codec.uncapped
    return ["-vf", codec.filters, *(word.format(**values) for word in (*codec.encoder, *limit, *pixels))]
