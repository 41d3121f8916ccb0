"""Cameras of a path, the view that they start from, and the two measures that every path is held to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from camera_paths.arrays import FloatArray
from camera_paths.errors import PathError

# Frame points per side at which parallax is measured; it peaks on the border, which the grid contains.
_PARALLAX_GRID = 5


@dataclass(frozen=True)
class CameraPath:
    """One camera per frame, relative to the source camera.

    A camera-space point (X, Y, Z) lands at ``width_px / 2 + focal_px * (focal_factor * X / Z + shift[0])`` and likewise
    for y, with the size and focal length of the source picture. The source view is identity, factor 1, shift 0.
    """

    world_to_camera: FloatArray
    """(N, 4, 4) float64, rigid, N >= 1; axes x right, y down, z forward; scene units (nearest surface at depth 1)."""
    focal_factor: FloatArray
    """(N,) float64, > 0: focal length over the source's."""
    shift: FloatArray
    """(N, 2) float64: off-axis shift of the principal point in x and y, in units of the source focal length."""
    loops: bool = False
    """Whether the frame after the last one would be the first one again."""

    def __post_init__(self) -> None:
        n = self.focal_factor.shape[0] if self.focal_factor.ndim == 1 else 0
        if n < 1 or self.world_to_camera.shape != (n, 4, 4) or self.shift.shape != (n, 2):
            raise PathError(
                "a camera path needs arrays of shape (N, 4, 4), (N,) and (N, 2) with N >= 1, got "
                f"{self.world_to_camera.shape}, {self.focal_factor.shape} and {self.shift.shape}"
            )
        if not (np.isfinite(self.world_to_camera).all() and np.isfinite(self.shift).all()):
            raise PathError("a camera path has a pose or shift that is not finite")
        if not (np.isfinite(self.focal_factor).all() and (self.focal_factor > 0).all()):
            raise PathError("a camera path has a focal factor that is not a positive number")

    def __len__(self) -> int:
        return len(self.focal_factor)

    @property
    def rotation(self) -> FloatArray:
        """(N, 3, 3) world-to-camera rotations."""
        rotation: FloatArray = self.world_to_camera[:, :3, :3]
        return rotation

    @property
    def position(self) -> FloatArray:
        """(N, 3) camera centres in the world, scene units."""
        centres: FloatArray = -np.einsum("nji,nj->ni", self.rotation, self.world_to_camera[:, :3, 3])
        return centres


@dataclass(frozen=True)
class View:
    """The source picture's camera, how much parallax the scene is built for, and where the subject is."""

    width_px: int
    """Picture width, >= 1."""
    height_px: int
    """Picture height, >= 1."""
    focal_px: float
    """Focal length of the source camera, > 0."""
    budget_px: float
    """Parallax budget, >= 0: bound of `relative_parallax_px` and of `reach_px`."""
    focus_depth: float
    """Depth of the subject in scene units, 1..infinity."""
    focus_xy: tuple[float, float] = (0.5, 0.5)
    """Position of the subject in the picture as a fraction of width and height, each 0..1."""
    subject_top: float = 1.0
    """Upper end of the subject as a fraction of the height, 0..1: zooms keep it in the frame. 1 leaves them free."""

    def __post_init__(self) -> None:
        if self.width_px < 1 or self.height_px < 1:
            raise PathError(f"the view needs a positive size, got {self.width_px} x {self.height_px}")
        if not (math.isfinite(self.focal_px) and self.focal_px > 0):
            raise PathError(f"the view needs a positive focal length, got {self.focal_px} px")
        if not (math.isfinite(self.budget_px) and self.budget_px >= 0):
            raise PathError(f"the parallax budget cannot be negative or infinite, got {self.budget_px} px")
        if not self.focus_depth >= 1:
            raise PathError(f"the focus depth cannot be nearer than the nearest surface (1), got {self.focus_depth}")
        if not all(0 <= value <= 1 for value in self.focus_xy):
            raise PathError(f"the focus point is a fraction 0..1 of the frame, got {self.focus_xy}")
        if not 0 <= self.subject_top <= 1:
            raise PathError(f"the subject's top is a fraction 0..1 of the frame, got {self.subject_top}")

    @property
    def half_extent(self) -> FloatArray:
        """(2,) distance from the frame's centre to its right and lower border in units of the focal length."""
        return np.array([self.width_px, self.height_px]) / (2 * self.focal_px)

    @property
    def focus_direction(self) -> FloatArray:
        """(2,) X/Z and Y/Z of the focus point."""
        return (2 * np.array(self.focus_xy, dtype=np.float64) - 1) * self.half_extent

    @property
    def focus_disparity(self) -> float:
        """Inverse of the focus depth, 0..1: stays finite for a subject at infinity."""
        return 1 / self.focus_depth

    @property
    def diagonal_px(self) -> float:
        """Length of the frame's diagonal."""
        return math.hypot(self.width_px, self.height_px)


def rigid_transforms(rotation: FloatArray, position: FloatArray) -> FloatArray:
    """World-to-camera matrices (N, 4, 4) from world-to-camera rotations (N, 3, 3) and camera centres (N, 3)."""
    matrices = np.tile(np.eye(4), (len(position), 1, 1))
    matrices[:, :3, :3] = rotation
    matrices[:, :3, 3] = -np.einsum("nij,nj->ni", rotation, position)
    return matrices


def project(path: CameraPath, points: FloatArray) -> FloatArray:
    """Project world points (M, 3), scene units, into every frame.

    Returns (N, M, 2): x and y from the frame's centre in units of the source focal length, so that the pixel is
    ``width_px / 2 + focal_px * x``; NaN for points that do not lie in front of the camera.
    """
    camera_points = np.einsum("nij,mj->nmi", path.rotation, points) + path.world_to_camera[:, None, :3, 3]
    return _perspective(path, camera_points)


def relative_parallax_px(path: CameraPath, view: View) -> FloatArray:
    """How far each frame pulls the nearest surface and infinity apart, which is how wide a gap can open between them.

    For a grid of pixels of the new frame: the distance between the nearest surface (depth 1) that is seen there and
    the projection of the same source pixel at infinity. A near surface outside the new frame uncovers nothing that
    is seen, so it does not count. All other depths move by less.

    Returns (N,) in pixels; infinite where the camera passes the nearest surface or looks away from the scene.
    """
    steps = np.linspace(-1, 1, _PARALLAX_GRID)
    frame = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) * view.half_extent
    near, _ = _source_points(path, frame)
    directions = np.concatenate([near, np.ones_like(near[..., :1])], axis=-1)
    at_infinity = _perspective(path, np.einsum("nij,nmj->nmi", path.rotation, directions))
    distance = np.linalg.norm(at_infinity - frame, axis=-1).max(axis=1) * view.focal_px
    return np.where(np.isnan(distance), np.inf, distance)


def reach_px(path: CameraPath, view: View) -> FloatArray:
    """How far each frame looks past the source picture's border, in pixels of the source picture.

    The source pixel under a view ray is linear in inverse depth, and a plane's image of the frame is convex; so the
    four corner rays at depth 1 and at infinity bound every ray at every depth in between.

    Returns (N,), >= 0; infinite where the camera passes the nearest surface or looks away from the scene.
    """
    corners = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]]) * view.half_extent
    seen = np.concatenate(_source_points(path, corners), axis=1)
    beyond = (np.abs(seen) - view.half_extent).max(axis=(1, 2)) * view.focal_px
    return np.where(np.isnan(beyond), np.inf, np.maximum(beyond, 0))


def _perspective(path: CameraPath, camera_points: FloatArray) -> FloatArray:
    """Camera-space points (N, M, 3) to image points (N, M, 2) in focal lengths; NaN if not in front."""
    depth = camera_points[..., 2:]
    depth = np.where(depth > 0, depth, np.nan)
    return path.focal_factor[:, None, None] * camera_points[..., :2] / depth + path.shift[:, None]


def _source_points(path: CameraPath, frame: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Source image points (N, M, 2) of the surfaces at depth 1 and at infinity that are seen at `frame` (M, 2).

    All in focal lengths from the centre; NaN where the ray does not run forward through both.
    """
    rays = (frame - path.shift[:, None]) / path.focal_factor[:, None, None]
    rays = np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1)
    rays = np.einsum("nmi,nij->nmj", rays, path.rotation)
    position = path.position[:, None]
    to_near = 1 - position[..., 2:]
    forward = np.where((rays[..., 2:] > 0) & (to_near > 0), rays[..., 2:], np.nan)
    at_infinity = rays[..., :2] / forward
    return position[..., :2] + to_near * at_infinity, at_infinity
