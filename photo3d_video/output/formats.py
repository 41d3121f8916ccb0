"""What a clip is asked to be: from the user's flags, then the destination's wishes, then the kind of file's usual."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from photo3d_video.errors import InputError
from photo3d_video.files import PICTURES, is_dir
from photo3d_video.framing import clip_size
from photo3d_video.output.codecs import CODECS, CONTAINERS, Container, find_codec, usual_extension
from photo3d_video.output.destinations import RESOLUTIONS, find_destination
from photo3d_video.output.stereo import check_stereo

DEFAULT_FPS = 30.0
PREVIEW_FPS = 15.0
PREVIEW_SIDE_PX = 480


@dataclass(frozen=True)
class Format:
    """Kind of file, rate and size of a clip, or of a single picture of it."""

    extension: str
    """Of the file's name, with the dot."""
    codec: str | None
    """Key of `codecs.CODECS`; None for a single picture."""
    fps: float
    """Frames per second."""
    max_kbps: int | None
    """Cap of the bit rate in kbit/s."""
    size: tuple[int, int] | None
    """Width and height in px that the user gave."""
    aspect: str | None
    """Key of `destinations.ASPECTS`, where no size is given."""
    resolution: str | None
    """Key of `destinations.RESOLUTIONS`, where no size is given."""
    stereo: str | None
    """Key of `stereo.JOINS`."""
    preview: bool = False
    """Whether the long side has only PREVIEW_SIDE_PX."""

    @property
    def long_side_px(self) -> int:
        """What the longer side will have at least where a size is asked for, else 0."""
        if self.size is not None:
            return max(self.size)
        return RESOLUTIONS[self.resolution] * 16 // 9 if self.resolution else 0

    def size_for(self, photo_width: int, photo_height: int) -> tuple[int, int]:
        """(width, height) in px of the clip of a photo, of one eye's picture if it is stereo."""
        largest = CONTAINERS[self.extension].default_size if self.codec is not None else Container.default_size
        size = self.size or clip_size(photo_width, photo_height, self.aspect, self.resolution, largest)
        return shrink(size, PREVIEW_SIDE_PX) if self.preview else size


def shrink(size: tuple[int, int], side_px: int) -> tuple[int, int]:
    """(width, height) in px, even, with a long side of at most `side_px`."""
    scale = side_px / max(size)
    if scale >= 1:
        return size
    width, height = (max(16, round(side * scale / 2) * 2) for side in size)
    return width, height


def choose_format(
    output: str | os.PathLike[str] | None,
    *,
    single: bool = False,
    codec: str | None = None,
    destination: str | None = None,
    size: tuple[int, int] | None = None,
    aspect: str | None = None,
    resolution: str | None = None,
    fps: float | None = None,
    stereo: str | None = None,
    preview: bool = False,
) -> Format:
    """The format of what is written to `output`, a file or folder; `single`: one picture.

    What is given goes before what `destination` asks for; `preview` makes the same small. Raises InputError for unknown
    names and for what does not go together, OutputError for an ending that no clip has.
    """
    check_stereo(stereo)
    goal = find_destination(destination)
    if size is not None and (aspect is not None or resolution is not None):
        raise InputError("--size fixes aspect and resolution: give either it or --aspect and --resolution")
    aspect, resolution = aspect or goal.aspect, resolution or goal.resolution
    clip_size(16, 9, aspect, resolution)  # refuses unknown names
    ending = Path(output).suffix.lower() if output is not None and not is_dir(Path(output)) else ""
    if single:
        if codec is not None:
            raise InputError("--codec is for clips: leave it out with --still")
        ending, found, usual_fps = ending or PICTURES[0], None, DEFAULT_FPS
    else:
        ending = ending or usual_extension(codec)
        found = find_codec(Path(f"clip{ending}"), codec)
        usual_fps = CONTAINERS[ending].default_fps
        if goal.fps is not None and goal.fps <= CODECS[found].max_fps:
            usual_fps = goal.fps
    if preview:
        usual_fps = PREVIEW_FPS
    fps = usual_fps if fps is None else fps
    return Format(ending, found, fps, goal.max_kbps, size, aspect, resolution, stereo, preview)
