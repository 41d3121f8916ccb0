"""A run: the stages of `pipeline` joined, from a photo to a finished file."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from photo3d_video.depth.builtin import DepthMap, estimate_depth
from photo3d_video.errors import InputError
from photo3d_video.framing import frame_photo
from photo3d_video.photo import DEFAULT_MAX_SIZE, Photo, load_photo, photo_from_array
from photo3d_video.pipeline import (
    DEFAULT_FILL,
    Picture,
    check_timing,
    find_move,
    frame_picture,
    make_layers,
    make_path,
    make_scene,
    make_view,
    parallax_budget_px,
    read_depth,
    render_frames,
    write_depth,
)
from photo3d_video.progress import Progress, Silent, Stopwatch
from photo3d_video.studio import Studio
from photo3d_video.video import VideoSpec, VideoWriter

if TYPE_CHECKING:
    from render.scene import Scene

log = logging.getLogger(__name__)

UInt8 = npt.NDArray[np.uint8]

DEFAULT_FPS = 30.0
DEFAULT_SECONDS = 4.0  # of a path file with a single keyframe


@dataclass(frozen=True)
class RenderResult:
    """What a run made."""

    output: Path
    """The video file."""
    size: tuple[int, int]
    """Width and height in px."""
    frames: int
    """Number of frames."""
    fps: float
    """Frames per second."""
    seconds: dict[str, float]
    """Time spent per stage (`progress.STAGES`); encoding overlaps rendering, so `encode` is the time waited for it."""


def output_file(output: str | os.PathLike[str] | None, photo: Photo, path: str) -> Path:
    """Where the clip goes: `output` as a file or folder, else `PHOTO_PATH.mp4` in the working folder."""
    stem = photo.path.stem if photo.path else "photo"
    name = f"{stem}_{Path(path).stem}.mp4"
    if output is None:
        return Path(name)
    target = Path(output)
    return target / name if target.is_dir() or not target.suffix else target


def frame_count(path: str, seconds: float | None, fps: float) -> int:
    """Frames of a clip; `seconds` None is the length of the preset or of the path file."""
    if not 1 <= fps <= 240:
        raise InputError(f"--fps {fps:g} is out of range: give 1 to 240")
    if seconds is None:
        seconds = find_move(path).default_seconds or DEFAULT_SECONDS
    if not 0 < seconds <= 600:
        raise InputError(f"--seconds {seconds:g} is out of range: give more than 0, at most 600")
    return max(1, round(seconds * fps))


def render_photo(
    photo: str | os.PathLike[str] | UInt8 | Photo,
    path: str = "dolly-zoom",
    output: str | os.PathLike[str] | None = None,
    *,
    depth: str | os.PathLike[str] | DepthMap | None = None,
    far_is_white: bool = False,
    seconds: float | None = None,
    fps: float = DEFAULT_FPS,
    strength: float = 1.0,
    size: tuple[int, int] | None = None,
    focus_xy: tuple[float, float] | None = None,
    easing: str | None = None,
    reverse: bool = False,
    boomerang: bool = False,
    start_still_s: float = 0.0,
    crf: int = 18,
    preset: str = "veryfast",
    supersample: int = 1,
    fill: str = DEFAULT_FILL,
    max_size: int | None = None,
    save_depth: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    studio: Studio | None = None,
) -> RenderResult:
    """Make one photo into a 3D clip.

    `photo`: a file, an (H, W, 3) uint8 sRGB array or a loaded `Photo`. `path`: a preset's name or a path file (.json).
    `output`: a file or a folder; by default `PHOTO_PATH.mp4` in the working folder. `depth`: a depth map file or a
    `DepthMap`, by default estimated. `size`: (width, height), by default the photo's aspect within 1080p. `strength`
    scales the camera move. `focus_xy`: what the camera holds on to, as fractions of the frame. `crf` and `preset` are
    libx264's. `fill` paints what the photo hides. `max_size`: the photo is loaded at no more than this long side in px.
    `save_depth`: a 16-bit PNG for the depth map. `studio`: shared by runs that make several clips; what the last one
    worked out and this one needs again (photo, depth, scene) is taken from it. Raises a `Photo3DError` for anything
    that cannot be done; then no clip is written.
    """
    progress = progress or Silent()
    watch = Stopwatch()
    n_frames = frame_count(path, seconds, fps)
    timing: dict[str, Any] = {
        "easing": easing, "reverse": reverse, "boomerang": boomerang, "still_frames": round(start_still_s * fps),
    }  # fmt: skip
    check_timing(path, n_frames, **timing)

    def find_depth(photo: Photo, given: Any, far_is_white: bool, save_depth: Any) -> DepthMap:
        progress.start("depth")
        if given is None:
            found = estimate_depth(photo.rgb)
        else:
            found = given if isinstance(given, DepthMap) else read_depth(given, photo, far_is_white)
        log.info("depth: %s", found.source)
        if save_depth is not None:
            write_depth(save_depth, found, photo)
        return found

    def build(picture: Picture, budget_px: float, fill: str) -> Scene:
        progress.start("layers")
        layers = make_layers(picture, budget_px, watch, fill)
        with watch.stage("mesh"):
            progress.start("mesh")
            return make_scene(picture, layers)

    with ExitStack() as stack:
        with watch.stage("load"):
            progress.start("load")
            if studio is None:
                studio = stack.enter_context(Studio())  # first of all: without OpenGL the rest is in vain
            if not isinstance(photo, Photo):
                max_size = max_size or max(DEFAULT_MAX_SIZE, 2 * max(size or (0, 0)))  # a crop needs more than its size
                if isinstance(photo, np.ndarray):
                    photo = photo_from_array(photo, max_size=max_size)
                else:
                    photo = studio.once("load", load_photo, photo, max_size)
            framing = frame_photo(photo.rgb.shape[1], photo.rgb.shape[0], size)
            spec = VideoSpec(framing.width_px, framing.height_px, fps, crf, preset)
            writer = VideoWriter(output_file(output, photo, path), spec)
            budget = parallax_budget_px(framing.width_px, framing.height_px, strength)
        with watch.stage("depth"):
            depth = studio.once("depth", find_depth, photo, depth, far_is_white, save_depth)
            picture = studio.once("picture", frame_picture, photo, depth, framing)
        cameras = make_path(path, make_view(picture, budget, focus_xy), n_frames, **timing)
        scene = studio.once("scene", build, picture, budget, fill)
        progress.start("render", n_frames)
        with watch.stage("encode"), writer, watch.stage("render"):
            for frame in render_frames(studio.context, scene, cameras, supersample):
                with watch.stage("encode"):
                    writer.write(frame)
                progress.advance()
    return RenderResult(writer.path, (framing.width_px, framing.height_px), n_frames, fps, watch.seconds)
