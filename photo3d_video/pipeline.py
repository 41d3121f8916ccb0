"""The stages of a run, one function each; `run` joins them.

`Photo -> DepthMap -> LayeredImage -> Scene -> frames -> video file`. Depth is estimated on the whole photo; from then
on everything is the framed clip picture: cropped, at the clip's size.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from camera_paths import (
    CameraPath,
    View,
)
from photo3d_video.depth.builtin import DepthMap, without_triton
from photo3d_video.depth.disparity import normalise_disparity
from photo3d_video.depth.files import read_disparity, write_disparity_png
from photo3d_video.depth.fitting import fit_to_photo
from photo3d_video.effects import Effects
from photo3d_video.errors import GLUnavailableError, InputError, OutputError, WeightsError
from photo3d_video.files import write_picture
from photo3d_video.fill_model import FillModel, load_fill
from photo3d_video.focus import find_focus, focus_at
from photo3d_video.framing import Framing, apply_framing, find_subject, frame_photo, point_subject
from photo3d_video.interruptions import held_back
from photo3d_video.memory import return_freed
from photo3d_video.photo import Photo
from photo3d_video.progress import Progress, Silent, Stopwatch
from photo3d_video.timm_import import import_efficientnet

if TYPE_CHECKING:
    from inpaint.fill import Fill
    from inpaint.layers import LayeredImage
    from render.renderer import Renderer
    from render.scene import Scene

log = logging.getLogger(__name__)

Float = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]
T = TypeVar("T")

BUDGET_SHARE = 0.06  # parallax budget at strength 1, of the frame's diagonal
FAR_DISPARITY = 0.08  # the farthest surface is this much of the nearest's inverse depth: far, not at infinity
# Layers are worked out at most at this long side; textures have the clip's own resolution.
LAYERS_SIDE_PX, PREVIEW_LAYERS_SIDE_PX = 1280, 320
DEFAULT_FILL = "network"
MAX_STRENGTH = 2.0


@dataclass(frozen=True, eq=False)
class Picture:
    """The framed photo with its scene depth: what the layered image is made from."""

    rgb: UInt8
    """(H, W, 3) sRGB at the clip's size."""
    disparity: Float
    """(h, w) inverse depth in scene units, FAR_DISPARITY..1, at the size that layers are worked out at."""
    subject: Float | None
    """(h, w) probability of subject pixels in 0..1."""
    focal_px: float
    """Focal length in pixels of `rgb`."""


def read_depth(file: str | os.PathLike[str], photo: Photo, far_is_white: bool = False) -> DepthMap:
    """The user's own depth map for a photo. Raises InputError for files that are not one."""
    raw = read_disparity(file, far_is_white=far_is_white)
    disparity = fit_to_photo(normalise_disparity(raw), photo.rgb, name=str(file))
    return DepthMap(disparity, None, str(file))


def write_depth(file: str | os.PathLike[str], depth: DepthMap, photo: Photo) -> None:
    """Write a depth map at the photo's size as a 16-bit PNG, white is near: `read_depth` takes it back."""
    if Path(file).suffix.lower() != ".png":
        raise OutputError(f"{file} must end in .png: the depth map is written as a 16-bit PNG")
    _spare_photo(Path(file), photo)
    h, w = photo.rgb.shape[:2]
    write_disparity_png(file, np.asarray(cv2.resize(depth.disparity, (w, h)), np.float32))


def write_depth_preview(file: str | os.PathLike[str], depth: DepthMap, photo: Photo) -> None:
    """Write a depth map at the photo's size as a picture to look at: red is near, blue is far."""
    if Path(file).suffix.lower() != ".png":
        raise OutputError(f"{file} must end in .png: the colours of the depth map are written as a PNG")
    _spare_photo(Path(file), photo)
    h, w = photo.rgb.shape[:2]
    levels = np.round(np.clip(cv2.resize(depth.disparity, (w, h)), 0, 1) * 255).astype(np.uint8)
    bgr = cv2.applyColorMap(levels, cv2.COLORMAP_TURBO)
    write_picture(Path(file), np.ascontiguousarray(bgr[..., ::-1]).astype(np.uint8))


def _spare_photo(file: Path, photo: Photo) -> None:
    if photo.path is not None and file.resolve() == photo.path.resolve():
        raise OutputError(f"{file} is the photo itself: give its depth another name")


def place(photo: Photo, depth: DepthMap, size: tuple[int, int]) -> Framing:
    """The crop of the photo that shows its subject; where nobody knows a subject, what is near and central."""
    subject = find_subject(depth.subject) or point_subject(find_focus(depth.disparity, None)[0])
    return frame_photo(photo.rgb.shape[1], photo.rgb.shape[0], size, subject)


def frame_picture(photo: Photo, depth: DepthMap, framing: Framing, layers_side_px: int = LAYERS_SIDE_PX) -> Picture:
    """Crop and scale photo and depth to the clip's picture, whose layers have this long side at most."""
    size = (framing.width_px, framing.height_px)
    rgb = apply_framing(photo.rgb, framing, size)
    scale = min(1.0, layers_side_px / max(size))
    small = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    disparity: Float = np.clip(apply_framing(depth.disparity, framing, small), 0, 1, dtype=np.float32)
    subject = None if depth.subject is None else np.clip(apply_framing(depth.subject, framing, small), 0, 1)
    estimated = None if depth.focal_widths is None else depth.focal_widths * photo.rgb.shape[1]
    focal = photo.focal_px or estimated or float(max(photo.rgb.shape[:2]))  # unknown: 53.13 degrees on the long side
    zoom = framing.width_px / (framing.crop_width * photo.rgb.shape[1])
    return Picture(
        rgb.astype(np.uint8),
        np.asarray(FAR_DISPARITY + (1 - FAR_DISPARITY) * disparity, np.float32),
        None if subject is None else subject.astype(np.float32),
        focal * zoom,
    )


def parallax_budget_px(width_px: int, height_px: int, strength: float) -> float:
    """The largest displacement between the nearest surface and infinity that a clip of this strength shows."""
    if not 0 <= strength <= MAX_STRENGTH:
        raise InputError(f"--strength {strength:g} is out of range: give 0 (still) to {MAX_STRENGTH:g}, 1 is usual")
    return strength * BUDGET_SHARE * float(np.hypot(width_px, height_px))


def make_layers(
    picture: Picture,
    budget_px: float,
    watch: Stopwatch | None = None,
    fill: str | FillModel = DEFAULT_FILL,
    progress: Progress | None = None,
) -> LayeredImage:
    """Layered image of a picture for a parallax budget in pixels of the clip; `fill` paints what is hidden.

    Each painting is a step of `progress`; nobody knows before how many there will be.
    """
    from inpaint.edges import sharpen
    from inpaint.fill import FILLS
    from inpaint.sight import Sight
    from inpaint.subject import in_one_piece

    if isinstance(fill, str) and fill not in FILLS:
        raise InputError(f"unknown fill {fill!r}: choose one of {', '.join(FILLS)}")
    paint = FILLS[fill] if isinstance(fill, str) else load_fill(fill)

    watch, progress = watch or Stopwatch(), progress or Silent()
    h, w = picture.disparity.shape
    rgb = cv2.resize(picture.rgb, (w, h), interpolation=cv2.INTER_AREA)
    budget = budget_px * w / picture.rgb.shape[1]

    def timed(make: Callable[..., T], *arguments: Any) -> T:
        with watch.stage("fill"):
            made = make(*arguments)
        progress.advance()
        return made

    with ThreadPoolExecutor(1) as other, watch.stage("layers"):
        _load_network("sight")
        # What lies past the border needs no sharp depth, and the other core has nothing to do while that is made.
        border = other.submit(_paint_border, rgb, picture.disparity, budget, paint)
        sight = Sight(rgb, picture.disparity)
        sharp = sharpen(sight, budget)
        if picture.subject is not None:
            sharp = in_one_piece(sharp, picture.subject)
        from inpaint.layers import build_layers  # takes a tenth of a second, in which the border is being painted

        return build_layers(rgb, sharp, budget, partial(timed, paint), sight, partial(timed, border.result))


def _paint_border(rgb: UInt8, disparity: Float, budget_px: float, paint: Fill) -> Float:
    from inpaint.canvas import paint_border
    from inpaint.network_fill import network_fill

    if paint is network_fill:
        _load_network("network_fill")
    return paint_border(rgb, disparity, budget_px, paint)


def _load_network(user: str) -> None:
    """The network that a module of `inpaint` uses."""
    from inpaint.loading import MissingWeightsError

    try:
        with without_triton():
            import_efficientnet()
            module = importlib.import_module(f"inpaint.{user}")
            module.load_network(module.WEIGHTS)
    except MissingWeightsError as error:
        raise WeightsError(str(error)) from error


def make_scene(picture: Picture, layers: LayeredImage, textures: UInt8 | None = None) -> Scene:
    """Meshes and textures of a layered image. `textures`: those of a scene whose layers differ in their links alone."""
    from inpaint.textures import compose_textures
    from render.mesh import Surface, build_mesh
    from render.scene import build_scene

    def composed_textures() -> UInt8:
        return compose_textures(layers, picture.rgb)[0] if textures is None else textures

    surfaces = [Surface(layer.disparity, layer.links.right, layer.links.down, layer.drawn) for layer in layers.layers]
    alphas = [layer.alpha for layer in layers.layers]
    neighbours = [None, *surfaces[:-1]], [*surfaces[1:], None]
    colours = [layers.layers[0].rgb] + [None] * (len(surfaces) - 1)  # behind it, nobody sees outlines fold
    with ThreadPoolExecutor(2) as workers:
        composed = workers.submit(composed_textures)
        meshes = list(workers.map(build_mesh, surfaces, alphas, repeat(layers.budget_px), *neighbours, colours))
    pictures = composed.result()
    border = (pictures.shape[2] - picture.rgb.shape[1]) // 2
    scale = picture.rgb.shape[1] / picture.disparity.shape[1]
    return build_scene(meshes, layers.border_px, scale, pictures, border, picture.focal_px, layers.budget_px)


def make_view(picture: Picture, budget_px: float, focus_xy: tuple[float, float] | None = None) -> View:
    """What camera paths need to know of a picture; the focus is the subject unless a point is given."""
    if focus_xy is not None and not all(0 <= value <= 1 for value in focus_xy):
        raise InputError(f"--focus {focus_xy[0]:g},{focus_xy[1]:g} is outside of the frame: give fractions 0..1")
    h, w = picture.rgb.shape[:2]
    top = 1.0
    if focus_xy is None:
        focus_xy, q = find_focus(picture.disparity, picture.subject)
        subject = find_subject(picture.subject)
        top = 1.0 if subject is None else subject.top
    else:
        q = focus_at(picture.disparity, focus_xy)
    return View(w, h, picture.focal_px, budget_px, 1 / q, focus_xy, top)


def render_frames(
    context: Any,
    scene: Scene,
    path: CameraPath,
    supersample: int = 1,
    effects: Effects | None = None,
    focus: npt.NDArray[np.float64] | None = None,
) -> Generator[UInt8, None, None]:
    """Frames (H, W, 3) uint8 of a scene along a path. Raises GLUnavailableError where the driver cannot hold it.

    `focus` (M, 3), from `make_focus`, is what a depth of field needs; each row is for N / M frames of the path.
    """
    from render.errors import RenderError

    effects = effects or Effects()
    points = [None] * len(path) if focus is None else np.repeat(focus, len(path) // len(focus), axis=0)
    views = zip(path.world_to_camera, path.focal_factor, path.shift, points, strict=True)
    try:
        with ExitStack() as held:
            with held_back():  # moderngl crashes where it is interrupted while it makes a program
                renderer = held.enter_context(_renderer(context, scene, path, supersample, effects))
                del scene  # the driver has all of it now
                return_freed()
            yield from renderer.frames(views)
    except RenderError as error:
        raise GLUnavailableError(str(error)) from error


def _renderer(context: Any, scene: Scene, path: CameraPath, supersample: int, effects: Effects) -> Renderer:
    """What of a scene one sees along a path, ready to be drawn."""
    from render.occlusion import without_hidden
    from render.renderer import Renderer
    from render.textures import refine

    with ThreadPoolExecutor(1) as other:
        finer = other.submit(refine, scene.textures[0])  # takes as long as to find out what is hidden
        seen = without_hidden(context, scene, path.world_to_camera)
        size = (scene.width_px, scene.height_px)
        return Renderer(context, seen, *size, supersample, effects.dof, effects.vignette, finer.result())


def open_context() -> Any:
    """An offscreen OpenGL context. Raises GLUnavailableError with the cure where there is none."""
    from render.errors import RenderError
    from render.renderer import create_context

    try:
        return create_context()
    except RenderError as error:
        raise GLUnavailableError(str(error)) from error
