"""What a camera sees at single pixels: found on the processor, for the few that one wants to know of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from render.scene import Scene

Float64 = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

AT_A_TIME = 256  # pixels: each is held against all triangles
SEEN = 0.5  # what covers less of a pixel than that is seen through
_EDGE = 1e-6


@dataclass(frozen=True)
class Seen:
    """What N pixels show."""

    layer: Index  # (N,) number of the layer, -1 where there is nothing
    place: Float64  # (N, 2) where on its texture, px


def look_up(scene: Scene, pose: Float64, focal_factor: float, shift: Float64, pixels: Index) -> Seen:
    """What a camera, given as to `Renderer.draw`, sees at `pixels` (N, 2), x and y of a frame of the picture's size."""
    points = np.column_stack([scene.rays, np.ones(len(scene.rays))]) @ pose[:3, :3].T
    points += scene.disparity[:, None] * pose[:3, 3]
    z = points[:, 2]
    size = np.array([scene.width_px, scene.height_px])
    at = (points[:, :2] / z[:, None] * focal_factor + shift) * scene.focal_px + size / 2
    nearness = scene.disparity / z - scene.layer_step * scene.texcoord[:, 2]
    triangles = np.concatenate([scene.opaque, scene.soft])
    is_soft = np.arange(len(triangles)) >= len(scene.opaque)
    low, high = at[triangles].min(1), at[triangles].max(1)
    layer, place = np.full(len(pixels), -1), np.zeros((len(pixels), 2))
    _, texture_h, texture_w, _ = scene.textures.shape
    for start in range(0, len(pixels), AT_A_TIME):
        centre = pixels[start : start + AT_A_TIME] + 0.5
        may = np.flatnonzero(((low <= centre.max(0)) & (high >= centre.min(0))).all(1))
        pixel, hit = np.nonzero(((low[may] <= centre[:, None]) & (high[may] >= centre[:, None])).all(-1))
        hit = may[hit]
        corners = triangles[hit]
        share = _shares(at[corners] - centre[pixel][:, None])
        inside = (share >= -_EDGE).all(1)
        pixel, hit, corners, share = pixel[inside], hit[inside], corners[inside], share[inside]
        true = share / z[corners]  # linear in space, not on the screen
        true /= true.sum(1, keepdims=True)
        texel = np.einsum("nk,nkc->nc", true, scene.texcoord[corners, :2]) * (texture_w, texture_h)
        number = scene.texcoord[corners[:, 0], 2].astype(int)
        x, y = np.clip(np.floor(texel), 0, (texture_w - 1, texture_h - 1)).astype(int).T
        fade = (true * scene.fade[corners]).sum(1)
        alpha = np.where(fade > 1.5, 1, fade * scene.textures[number, y, x, 3] / 255)
        shown = ~is_soft[hit] | (alpha >= SEEN)
        order = np.lexsort(((share * nearness[corners]).sum(1), pixel))
        order = order[shown[order]]  # within each pixel from far to near: the last one is what is written
        layer[start + pixel[order]], place[start + pixel[order]] = number[order], texel[order]
    return Seen(layer, place)


def _shares(corners: Float64) -> Float64:
    """(N, 3) barycentric coordinates of the origin in triangles (N, 3, 2); -1 in those without an area."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    parts = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)], 1)
    area = parts.sum(1, keepdims=True)
    return np.where(np.abs(area) > _EDGE, parts / np.where(area == 0, 1, area), -1)


def _cross(a: Float64, b: Float64) -> Float64:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
