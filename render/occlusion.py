"""What of the layers behind no camera of a clip can see: it need not be drawn.

A point behind the front layer stays hidden as long as the nearest gap of the front is farther away than the two can
move against each other. The backdrop, which lies behind everything, is hidden nearly everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from render.renderer import Renderer
from render.scene import Scene

Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]

MAP_SIDE_PX = 2400  # at most: gaps are as wide as a pixel of the layers' canvas, which has about 1500
MARGIN_PX = 3.0
_LEAST = 1e-3


def without_hidden(context: Any, scene: Scene, world_to_camera: npt.NDArray[np.float64]) -> Scene:
    """The scene without those triangles behind its front layer that are hidden from all cameras (N, 4, 4)."""
    if len(scene.textures) == 1:
        return scene
    clearance, focal = _clearance(context, scene)
    h, w = clearance.shape
    x, y, z = np.einsum("nji,nj->in", world_to_camera[:, :3, :3], -world_to_camera[:, :3, 3])  # camera centres
    aside, along, ahead = np.hypot(x, y).max(), np.abs(z).max(), max(z.max(), 0)
    nearest = scene.disparity.max()

    def seen(triangles: npt.NDArray[np.int32]) -> Bool:
        behind = scene.texcoord[triangles[:, 0], 2] > 0
        corners = scene.rays[triangles[behind]]
        middles, disparity = corners.mean(1), scene.disparity[triangles[behind]].min(1)
        size = np.linalg.norm(corners - middles[:, None], axis=2).max(1)
        # A camera at (cx, cy, cz) sees a point of the front in the same place as one behind, of inverse depth q, whose
        # x / z is less by (cx - cz * x / z) / (1 - cz * q) for each unit that the front's inverse depth is larger.
        speed = (aside + along * (np.linalg.norm(middles, axis=1) + size)) / np.maximum(1 - ahead * disparity, _LEAST)
        needed = ((nearest - disparity) * speed + size) * focal + MARGIN_PX
        column, row = (middles * focal + (w / 2, h / 2)).astype(np.int64).T
        drawn = ~behind
        drawn[behind] = clearance[row.clip(0, h - 1), column.clip(0, w - 1)] <= needed
        return drawn

    opaque, soft = (triangles[seen(triangles)] for triangles in (scene.opaque, scene.soft))
    return replace(scene, opaque=opaque, soft=soft)


def _clearance(context: Any, scene: Scene) -> tuple[Float, float]:
    """Distance (h, w), in px, to the nearest gap of the front as the source camera sees it; px per unit of x / z.

    The source camera looks at the middle of the map, which shows all of the textures.
    """
    _, texture_h, texture_w, _ = scene.textures.shape
    factor = min(scene.width_px / texture_w, scene.height_px / texture_h)
    scale = min(1.0, MAP_SIDE_PX / max(texture_w, texture_h))
    size = [round(side / factor * scale) for side in (scene.width_px, scene.height_px)]
    # What covers a tear for want of better, whose alpha must not count, is where the front opens.
    front = (scene.texcoord[scene.opaque[:, 0], 2] == 0) & (scene.fade[scene.opaque] <= 1).all(1)
    alone = replace(scene, opaque=scene.opaque[front], soft=scene.soft[:0], textures=scene.textures[:1, :1, :1])
    with Renderer(context, alone, *size) as renderer:
        renderer.draw(np.eye(4), factor, np.zeros(2))
        covered = renderer.read(components=4)[..., 3] > 0
    covered[[0, -1]] = covered[:, [0, -1]] = False  # nobody knows what comes there
    clearance = cv2.distanceTransform(covered.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(clearance, np.float32), scene.focal_px * scale
