"""Encoders in graphics hardware: which there are, what ffmpeg must be told for each, and whether one works here.

They are used only where the user asks for them: they are fast, and at equal size their clips look worse than x264's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from photo3d_video.errors import EncodeError, InputError
from photo3d_video.output.ffmpeg import run_ffmpeg

NAMES = {"h264": "h264", "h265": "hevc"}
"""Codecs that may come from hardware, with what ffmpeg calls them in the names of encoders."""

_CAP = ("-maxrate", "{max_kbps}k", "-bufsize", "{buffer_kbps}k")
_PROFILES = {"h264": ("-profile:v", "high"), "h265": ("-profile:v", "main", "-tag:v", "hvc1")}


@dataclass(frozen=True)
class Hardware:
    """What differs from one maker's encoders to the next."""

    uncapped: tuple[str, ...]
    """ffmpeg's options for a quality; `{quality}` is a CRF of at least 1, `{percent}` the same as 100 (best) to 1."""
    capped: tuple[str, ...]
    """The same where the bit rate must stay below `{max_kbps}`."""
    pixels: tuple[str, ...]
    """Options of the pixel format."""
    filters: str = ""
    """What follows in the filter graph."""
    device: tuple[str, ...] = ()
    """Options that open the device."""


# Makers that cannot bound the bit rate at a set quality get a mean rate below the bound instead.
HARDWARE = {
    "nvenc": Hardware(
        uncapped=("-preset", "p5", "-rc", "vbr", "-cq", "{quality}", "-b:v", "0"),
        capped=("-preset", "p5", "-rc", "vbr", "-cq", "{quality}", "-b:v", "0", *_CAP),
        pixels=("-pix_fmt", "yuv420p"),
    ),
    "qsv": Hardware(
        uncapped=("-preset", "medium", "-global_quality", "{quality}"),
        capped=("-preset", "medium", "-b:v", "{mean_kbps}k", *_CAP),
        pixels=("-pix_fmt", "nv12"),
    ),
    "videotoolbox": Hardware(
        uncapped=("-q:v", "{percent}"), capped=("-b:v", "{mean_kbps}k", *_CAP), pixels=("-pix_fmt", "yuv420p")
    ),
    "vaapi": Hardware(
        uncapped=("-rc_mode", "CQP", "-qp", "{quality}"),
        capped=("-rc_mode", "VBR", "-b:v", "{mean_kbps}k", *_CAP),
        pixels=(),
        filters=",format=nv12,hwupload",
        device=("-vaapi_device", "/dev/dri/renderD128"),
    ),
}


def hardware_args(maker: str, codec: str, filters: str, crf: int, gop: int, max_kbps: int | None) -> list[str]:
    """ffmpeg's options for a key of `HARDWARE` and one of `NAMES`; `filters` make YUV from RGB. `gop`: frames from
    one key frame to the next."""
    kind = HARDWARE[maker]
    values = {
        "quality": max(1, crf),  # 0 means automatic to some
        "percent": max(1, 100 - 2 * crf),
        "max_kbps": max_kbps,
        "mean_kbps": max_kbps and round(0.7 * max_kbps),
        "buffer_kbps": max_kbps and 2 * max_kbps,
    }
    rate = [word.format(**values) for word in (kind.capped if max_kbps else kind.uncapped)]
    encoder = ("-c:v", f"{NAMES[codec]}_{maker}")
    return [*kind.device, "-vf", filters + kind.filters, *encoder, *rate, "-g", str(gop),
            *_PROFILES[codec], *kind.pixels]  # fmt: skip


def find_hardware(codec: str, output_args: Callable[[str], list[str]], size: tuple[int, int]) -> str:
    """The first key of `HARDWARE` whose encoder is in this ffmpeg and really encodes frames of `size` (width, height).

    `output_args` gives ffmpeg's options for a key. Raises InputError for a codec that hardware does not make,
    EncodeError where nothing works.
    """
    if codec not in NAMES:
        raise InputError(f"--hardware goes with {' and '.join(NAMES)}, not with {codec}: leave it out")
    built_in = available(codec)
    for maker in built_in:
        source = ("-f", "lavfi", "-i", f"color=size={size[0]}x{size[1]}:rate=30", "-frames:v", "3")
        if run_ffmpeg(["-loglevel", "error", *source, *output_args(maker), "-f", "null", "-"]).returncode == 0:
            return maker
    tried = ", ".join(f"{NAMES[codec]}_{maker}" for maker in built_in)
    why = f"tried {tried}" if tried else "this ffmpeg was built without any"
    raise EncodeError(f"--hardware: no {codec} encoder in hardware works here ({why}): leave it out")


def available(codec: str) -> list[str]:
    """Keys of `HARDWARE` whose encoder is in this ffmpeg; whether there is hardware for it is another matter."""
    listed = run_ffmpeg(["-encoders"]).stdout
    return [maker for maker in HARDWARE if re.search(rf"\b{NAMES[codec]}_{maker}\b", listed)]
