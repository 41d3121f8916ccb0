"""What a video is asked to be, and the arguments of ffmpeg that make it so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from photo3d_video.errors import InputError
from photo3d_video.output.codecs import CODECS, CONTAINERS, PRESETS, codec_args
from photo3d_video.output.ffmpeg import Soundtrack
from photo3d_video.output.hardware import find_hardware


@dataclass(frozen=True)
class VideoSpec:
    """Size, rate and quality of a video. Raises InputError for values that cannot be encoded."""

    width: int
    """px, even."""
    height: int
    """px, even."""
    fps: float
    """Frames per second; 23.976, 29.97 and 59.94 stand for the exact NTSC rates."""
    crf: int | None = None
    """Constant rate factor on the codec's own scale, 0 is best; None is visually lossless for most clips (x264: 18)."""
    preset: str = "veryfast"
    """x264's name of a speed, for all codecs. At equal CRF,
    `medium` takes 3 times as long (2 cores, shared with the renderer) for about 1 dB."""
    codec: str = "h264"
    """Key of `CODECS`."""
    max_kbps: int | None = None
    """Bit rate in kbit/s that players must be ready for at most; None lets the quality decide alone."""
    full_chroma: bool = False
    """Colour at full resolution, for pictures such as anaglyphs: H.264 High 4:4:4, which phones do not play."""
    soundtrack: Soundtrack | None = None
    """Sound to go with it."""
    hardware: bool = False
    """Encode in graphics hardware: fast, and larger for the same look. `preset` has no say then."""

    def __post_init__(self) -> None:
        if self.width < 16 or self.height < 16:
            raise InputError(f"video size {self.width} x {self.height} is too small: give at least 16 x 16")
        if self.width % 2 or self.height % 2:
            raise InputError(f"video size {self.width} x {self.height} is odd: H.264 needs even sides, crop one pixel")
        if not (math.isfinite(self.fps) and 1 <= self.fps <= 240):
            raise InputError(f"{self.fps} frames per second cannot be encoded: give 1 to 240")
        if self.preset not in PRESETS:
            raise InputError(f"unknown encoder preset {self.preset!r}: choose one of {', '.join(PRESETS)}")
        if self.codec not in CODECS:
            raise InputError(f"unknown codec {self.codec!r}: choose one of {', '.join(CODECS)}")
        codec = CODECS[self.codec]
        if self.fps > codec.max_fps:
            raise InputError(f"{self.codec} cannot show {self.fps:g} frames per second: give --fps {codec.max_fps:g}")
        if self.crf is not None and codec.default_crf is None:
            raise InputError(f"{self.codec} has no CRF: leave it out")
        if self.crf is not None and not 0 <= self.crf <= codec.max_crf:
            raise InputError(
                f"CRF {self.crf} is out of range: give 0 (best) to {codec.max_crf}, {codec.default_crf} is usual"
            )
        if self.full_chroma and codec.full_chroma is None:
            raise InputError(f"{self.codec} cannot store colour at full resolution: choose another codec")
        if self.full_chroma and self.hardware:
            raise InputError("--hardware cannot store colour at full resolution: leave it out")

    @property
    def rate(self) -> Fraction:
        """Frames per second as the exact fraction that is written into the file."""
        if abs(self.fps - round(self.fps)) < 1e-6:
            return Fraction(round(self.fps))
        ntsc = round(self.fps * 1.001)
        if abs(self.fps * 1.001 - ntsc) < 5e-3:
            return Fraction(ntsc * 1000, 1001)
        return Fraction(self.fps).limit_denominator(1000)


def input_args(spec: VideoSpec) -> list[str]:
    """ffmpeg's options for its inputs: raw RGB frames from standard input, and the sound."""
    sound: list[str] = []
    if spec.soundtrack is not None:
        sound = [*spec.soundtrack.input_args, "-map", "0:v", "-map", "1:a:0", "-map_metadata", "-1"]
    size = f"{spec.width}x{spec.height}"
    return ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(spec.rate), "-i", "pipe:0", *sound]


def encoder_args(spec: VideoSpec) -> list[str]:
    """ffmpeg's options from the filters on. Raises EncodeError where hardware is asked for and none works."""

    def args(maker: str | None) -> list[str]:
        return codec_args(
            *(spec.codec, spec.width, spec.height, spec.rate, spec.crf, spec.preset, spec.max_kbps, spec.full_chroma),
            maker,
        )

    return args(find_hardware(spec.codec, args, (spec.width, spec.height)) if spec.hardware else None)


def muxer_args(path: Path, part: Path, with_sound: bool) -> list[str]:
    """ffmpeg's options for the kind of file that `path` names, and the file `part` that it writes."""
    extension = path.suffix.lower()
    container = CONTAINERS[extension]
    target = str(part / "%05d.png").replace("%", "%%").replace("%%05d", "%05d") if extension == ".png" else str(part)
    return [*((container.audio or ()) if with_sound else ()), *container.muxer, target]
