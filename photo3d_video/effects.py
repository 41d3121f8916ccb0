"""Depth of field and vignette: what the user may ask for, and where the focus is in every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from camera_paths import View
from photo3d_video.errors import InputError
from photo3d_video.focus import focus_at

Float = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

MAX_STRENGTH = 2.0


@dataclass(frozen=True)
class Effects:
    """What a lens adds to the picture. Raises InputError for values out of range."""

    dof: float = 0.0
    """Strength of the depth of field, 0 (none) to 2; 1 is usual."""
    vignette: float = 0.0
    """Darkening towards the corners, 0 (none) to 2; 1 takes half of the light there."""
    pull_xy: tuple[float, float] | None = None
    """Where the focus ends, as fractions of the frame; None: where it began."""

    def __post_init__(self) -> None:
        for option, value in (("--dof", self.dof), ("--vignette", self.vignette)):
            if not 0 <= value <= MAX_STRENGTH:
                raise InputError(f"{option} {value:g} is out of range: give 0 (off) to {MAX_STRENGTH:g}, 1 is usual")
        if self.pull_xy is not None:
            x, y = self.pull_xy
            if not (0 <= x <= 1 and 0 <= y <= 1):
                raise InputError(f"--focus-pull {x:g},{y:g} is outside of the frame: give fractions 0..1")
            if not self.dof:
                raise InputError("--focus-pull moves the sharp depth, and all is sharp: give --dof too")


def focus_track(
    view: View, disparity: Float, phase: Float64, loops: bool, pull_xy: tuple[float, float] | None
) -> Float64:
    """The point in focus of every frame, (N, 3): x / z, y / z and inverse depth in the source camera.

    It starts at the view's focus and follows `phase` (N,) in 0..1 to `pull_xy`; on moves that loop, there and back.
    `disparity` (H, W) of the picture.
    """
    start = np.append(view.focus_direction, view.focus_disparity)
    if pull_xy is None:
        return np.tile(start, (len(phase), 1))
    end = np.append((2 * np.array(pull_xy) - 1) * view.half_extent, focus_at(disparity, pull_xy))
    share = (1 - np.cos(2 * np.pi * phase)) / 2 if loops else phase
    return start + share[:, None] * (end - start)


def points_of_keys(keys: Float64, view: View, disparity: Float) -> Float64:
    """Points (K, 3) as those of `focus_track`, of `camera_paths.keyframes.Keyframes.focus`."""
    seen = [focus_at(disparity, (x, y)) for x, y in keys[:, :2]]
    inverse_depth = np.where(np.isnan(keys[:, 2]), seen, 1 / keys[:, 2])
    return np.column_stack([(2 * keys[:, :2] - 1) * view.half_extent, inverse_depth])


def keys_of_points(points: Float64, view: View) -> Float64:
    """The inverse of `points_of_keys`, with all depths known; what is at infinity is only very far away."""
    fractions = np.clip((points[:, :2] / view.half_extent + 1) / 2, 0, 1)
    return np.column_stack([fractions, 1 / np.maximum(points[:, 2], 1e-6)])
