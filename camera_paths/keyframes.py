"""Cameras from keyframes that a user wrote."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camera_paths.arrays import FloatArray
from camera_paths.camera import CameraPath, View, rigid_transforms
from camera_paths.errors import PathError
from camera_paths.interpolation import interpolate, interpolate_rotations
from camera_paths.motion import lateral_unit
from camera_paths.rotation import matrix_from_angles, matrix_from_quaternion, quaternion_from_matrix


@dataclass(frozen=True)
class Keyframes:
    """Poses at K >= 1 times, between which the camera moves smoothly."""

    time_s: FloatArray
    """(K,) float64, rising."""
    position: FloatArray
    """(K, 3) float64 camera centres: scene units, or with `in_budget_units` multiples of the sideways shift that uses
    the whole budget."""
    angles_rad: FloatArray
    """(K, 3) float64 yaw, pitch, roll: to the right, up, clockwise. Not used with `look_at`."""
    look_at: FloatArray | None
    """(K, 3) float64 points that the camera looks at, level, scene units; None where it turns by `angles_rad`."""
    focal_factor: FloatArray
    """(K,) float64, > 0."""
    shift: FloatArray
    """(K, 2) float64, as in `CameraPath`."""
    loops: bool
    """Whether the path goes round: its last keyframe is then the first one again."""
    in_budget_units: bool
    """Unit of `position`."""
    focus: FloatArray | None = None
    """(K, 3) float64, what is sharp: x and y as fractions 0..1 of the source picture, and its depth, > 0, scene units;
    NaN is the depth of what is seen there. None where the path does not say."""

    @property
    def duration_s(self) -> float:
        """Time from the first to the last keyframe, >= 0."""
        return float(self.time_s[-1] - self.time_s[0])

    def at_s(self, phase: FloatArray) -> FloatArray:
        """Times (N,) of `phase` (N,), where 0 is the first keyframe and 1 the last."""
        # Not start + phase * duration, which may miss the last keyframe by a rounding.
        return (1 - phase) * self.time_s[0] + phase * self.time_s[-1]

    def curve(self, values: FloatArray, phase: FloatArray) -> FloatArray:
        """(N, D) at `phase` (N,) of the smooth curve through `values` (K, D), one row for each keyframe."""
        return interpolate(self.time_s, values, self.at_s(phase), loops=self.loops)


def keyframed_path(keyframes: Keyframes, phase: FloatArray, view: View) -> CameraPath:
    """The cameras at `phase` (N,), where 0 is the first keyframe and 1 the last; at a keyframe, exactly its pose.

    Raises PathError if the camera would have to look at its own centre or straight up or down.
    """

    def curve(values: FloatArray) -> FloatArray:
        return keyframes.curve(values, phase)

    position = curve(keyframes.position) * (lateral_unit(view) if keyframes.in_budget_units else 1.0)
    if keyframes.look_at is None:
        turns = quaternion_from_matrix(matrix_from_angles(keyframes.angles_rad))
        turns = interpolate_rotations(keyframes.time_s, turns, keyframes.at_s(phase), loops=keyframes.loops)
        rotation = np.swapaxes(matrix_from_quaternion(turns), -1, -2)
    else:
        rotation = _level_rotation(curve(keyframes.look_at) - position)
    return CameraPath(
        world_to_camera=rigid_transforms(rotation, position),
        focal_factor=curve(keyframes.focal_factor[:, None])[:, 0],
        shift=curve(keyframes.shift),
        loops=keyframes.loops,
    )


def _level_rotation(direction: FloatArray) -> FloatArray:
    """World-to-camera rotations (N, 3, 3) that look along `direction` (N, 3) with a level horizon."""
    right = np.cross(np.array([0.0, 1.0, 0.0]), direction)
    length = np.linalg.norm(direction, axis=-1, keepdims=True)
    horizontal = np.linalg.norm(right, axis=-1, keepdims=True)
    if (horizontal <= 1e-6 * length).any():
        raise PathError("the camera path looks straight up, straight down or at its own position; move look_at away")
    forward, right = direction / length, right / horizontal
    return np.stack([right, np.cross(forward, right), forward], axis=-2)
