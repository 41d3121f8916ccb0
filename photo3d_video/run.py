"""A run: the stages of `pipeline` joined, from a photo to a finished file."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from camera_paths import CameraPath
from photo3d_video.cache import Cache, cache_folder
from photo3d_video.depth.builtin import DepthMap
from photo3d_video.depth.estimate import estimate_depth
from photo3d_video.depth.files import find_beside
from photo3d_video.depth.models import AUTO, LocalModel, find_model
from photo3d_video.effects import Effects
from photo3d_video.errors import InputError
from photo3d_video.ffmpeg import Soundtrack
from photo3d_video.files import PictureWriter, check_writable, is_dir, write_picture
from photo3d_video.fill_model import FillModel, find_fill_model
from photo3d_video.focus import find_focus
from photo3d_video.formats import Format, choose_format
from photo3d_video.framing import Framing, find_subject, frame_photo, point_subject
from photo3d_video.photo import DEFAULT_MAX_SIZE, Photo, load_photo, photo_from_array
from photo3d_video.pipeline import (
    DEFAULT_FILL,
    Picture,
    check_path_file,
    check_timing,
    find_move,
    frame_picture,
    make_focus,
    make_layers,
    make_path,
    make_scene,
    make_view,
    parallax_budget_px,
    read_depth,
    render_frames,
    write_depth,
    write_depth_preview,
    write_path,
)
from photo3d_video.progress import Progress, Silent, Stopwatch
from photo3d_video.stereo import eyes, join, joined_size, path_view
from photo3d_video.stills import ContactSheet, beside, still_index
from photo3d_video.studio import Studio
from photo3d_video.video import VideoSpec, VideoWriter

if TYPE_CHECKING:
    from render.scene import Scene

log = logging.getLogger(__name__)

UInt8 = npt.NDArray[np.uint8]

DEFAULT_SECONDS = 4.0  # of a path file with a single keyframe

# What decides depth and scene, besides their inputs, as `Cache.once` takes it.
DEPTH_CODE = ("photo3d_video/depth",)
SCENE_CODE = ("inpaint", "render", "photo3d_video/pipeline.py")


@dataclass(frozen=True)
class RenderResult:
    """What a run made."""

    output: Path
    """The video file, the folder of numbered pictures, or the single picture."""
    size: tuple[int, int]
    """Width and height in px."""
    frames: int
    """Number of frames."""
    fps: float
    """Frames per second."""
    seconds: dict[str, float]
    """Time spent per stage (`progress.STAGES`); encoding overlaps rendering, so `encode` is the time waited for it."""
    beside: tuple[Path, ...] = ()
    """Thumbnail and contact sheet."""
    depth_source: str = ""
    """The model, or the depth map's file."""


def output_file(output: str | os.PathLike[str] | None, photo: Photo, path: str, extension: str = ".mp4") -> Path:
    """Where the clip goes: `output` as a file or folder, else `PHOTO_PATH.mp4` in the working folder."""
    stem = photo.path.stem if photo.path else "photo"
    name = f"{stem}_{Path(path).stem}{extension}"
    if output is None:
        return Path(name)
    target = Path(output)
    return target / name if is_dir(target) or not target.suffix else target


def frame_count(path: str, seconds: float | None, fps: float) -> int:
    """Frames of a clip; `seconds` None is the length of the preset or of the path file."""
    if not 1 <= fps <= 240:
        raise InputError(f"--fps {fps:g} is out of range: give 1 to 240")
    if seconds is None:
        seconds = find_move(path).default_seconds or DEFAULT_SECONDS
    if not 0 < seconds <= 600:
        raise InputError(f"--seconds {seconds:g} is out of range: give more than 0, at most 600")
    return max(1, round(seconds * fps))


def find_depth(
    photo: Photo,
    given: str | os.PathLike[str] | DepthMap | None,
    far_is_white: bool,
    model: LocalModel | None,
    store: Cache,
) -> DepthMap:
    """The depth that is given, else what `model` (None: the built-in network) estimates, from `store` if it has it."""
    if given is None:
        key = (photo.rgb, None if model is None else model.identity)
        found = store.once(DepthMap, DEPTH_CODE, key, lambda: estimate_depth(photo.rgb, model))
    else:
        found = given if isinstance(given, DepthMap) else read_depth(given, photo, far_is_white)
    log.info("depth: %s", found.source)
    return found


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

    `photo`: a file, an (H, W, 3) uint8 sRGB array or a loaded `Photo`. `path`: a preset's name or a path file (.json).
    `output`: a file, whose ending chooses the kind (`codecs.CONTAINERS`), or a folder; by default `PHOTO_PATH.mp4` in
    the working folder. `depth`: a depth map file or a `DepthMap`; by default `photo.depth.png` beside the photo if it
    is there, else estimated by `depth_model` (`download` fetches it, both as in `depth.models.find_model`). `strength`
    scales the camera move. `focus_xy`: what the camera holds on to, as fractions of the frame. `loop`: moves that do
    not loop go back again. `save_path`: a path file (.json) for the move.

    `destination`: where it will be posted (`destinations.DESTINATIONS`); whatever else is given goes first. `aspect`
    and `resolution` (`destinations.ASPECTS`, `.RESOLUTIONS`) or `size` (width, height): crops keep the subject in the
    picture; by default the photo's aspect within 1080p. `preview`: the same small and fast, with a long side of
    480 px at 15 frames per second. `stereo`: a kind of `stereo.JOINS`. `still`: only the frame
    at that time, seconds or "50%", as PNG or JPEG. `thumbnail`, `contact_sheet`: a JPEG of the first frame, a PNG of
    twelve, beside the clip. `audio`: sound to put under it. `codec`, `crf` (on the codec's own scale) and `preset`
    (x264's names) are the encoder's; `hardware` takes one in graphics hardware. `dof`: strength of a depth of field
    around the focus, which `focus_pull` moves to another point of the frame during the clip; `vignette`: of darker
    corners (both 0 to 2, 1 is usual). `fill` paints what the photo hides,
    or `fill_model` instead: an inpainting model of your own (.onnx), as `inpaint.onnx_fill` takes it.
    `max_size`: the photo is loaded at no more than this long side in px. `save_depth`: a 16-bit PNG for the depth map;
    `save_depth_preview`: a PNG of it in colours. `cache`: whether depth and scene are taken from the user's cache on
    disk and kept there. `studio`: shared by runs that make several clips; what the last one worked out and this one
    needs again (photo, depth, scene) is taken from it.

    Raises a `Photo3DError` for anything that cannot be done; then no clip is written.
    """
    progress = progress or Silent()
    watch = Stopwatch()
    store = Cache(cache_folder() if cache else None)
    form = choose_format(
        output, single=still is not None, codec=codec, destination=destination, size=size, aspect=aspect,
        resolution=resolution, fps=fps, stereo=stereo, preview=preview,
    )  # fmt: skip
    fps = form.fps
    n_frames = frame_count(path, seconds, fps)
    only = None if still is None else still_index(still, n_frames, fps)
    timing: dict[str, Any] = {
        "easing": easing, "reverse": reverse, "boomerang": boomerang or (loop and not find_move(path).loops),
        "still_frames": round(start_still_s * fps),
    }  # fmt: skip
    check_timing(path, n_frames, **timing)
    if supersample not in (1, 2):
        raise InputError(f"--supersample {supersample} is out of range: give 1, or 2 to draw at twice the size")
    effects = Effects(dof, vignette, focus_pull)
    if save_path is not None:
        check_path_file(save_path)
    if hardware and only is not None:
        raise InputError("--hardware is for clips: leave it out with --still")
    if audio is not None and only is not None:
        raise InputError("--audio is for clips: leave it out with --still")
    soundtrack = None if audio is None else Soundtrack(Path(audio), n_frames / fps)
    model = None if depth is not None else find_model(depth_model, download)
    painter = fill if fill_model is None else find_fill_model(fill_model)

    def get_depth(photo: Photo, given: Any, far_is_white: bool, model: Any, map_file: Any, picture: Any) -> DepthMap:
        progress.start("depth")
        found = find_depth(photo, given, far_is_white, model, store)
        if map_file is not None:
            write_depth(map_file, found, photo)
        if picture is not None:
            write_depth_preview(picture, found, photo)
        return found

    def build(picture: Picture, budget_px: float, painter: str | FillModel) -> Scene:
        from render.scene import Scene

        def build_anew() -> Scene:
            progress.start("layers")
            layers = make_layers(picture, budget_px, watch, painter)
            with watch.stage("mesh"):
                progress.start("mesh")
                return make_scene(picture, layers)

        with watch.stage("layers"):
            return store.once(Scene, SCENE_CODE, (picture, budget_px, painter), build_anew)

    with ExitStack() as stack:
        with watch.stage("load"):
            progress.start("load")
            if studio is None:
                studio = stack.enter_context(Studio())  # first of all: without OpenGL the rest is in vain
            if not isinstance(photo, Photo):
                max_size = max_size or max(DEFAULT_MAX_SIZE, 2 * form.long_side_px)  # a crop needs more than its size
                if isinstance(photo, np.ndarray):
                    photo = photo_from_array(photo, max_size=max_size)
                else:
                    photo = studio.once("load", load_photo, photo, max_size)
            size = form.size_for(photo.rgb.shape[1], photo.rgb.shape[0])
            frame_photo(photo.rgb.shape[1], photo.rgb.shape[0], size)  # refuses sizes that no encoder takes
            target = output_file(output, photo, path, form.extension)
            sink = _open_sink(target, form, joined_size(*size, stereo), crf, preset, soundtrack, hardware)
            for file in (target, save_depth, save_depth_preview):
                if file is not None:
                    check_writable(Path(file))
            sheet = ContactSheet(n_frames) if contact_sheet and only is None else None
            budget = parallax_budget_px(*size, strength)
        with watch.stage("depth"):
            if depth is None and photo.path is not None:
                depth = find_beside(photo.path)
            depth = studio.once("depth", get_depth, photo, depth, far_is_white, model, save_depth, save_depth_preview)
            picture = studio.once("picture", frame_picture, photo, depth, place(photo, depth, size))
        view = make_view(picture, budget, focus_xy)
        cameras = make_path(path, path_view(view, stereo), n_frames, **timing)
        focus = make_focus(path, view, picture, focus_pull, n_frames, **timing)
        if save_path is not None:
            write_path(save_path, path, path_view(view, stereo), n_frames / fps, **timing)
        if only is not None:
            cameras, n_frames, focus = _one(cameras, only), 1, focus[only : only + 1]
        scene = studio.once("scene", build, picture, budget, painter)
        progress.start("render", n_frames)
        rendered = render_frames(studio.context, scene, eyes(cameras, view, stereo, fps), supersample, effects, focus)
        # Closed on every way out: the renderer must let go of its buffers before the context goes.
        stack.enter_context(closing(rendered))
        frames = join(rendered, stereo)
        first: UInt8 | None = None
        with watch.stage("encode"), sink, watch.stage("render"):
            for frame in frames:
                first = frame if first is None else first
                if sheet is not None:
                    sheet.add(frame)
                with watch.stage("encode"):
                    sink.write(frame)
                progress.advance()
    pictures: dict[Path, UInt8] = {}
    if thumbnail and only is None and first is not None:
        pictures[beside(target, "_thumbnail.jpg")] = first
    if sheet is not None:
        pictures[beside(target, "_sheet.png")] = sheet.picture()
    for file, picture_rgb in pictures.items():
        write_picture(file, picture_rgb)
    return RenderResult(
        sink.written, joined_size(*size, stereo), n_frames, fps, watch.seconds, tuple(pictures), depth.source
    )


def _open_sink(
    target: Path,
    form: Format,
    size: tuple[int, int],
    crf: int | None,
    preset: str,
    soundtrack: Soundtrack | None,
    hardware: bool,
) -> VideoWriter | PictureWriter:
    if form.codec is None:
        return PictureWriter(target)
    full_chroma = form.stereo == "anaglyph"  # halved chroma would mix the eyes' pictures at every edge
    spec = VideoSpec(*size, form.fps, crf, preset, form.codec, form.max_kbps, full_chroma, soundtrack, hardware)
    return VideoWriter(target, spec)


def place(photo: Photo, depth: DepthMap, size: tuple[int, int]) -> Framing:
    """The crop of the photo that shows its subject; where nobody knows a subject, what is near and central."""
    subject = find_subject(depth.subject) or point_subject(find_focus(depth.disparity, None)[0])
    return frame_photo(photo.rgb.shape[1], photo.rgb.shape[0], size, subject)


def _one(path: CameraPath, number: int) -> CameraPath:
    at = slice(number, number + 1)
    return replace(
        path, world_to_camera=path.world_to_camera[at], focal_factor=path.focal_factor[at], shift=path.shift[at]
    )
