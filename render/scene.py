"""The scene that the renderer draws: all layers' meshes in one vertex buffer, opaque and soft triangles apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from render.mesh import Mesh

Float = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

LAYER_STEP_PX = 3.0  # at the far end of the budget: two meshes of one surface may be so far apart, see MAX_ERROR_PX
MAX_LAYER_STEP = 0.2  # inverse depth: layers.vert.glsl has room for no more
SOFT_STEP = 1 / 64  # disparity
SOFT_CELL_PX = 32


@dataclass(frozen=True)
class Scene:
    """Geometry and textures of a layered image, ready to upload."""

    rays: Float  # (V, 2) x / z and y / z in the source camera
    disparity: Float  # (V,) inverse depth
    fade: Float  # (V,) factor on alpha
    texcoord: Float  # (V, 3) u, v in 0..1 and the texture's number
    # (T, 3), layer by layer, front first: what is hidden is rejected before it is shaded. Within a layer in the mesh's
    # order, in which neighbours follow each other: drivers keep the vertices that they have transformed last.
    opaque: npt.NDArray[np.int32]
    # (S, 3), far to near: drawn last, blended over all that lies behind. See `far_to_near`.
    soft: npt.NDArray[np.int32]
    textures: UInt8  # (L, Ht, Wt, 4) sRGB times alpha, and alpha
    width_px: int  # of the source picture that the identity pose reproduces
    height_px: int
    focal_px: float  # in pixels of the source picture
    # Inverse depth by which each layer gives way to the one before it where both show one surface: their meshes differ.
    layer_step: float


def far_to_near(x: Float, y: Float, disparity: Float, layer: Float) -> npt.NDArray[np.int64]:
    """Order (S,) in which to blend triangles, given by their middles in px of the source picture and the inverse depth
    of their farthest corner: what lies over a slope comes after it.

    Those whose depth is so much alike that no move parts them by more than two or three px are ordered by layer, then
    by place, and only within one place by depth: drivers draw neighbours in a row faster than what is scattered.
    """
    cell_x, cell_y = x // SOFT_CELL_PX, y // SOFT_CELL_PX
    return np.lexsort((disparity, cell_x, cell_y, -layer, disparity // SOFT_STEP))


def build_scene(
    meshes: list[Mesh],
    canvas_border_px: int,
    canvas_scale: float,
    textures: UInt8,
    texture_border_px: int,
    focal_px: float,
    budget_px: float,
) -> Scene:
    """Join the layers' meshes (front first).

    Canvas position x is pixel `(x - canvas_border_px) * canvas_scale` of the source picture; the source picture starts
    `texture_border_px` pixels into each texture. `budget_px`: what the meshes were made for.
    """
    _, texture_h, texture_w, _ = textures.shape
    width, height = texture_w - 2 * texture_border_px, texture_h - 2 * texture_border_px
    rays, texcoords, opaque, soft, places = [], [], [], [], []
    start = 0
    for number, mesh in enumerate(meshes):
        picture, colour_at = ((p - canvas_border_px) * np.float32(canvas_scale) for p in (mesh.xy, mesh.uv))
        rays.append((picture - np.array([width / 2, height / 2], np.float32)) / np.float32(focal_px))
        uv = (colour_at + texture_border_px) / np.array([texture_w, texture_h], np.float32)
        texcoords.append(np.column_stack([uv, np.full(len(uv), number, np.float32)]))
        triangles = mesh.triangles + np.int32(start)
        opaque.append(triangles[~mesh.soft])
        soft.append(triangles[mesh.soft])
        corners = mesh.triangles[mesh.soft]
        layer = np.full(len(corners), number, np.float32)
        places.append(np.column_stack([picture[corners].mean(1), mesh.disparity[corners].min(1), layer]))
        start += len(mesh.xy)
    return Scene(
        np.concatenate(rays).astype(np.float32),
        np.concatenate([m.disparity for m in meshes]),
        np.concatenate([m.fade for m in meshes]),
        np.concatenate(texcoords).astype(np.float32),
        np.concatenate(opaque),
        np.concatenate(soft)[far_to_near(*np.concatenate(places).T)],
        textures,
        width,
        height,
        focal_px,
        min(LAYER_STEP_PX / budget_px, MAX_LAYER_STEP) if budget_px else MAX_LAYER_STEP,
    )
