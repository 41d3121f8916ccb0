"""The scene that the renderer draws: all layers' meshes in one vertex buffer, opaque and soft triangles apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from render.mesh import Mesh

Float = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]


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
    soft: npt.NDArray[np.int32]  # (S, 3), far to near: drawn last, blended over all that lies behind
    textures: UInt8  # (L, Ht, Wt, 4) sRGB and alpha
    width_px: int  # of the source picture that the identity pose reproduces
    height_px: int
    focal_px: float  # in pixels of the source picture


def build_scene(
    meshes: list[Mesh],
    canvas_border_px: int,
    canvas_scale: float,
    textures: UInt8,
    texture_border_px: int,
    focal_px: float,
) -> Scene:
    """Join the layers' meshes (front first).

    Canvas position x is pixel `(x - canvas_border_px) * canvas_scale` of the source picture; the source picture starts
    `texture_border_px` pixels into each texture.
    """
    _, texture_h, texture_w, _ = textures.shape
    width, height = texture_w - 2 * texture_border_px, texture_h - 2 * texture_border_px
    rays, texcoords, opaque, soft, depths = [], [], [], [], []
    start = 0
    for number, mesh in enumerate(meshes):
        picture, colour_at = ((p - canvas_border_px) * np.float32(canvas_scale) for p in (mesh.xy, mesh.uv))
        rays.append((picture - np.array([width / 2, height / 2], np.float32)) / np.float32(focal_px))
        uv = (colour_at + texture_border_px) / np.array([texture_w, texture_h], np.float32)
        texcoords.append(np.column_stack([uv, np.full(len(uv), number, np.float32)]))
        triangles = mesh.triangles + np.int32(start)
        opaque.append(triangles[~mesh.soft])
        soft.append(triangles[mesh.soft])
        # At one depth the front layer counts as nearer.
        depths.append(mesh.disparity[mesh.triangles[mesh.soft]].mean(1) - np.float32(1e-5 * number))
        start += len(mesh.xy)
    far_to_near = np.argsort(np.concatenate(depths), kind="stable")
    return Scene(
        np.concatenate(rays).astype(np.float32),
        np.concatenate([m.disparity for m in meshes]),
        np.concatenate([m.fade for m in meshes]),
        np.concatenate(texcoords).astype(np.float32),
        np.concatenate(opaque),
        np.concatenate(soft)[far_to_near],
        textures,
        width,
        height,
        focal_px,
    )
