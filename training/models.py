"""3D models: the catalogues of Sweet Home 3D, and the surfaces of a model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from training.edge_targets import Float, UInt8

TOO_LARGE = 3_000_000  # bytes of a model's file
PICTURE_PX = 512  # larger textures are shrunk


@dataclass(frozen=True, eq=False)
class Model:
    """A thing to stand in a room."""

    path: Path
    size: tuple[float, float, float]  # width, height, depth in metres
    turn: Float  # (3, 3) how the file's axes become x right, y up, z to the viewer
    lift: float  # metres above the ground


@dataclass(frozen=True)
class Surface:
    """Triangles of one material."""

    vertices: Float  # (N, 8) position, normal, texture coordinates of triangles
    picture: UInt8  # (h, w, 4)
    tint: Float  # (3,)
    owner: int = 0  # number of the thing that it belongs to


def catalogue(furniture: Path) -> list[Model]:
    """The models of all catalogues below a folder, as their properties describe them, without doors and windows."""
    models = []
    for properties in sorted(furniture.glob("*/PluginFurnitureCatalog.properties")):
        entries: dict[str, dict[str, str]] = {}
        for line in properties.read_text("latin-1").splitlines():
            if found := re.match(r"(\w+)#(\d+)=(.*)", line):
                entries.setdefault(found[2], {})[found[1]] = found[3].strip()
        for entry in entries.values():
            path = properties.parent / entry.get("model", "").lstrip("/")
            if entry.get("doorOrWindow") == "true" or not path.is_file() or path.suffix != ".obj":
                continue
            if path.stat().st_size > TOO_LARGE:
                continue
            size = tuple(float(entry[key]) / 100 for key in ("width", "height", "depth"))
            turn = np.array(entry.get("modelRotation", "1 0 0 0 1 0 0 0 1").split(), np.float32).reshape(3, 3)
            models.append(Model(path, size, turn, float(entry.get("elevation", 0)) / 100))  # type: ignore[arg-type]
    return models


@lru_cache(maxsize=200)
def load(model: Model) -> list[Surface]:
    """The model's surfaces, its foot at y = 0, its middle at x = z = 0."""
    scene: Any = trimesh.load(model.path, force="scene")
    parts = [g for g in scene.geometry.values() if len(g.faces)]
    corners = np.concatenate([g.vertices @ model.turn.T for g in parts])
    lo, hi = corners.min(0), corners.max(0)
    scale = np.array(model.size) / np.maximum(hi - lo, 1e-6)
    surfaces = []
    for g in parts:
        points = (g.vertices @ model.turn.T - [(lo[0] + hi[0]) / 2, lo[1], (lo[2] + hi[2]) / 2]) * scale
        normals = g.vertex_normals @ model.turn.T / scale
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        uv = getattr(g.visual, "uv", None)
        uv = np.zeros((len(points), 2)) if uv is None or len(uv) != len(points) else uv
        material = getattr(g.visual, "material", None)
        image = getattr(material, "image", None)
        if image is not None:
            picture = np.asarray(
                image.convert("RGBA").resize((min(image.width, PICTURE_PX), min(image.height, PICTURE_PX)))
            )
            tint = np.ones(3, np.float32)
        else:
            picture = np.full((1, 1, 4), 255, np.uint8)
            diffuse = getattr(material, "diffuse", None)
            tint = np.asarray([180, 180, 180] if diffuse is None else diffuse, np.float32)[:3] / np.float32(255)
        vertices = np.hstack([points, normals, uv])[g.faces.ravel()].astype(np.float32)
        surfaces.append(Surface(vertices, picture, tint))
    return surfaces
