"""A run: the stages of `pipeline` joined, from a photo to a finished file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from camera_paths import CameraPath
from photo3d_video.cache import Cache, cache_folder
from photo3d_video.depth.builtin import DepthMap
from photo3d_video.depth.files import find_beside
from photo3d_video.depth.models import AUTO, find_model
from photo3d_video.effects import Effects
from photo3d_video.errors import InputError
from photo3d_video.files import PictureWriter, check_writable
from photo3d_video.fill_model import find_fill_model
from photo3d_video.framing import frame_photo
from photo3d_video.moves import (
    check_path_file,
    check_timing,
    find_move,
    frame_count,
    make_focus,
    make_path,
    write_path,
)
from photo3d_video.output.destinations import check_length
from photo3d_video.output.ffmpeg import Soundtrack
from photo3d_video.output.formats import choose_format
from photo3d_video.output.outputs import RenderResult, open_sink, output_file, write_beside
from photo3d_video.output.stereo import eyes, join, joined_size, path_view
from photo3d_video.output.stills import ContactSheet, still_index
from photo3d_video.output.video import VideoWriter
from photo3d_video.photo import DEFAULT_MAX_SIZE, Photo, load_photo, photo_from_array
from photo3d_video.pipeline import (
    DEFAULT_FILL,
    LAYERS_SIDE_PX,
    PREVIEW_LAYERS_SIDE_PX,
    frame_picture,
    make_view,
    parallax_budget_px,
    place,
    render_frames,
)
from photo3d_video.progress import Progress, Silent, Stopwatch
from photo3d_video.stages import Stages
from photo3d_video.studio import Studio

UInt8 = npt.NDArray[np.uint8]


def render_photo(
    photo: str | os.PathLike[str] | UInt8 | Photo,
    path: str = "dolly-zoom",
    output: str | os.PathLike[str] | None = None,
    *,
    depth: str | os.PathLike[str] | DepthMap | None = None,
    far_is_white: bool = False,
    depth_model: str = AUTO,
    download: bool = False,
    seconds: float | None = None,
    fps: float | None = None,
    strength: float = 1.0,
    destination: str | None = None,
    aspect: str | None = None,
    resolution: str | None = None,
    size: tuple[int, int] | None = None,
    preview: bool = False,
    focus_xy: tuple[float, float] | None = None,
    easing: str | None = None,
    reverse: bool = False,
    boomerang: bool = False,
    loop: bool = False,
    start_still_s: float = 0.0,
    save_path: str | os.PathLike[str] | None = None,
    stereo: str | None = None,
    still: str | float | None = None,
    thumbnail: bool = False,
    contact_sheet: bool = False,
    audio: str | os.PathLike[str] | None = None,
    codec: str | None = None,
    crf: int | None = None,
    preset: str = "veryfast",
    hardware: bool = False,
    supersample: int = 1,
    dof: float = 0.0,
    focus_pull: tuple[float, float] | None = None,
    vignette: float = 0.0,
    fill: str = DEFAULT_FILL,
    fill_model: str | os.PathLike[str] | None = None,
    max_size: int | None = None,
    save_depth: str | os.PathLike[str] | None = None,
    save_depth_preview: str | os.PathLike[str] | None = None,
    cache: bool = True,
    progress: Progress | None = None,
    studio: Studio | None = None,
) -> RenderResult:
    """Make one photo into a 3D clip.

    The photo. `photo`: a file, an (H, W, 3) uint8 sRGB array or a loaded `Photo`. `max_size`: it is loaded at no more
    than this long side in px. `depth`: a depth map file or a `DepthMap`; by default `photo.depth.png` beside the photo
    if it is there, else estimated by `depth_model` (`download` fetches it, both as in `depth.models.find_model`).
    `save_depth`: a 16-bit PNG for the depth map; `save_depth_preview`: a PNG of it in colours.

    The move. `path`: a preset's name or a path file (.json). `strength` scales it. `focus_xy`: what the camera holds on
    to, as fractions of the frame. `loop`: moves that do not loop go back again. `save_path`: a path file (.json) for
    the move.

    The file. `output`: a file, whose ending chooses the kind (`output.codecs.CONTAINERS`), or a folder; by default
    `PHOTO_PATH.mp4` in the working folder. `destination`: where it will be posted (`output.destinations.DESTINATIONS`);
    whatever else is given goes first. `aspect` and `resolution` (of its `ASPECTS` and `RESOLUTIONS`) or `size` (width,
    height): crops keep the subject in the picture; by default the photo's aspect within 1080p. `preview`: the same
    small and fast, with a long side of 480 px at 15 frames per second. `stereo`: a kind of `output.stereo.JOINS`.
    `still`: only the frame at that time, seconds or "50%", as PNG or JPEG. `thumbnail`, `contact_sheet`: a JPEG of the
    first frame, a PNG of twelve, beside the clip. `audio`: sound to put under it. `codec`, `crf` (on the codec's own
    scale) and `preset` (x264's names) are the encoder's; `hardware` takes one in graphics hardware.

    The looks. `supersample`: 2 draws at twice the size. `dof`: strength of a depth of field around the focus, which
    `focus_pull` moves to another point of the frame during the clip; `vignette`: of darker corners (both 0 to 2, 1 is
    usual). `fill` paints what the photo hides, or `fill_model` instead: an inpainting model of your own (.onnx), as
    `inpaint.onnx_fill` takes it.

    The run. `cache`: whether depth and scene are taken from the user's cache on disk and kept there. `studio`: shared
    by runs that make several clips; what the last one worked out and this one needs again (photo, depth, scene) is
    taken from it.

    Raises a `Photo3DError` for anything that cannot be done; then no clip is written.
    """
    progress = progress or Silent()
    watch = Stopwatch()
    stages = Stages(Cache(cache_folder() if cache else None), progress, watch)
    form = choose_format(
        output, single=still is not None, codec=codec, destination=destination, size=size, aspect=aspect,
        resolution=resolution, fps=fps, stereo=stereo, preview=preview,
    )  # fmt: skip
    n_frames = frame_count(path, seconds, form.fps)
    only = None if still is None else still_index(still, n_frames, form.fps)
    if only is None:
        check_length(destination, n_frames / form.fps)
    timing: dict[str, Any] = {
        "easing": easing, "reverse": reverse, "boomerang": boomerang or (loop and not find_move(path).loops),
        "still_frames": round(start_still_s * form.fps),
    }  # fmt: skip
    check_timing(path, n_frames, **timing)
    if supersample not in (1, 2):
        raise InputError(f"--supersample {supersample} is out of range: give 1, or 2 to draw at twice the size")
    effects = Effects(dof, vignette, focus_pull)
    if save_path is not None:
        check_path_file(save_path)
    for option, given in {"hardware": hardware, "audio": audio is not None}.items():
        if given and only is not None:
            raise InputError(f"--{option} is for clips: leave it out with --still")
    soundtrack = None if audio is None else Soundtrack(Path(audio), n_frames / form.fps)
    model = None if depth is not None else find_model(depth_model, download)
    painter = fill if fill_model is None else find_fill_model(fill_model)

    with ExitStack() as stack:
        with watch.stage("load"):
            progress.start("load")
            if studio is None:
                studio = stack.enter_context(Studio(keeps=False))  # first of all: without OpenGL the rest is in vain
            # A crop needs more than its size.
            loaded = _load(photo, max_size or max(DEFAULT_MAX_SIZE, 2 * form.long_side_px), studio)
            size = form.size_for(loaded.rgb.shape[1], loaded.rgb.shape[0])
            frame_photo(loaded.rgb.shape[1], loaded.rgb.shape[0], size)  # refuses sizes that no encoder takes
            target = output_file(output, loaded, path, form.extension)
            sink = open_sink(target, form, joined_size(*size, stereo), crf, preset, soundtrack, hardware)
            for file in (target, save_depth, save_depth_preview):
                if file is not None:
                    check_writable(Path(file))
            budget = parallax_budget_px(*size, strength)
        with watch.stage("depth"):
            if depth is None and loaded.path is not None:
                depth = find_beside(loaded.path)
            depth = studio.once(
                "depth", stages.depth, loaded, depth, far_is_white, model, save_depth, save_depth_preview
            )
            layers_px = PREVIEW_LAYERS_SIDE_PX if preview else LAYERS_SIDE_PX
            picture = studio.once("picture", frame_picture, loaded, depth, place(loaded, depth, size), layers_px)
            del loaded  # from here on the picture stands for it, and it may be large
        view = make_view(picture, budget, focus_xy)
        cameras = make_path(path, path_view(view, stereo), n_frames, **timing)
        focus_along = partial(make_focus, path, view, picture.disparity, focus_xy is not None, focus_pull)
        focus = focus_along(n_frames, **timing)
        if save_path is not None:
            write_path(save_path, path, path_view(view, stereo), n_frames / form.fps, focus_along, **timing)
        if only is not None:
            cameras, n_frames, focus = _one(cameras, only), 1, focus[only : only + 1]
        scene = studio.once("scene", stages.scene, picture, budget, painter, studio.context)
        progress.start("render", n_frames)
        rendered = render_frames(
            studio.context, scene, eyes(cameras, view, stereo, form.fps), supersample, effects, focus
        )
        del scene  # the frames' own, until the driver has it
        # Closed on every way out: the renderer must let go of its buffers before the context goes.
        stack.enter_context(closing(rendered))
        sheet = ContactSheet(n_frames) if contact_sheet and only is None else None
        first = _film(join(rendered, stereo), sink, sheet, progress, watch)
    pictures = write_beside(target, first if thumbnail and only is None else None, sheet)
    return RenderResult(
        sink.written, joined_size(*size, stereo), n_frames, form.fps, watch.seconds, pictures, depth.source
    )


def _load(photo: str | os.PathLike[str] | UInt8 | Photo, max_size: int, studio: Studio) -> Photo:
    if isinstance(photo, Photo):
        return photo
    if isinstance(photo, np.ndarray):
        return photo_from_array(photo, max_size=max_size)
    return studio.once("load", load_photo, photo, max_size)


def _film(
    frames: Iterator[UInt8],
    sink: VideoWriter | PictureWriter,
    sheet: ContactSheet | None,
    progress: Progress,
    watch: Stopwatch,
) -> UInt8 | None:
    """Put all frames into the file, and some on the sheet; the first one."""
    first: UInt8 | None = None
    with watch.stage("encode"), sink, watch.stage("render"):
        for frame in frames:
            first = frame if first is None else first
            if sheet is not None:
                sheet.add(frame)
            with watch.stage("encode"):
                sink.write(frame)
            progress.advance()
    return first


def _one(path: CameraPath, number: int) -> CameraPath:
    at = slice(number, number + 1)
    return replace(
        path, world_to_camera=path.world_to_camera[at], focal_factor=path.focal_factor[at], shift=path.shift[at]
    )
