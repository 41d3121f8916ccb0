"""Gaps that would show as specks, closed.

Where three surfaces meet, or estimated depth is off by a pixel or two at the end of a tear, the front opens as a dot of
whatever lies far behind. Which of those anyone would see no look at the layers tells; a look at what a camera sees
does. The front is bent there instead, and the camera looks again: bends that show as much are none.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from photo3d_video.moves import make_path
from photo3d_video.pipeline import Picture, make_scene, make_view, render_frames

if TYPE_CHECKING:
    from camera_paths import CameraPath
    from inpaint.layers import LayeredImage
    from render.scene import Scene

Index = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
UInt8 = npt.NDArray[np.uint8]

PATH, VIEWS = "circle", 8  # opens gaps as wide as other presets do, to all sides
AROUND_PX = 2  # what a speck is seen through lies so close to it
MOST = 100  # specks in a view: where there are more, gaps are the least of it
NEARBY_PX = 6  # gaps so close to each other are one


@dataclass(frozen=True)
class _Specks:
    """The specks in all views, N, by where the front around them is on the layers' canvas."""

    box: Index  # (N, 4) left, top, right, bottom
    through: Bool  # (N,) whether something behind the front shows

    def in_gaps(self, gap: npt.NDArray[np.int32]) -> Index:
        """How many are in each of the gaps that the map `gap` (H, W) numbers, 0 being none."""
        x, y = (self.box[:, 0] + self.box[:, 2]) // 2, (self.box[:, 1] + self.box[:, 3]) // 2
        return np.bincount(gap[y, x], minlength=int(gap.max()) + 1)


def close_gaps(context: Any, picture: Picture, layers: LayeredImage, scene: Scene) -> Scene:
    """The `scene` of a picture's layers, without those gaps in the front that show as specks, if bends do not.

    Raises GLUnavailableError where the driver cannot hold the scene.
    """
    if not layers.budget_px:
        return scene
    from render.specks import speck_limit

    looked_at = _at_layers_size(picture)
    limit = speck_limit(looked_at.rgb, layers.budget_px)
    cameras = make_path(PATH, make_view(looked_at, layers.budget_px), VIEWS)
    small = _resized(scene, looked_at)
    before = _find(context, small, layers, cameras, limit)
    boxes = before.box[before.through]
    if not len(boxes):
        return scene
    closed = make_scene(picture, _closed(layers, boxes), scene.textures)
    after = _find(context, _resized(closed, looked_at, small.textures), layers, cameras, limit)
    gap = _gaps(boxes, layers.layers[0].disparity.shape)
    better = after.in_gaps(gap) < before.in_gaps(gap)
    good = better[gap[boxes[:, 1], boxes[:, 0]]]
    if good.all():
        return closed
    return make_scene(picture, _closed(layers, boxes[good]), scene.textures) if good.any() else scene


def _at_layers_size(picture: Picture) -> Picture:
    """The picture as large as its layers: gaps are no finer, and large clips have many more pixels."""
    h, w = picture.disparity.shape
    if picture.rgb.shape[:2] == (h, w):
        return picture
    rgb = np.asarray(cv2.resize(picture.rgb, (w, h), interpolation=cv2.INTER_AREA), np.uint8)
    return replace(picture, rgb=rgb, focal_px=picture.focal_px * w / picture.rgb.shape[1])


def _resized(scene: Scene, picture: Picture, textures: UInt8 | None = None) -> Scene:
    """The scene of a picture of another size; `textures`: its textures at that size, if they are known."""
    height, width = picture.rgb.shape[:2]
    if (scene.width_px, scene.height_px) == (width, height):
        return scene
    if textures is None:
        _, texture_h, texture_w, _ = scene.textures.shape
        size = round(texture_w * width / scene.width_px), round(texture_h * height / scene.height_px)
        small = [cv2.resize(texture, size, interpolation=cv2.INTER_AREA) for texture in scene.textures]
        textures = np.stack(small).astype(np.uint8)
    return replace(scene, textures=textures, width_px=width, height_px=height, focal_px=picture.focal_px)


def _find(
    context: Any, scene: Scene, layers: LayeredImage, cameras: CameraPath, limit: npt.NDArray[np.int16]
) -> _Specks:
    from render.specks import specks

    views = zip(cameras.world_to_camera, cameras.focal_factor.tolist(), cameras.shift, strict=True)
    with closing(render_frames(context, scene, cameras)) as frames:  # whatever happens, before the context goes
        found = [specks(frame, limit) for frame in frames]
    some = [(view, where) for view, where in zip(views, found, strict=True) if 0 < np.count_nonzero(where) <= MOST]
    parts = [_Specks(np.empty((0, 4), np.int64), np.empty(0, bool)), *(_locate(scene, layers, *one) for one in some)]
    return _Specks(np.concatenate([part.box for part in parts]), np.concatenate([part.through for part in parts]))


def _locate(scene: Scene, layers: LayeredImage, view: tuple[Any, ...], where: Bool) -> _Specks:
    """The specks `where` (H, W) in the frame of a view, as large as the layers; those without any front around them are
    left out.
    """
    from render.lookup import look_up

    y, x = np.nonzero(where)
    steps = np.arange(-AROUND_PX, AROUND_PX + 1)
    window = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    around = np.clip(np.stack([x, y], 1)[:, None] + window, 0, (scene.width_px - 1, scene.height_px - 1))
    pose, focal_factor, shift = view
    seen = look_up(scene, pose, focal_factor, shift, around.reshape(-1, 2))
    layer = seen.layer.reshape(len(y), -1)
    h, w = layers.layers[0].disparity.shape
    border = (scene.textures.shape[2] - scene.width_px) / 2
    place = (seen.place - border + layers.border_px).reshape(*layer.shape, 2)
    front = (layer == 0)[..., None]
    low, high = np.where(front, place, np.inf).min(1), np.where(front, place, -np.inf).max(1)
    some = front.any((1, 2))
    box = np.concatenate([np.floor(low[some]) - 1, np.floor(high[some]) + 2], 1)
    return _Specks(np.clip(box, 0, (w - 1, h - 1) * 2).astype(np.int64), layer[some, len(window) // 2] > 0)


def _closed(layers: LayeredImage, boxes: Index) -> LayeredImage:
    """The layers with the front's tears in `boxes` (N, 4) mended."""
    front = layers.layers[0]
    right, down = front.links.right.copy(), front.links.down.copy()
    for left, top, end, bottom in boxes:
        right[top:bottom, left:end] = down[top:bottom, left:end] = True
    mended = replace(front, links=replace(front.links, right=right, down=down))
    return replace(layers, layers=(mended, *layers.layers[1:]))


def _gaps(boxes: Index, shape: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """(H, W) number of the gap that is nearby, 0 where there is none; `boxes` (N, 4) are parts of gaps."""
    plane = np.zeros(shape, np.uint8)
    for left, top, right, bottom in boxes:
        plane[top:bottom, left:right] = 1
    return np.asarray(cv2.connectedComponents(cv2.dilate(plane, np.ones((2 * NEARBY_PX + 1,) * 2, np.uint8)))[1])
