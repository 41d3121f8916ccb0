"""What of the layers behind no camera of a clip can see: it need not be drawn.

To a camera that moves, a point behind the front layer slides along a line in the picture. It stays hidden as long as
there is no gap of the front on the way that the two can move against each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from render.renderer import Renderer
from render.scene import Scene

Float = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Triangles = npt.NDArray[np.int32]

MAP_SIDE_PX = 1500  # at most: gaps are as wide as a pixel of the layers' canvas, which has about as many
MARGIN_PX = 4.0
SPACING_PX = 1.0  # cameras whose lines differ by less count as one
CELL_PX = 32
_LEAST = 1e-3


@dataclass(frozen=True)
class _Front:
    """The front layer as the source camera sees it, on a map (h, w) that shows all of the textures."""

    clearance: Float  # (h, w) distance to the nearest gap, px
    nearest: list[Float]  # entry r: (h / CELL_PX, w / CELL_PX) largest inverse depth in the cells up to r away
    focal_px: float  # px of the map per unit of x / z

    def at(self, rays: Float64) -> Float64:
        """Place (N, 2) on the map, px."""
        h, w = self.clearance.shape
        return np.asarray(rays * self.focal_px + (w / 2, h / 2))


def without_hidden(context: Any, scene: Scene, world_to_camera: Float64) -> Scene:
    """The scene without those triangles behind its front layer that are hidden from all cameras (N, 4, 4)."""
    if len(scene.textures) == 1:
        return scene
    centres = np.einsum("nji,nj->ni", world_to_camera[:, :3, :3], -world_to_camera[:, :3, 3])
    front = _look_at_front(context, scene, centres)
    outermost = _outermost(centres, SPACING_PX / _speed(scene, centres, front.focal_px))

    def seen(triangles: Triangles) -> Bool:
        drawn = scene.texcoord[triangles[:, 0], 2] == 0
        behind = np.flatnonzero(~drawn)
        drawn[behind] = _seen(scene, triangles[behind], outermost, front)
        return drawn

    opaque, soft = (triangles[seen(triangles)] for triangles in (scene.opaque, scene.soft))
    return replace(scene, opaque=opaque, soft=soft)


def _speed(scene: Scene, centres: Float64, focal_px: float) -> float:
    """How many px at most a point slides over another for each unit of way and of difference in inverse depth."""
    ahead = max(float(centres[:, 2].max()), 0.0)
    widest = float(np.linalg.norm(scene.rays, axis=1).max())
    return focal_px * (1 + widest) / max(1 - ahead * float(scene.disparity.max()), _LEAST)


def _outermost(centres: Float64, tolerance: float) -> Float64:
    """Those (M, 3) of the cameras (N, 3) that no other one has within `tolerance` of its way from the source camera.

    Lines to a camera on that way are parts of the lines to the one at its end.
    """
    kept: list[Float64] = []
    for centre in centres[np.argsort(-np.linalg.norm(centres, axis=1), kind="stable")]:
        if kept:
            ends = np.array(kept)
            share = (ends @ centre / np.maximum((ends**2).sum(1), _LEAST**4)).clip(0, 1)
            if np.linalg.norm(ends * share[:, None] - centre, axis=1).min() <= tolerance:
                continue
        kept.append(centre)
    return np.array(kept)


def _seen(scene: Scene, triangles: Triangles, centres: Float64, front: _Front) -> Bool:
    """(T,) whether cameras may see triangles behind the front.

    A camera at (cx, cy, cz) sees a point of the front in the same place as one behind, of inverse depth q, whose
    x / z is less by (cx - cz * x / z) / (1 - cz * q) for each unit that the front's inverse depth is larger.
    """
    corners = scene.rays[triangles].astype(np.float64)
    middles, disparity = corners.mean(1), scene.disparity[triangles].astype(np.float64)
    far, near = disparity.min(1), disparity.max(1)
    size = np.linalg.norm(corners - middles[:, None], axis=2).max(1)
    start = front.at(middles)

    def slide(centre: Float64, some: Any) -> tuple[Float64, Float64]:
        """(N, 2) px for each unit of inverse depth, and (N,) how much of it comes from moving along the axis."""
        slowness = np.maximum(1 - centre[2] * np.where(centre[2] > 0, near[some], far[some]), _LEAST)
        way = (centre[:2] - centre[2] * middles[some]) / slowness[:, None] * front.focal_px
        return way, np.abs(centre[2]) / slowness

    speed = np.max([np.linalg.norm(slide(centre, slice(None))[0], axis=1) for centre in centres], axis=0)
    depth = np.maximum(_nearest_on_the_way(front, start, far, speed) - far, 0)
    seen = np.zeros(len(triangles), bool)
    for centre in centres:
        some = np.flatnonzero(~seen)
        way, along = slide(centre, some)
        radius = size[some] * front.focal_px * (1 + along * depth[some]) + MARGIN_PX + SPACING_PX
        seen[some] = _meets_gap(front.clearance, start[some], way * depth[some, None], radius)
    return seen


def _nearest_on_the_way(front: _Front, start: Float64, far: Float64, speed: Float64) -> Float64:
    """(N,) largest inverse depth of the front as far from each point as it can slide under anything so near."""
    cells = front.nearest[0].shape
    row, column = (np.clip(start[:, k] // CELL_PX, 0, cells[1 - k] - 1).astype(int) for k in (1, 0))
    nearest = front.nearest[-1][row, column].astype(np.float64)
    for reach in reversed(range(len(front.nearest) - 1)):
        local = front.nearest[reach][row, column]
        nearest = np.where((local - far) * speed <= reach * CELL_PX, local, nearest)
    return nearest


def _meets_gap(clearance: Float, start: Float64, way: Float64, radius: Float64) -> Bool:
    """(N,) whether a gap comes within `radius` (N,) of lines from `start` (N, 2) over `way` (N, 2), px of the map."""
    h, w = clearance.shape
    length = np.linalg.norm(way, axis=1)
    direction = way / np.maximum(length, _LEAST)[:, None]
    meets = np.zeros(len(start), bool)
    gone = np.zeros(len(start))
    going = np.arange(len(start))
    while len(going):
        x, y = (start[going] + gone[going, None] * direction[going]).astype(np.int64).T
        free = clearance[y.clip(0, h - 1), x.clip(0, w - 1)] - radius[going]
        meets[going] = free <= 0
        gone[going] += np.maximum(free, 1)
        going = going[(free > 0) & (gone[going] < length[going])]
    return meets


def _look_at_front(context: Any, scene: Scene, centres: Float64) -> _Front:
    """The front layer for cameras at `centres` (N, 3). The source camera looks at the middle of its map."""
    _, texture_h, texture_w, _ = scene.textures.shape
    factor = min(scene.width_px / texture_w, scene.height_px / texture_h)
    scale = min(1.0, MAP_SIDE_PX / max(texture_w, texture_h))
    size = [round(side / factor * scale) for side in (scene.width_px, scene.height_px)]
    # What covers a tear for want of better, whose alpha must not count, is where the front opens.
    triangles = scene.opaque[scene.texcoord[scene.opaque[:, 0], 2] == 0]
    triangles = triangles[(scene.fade[triangles] <= 1).all(1)]
    alone = replace(scene, opaque=triangles, soft=scene.soft[:0], textures=scene.textures[:1, :1, :1])
    with Renderer(context, alone, size[0], size[1], batch=1) as renderer:
        renderer.draw(np.eye(4), factor, np.zeros(2))
        covered = renderer.read(components=4)[..., 3] > 0
    covered[[0, -1]] = covered[:, [0, -1]] = False  # nobody knows what comes there
    clearance = cv2.distanceTransform(covered.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)

    focal = scene.focal_px * scale
    low, high = scene.rays[triangles].min(1), scene.rays[triangles].max(1)
    cells = -(-size[1] // CELL_PX), -(-size[0] // CELL_PX)
    first, last = (
        np.clip((corner * focal + np.array(size) / 2) // CELL_PX, 0, (cells[1] - 1, cells[0] - 1)).astype(int)
        for corner in (low, high)
    )
    level = scene.disparity[triangles].max(1)
    nearest = np.zeros(cells, np.float32)
    for dy in range(int((last - first)[:, 1].max(initial=0)) + 1):
        for dx in range(int((last - first)[:, 0].max(initial=0)) + 1):
            some = (first[:, 1] + dy <= last[:, 1]) & (first[:, 0] + dx <= last[:, 0])
            np.maximum.at(nearest, (first[some, 1] + dy, first[some, 0] + dx), level[some])
    way = float(np.linalg.norm(centres, axis=1).max()) * float(np.ptp(scene.disparity))
    reach = int(np.ceil(_speed(scene, centres, focal) * way / CELL_PX))
    pyramid = [nearest]
    for _ in range(min(reach, max(cells))):
        pyramid.append(cv2.dilate(pyramid[-1], np.ones((3, 3), np.uint8)))
    return _Front(np.asarray(clearance, np.float32), pyramid, focal)
