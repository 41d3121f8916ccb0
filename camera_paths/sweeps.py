"""Preset motions across the view axis: swings, circles, orbits and a hand-held camera."""

from __future__ import annotations

import numpy as np

from camera_paths.arrays import FloatArray
from camera_paths.camera import CameraPath, View
from camera_paths.motion import (
    forward_unit,
    held,
    lateral_unit,
    pivot_depth,
    rotated,
    turned_about_focus,
    within_budget,
    zoom_anchor,
)
from camera_paths.rotation import matrix_from_angles

# Half of the budget to each side: the whole width of the motion is the budget, and the gaps that it opens on either
# side of the subject are half as wide as the scene allows.
_SIDE = 0.5

_HANDHELD_SEED = 20
# Cycles per loop: whole, so that the noise closes, and without common factors, so that it does not look periodic.
_HANDHELD_CYCLES = np.array([1, 2, 3, 5, 7])


@within_budget
def swing(phase: FloatArray, view: View) -> CameraPath:
    """Sways to the right, to the left and back while the focus plane stays still."""
    side = _SIDE * lateral_unit(view)
    return held(_positions(x=side * np.sin(2 * np.pi * phase)), view)


@within_budget
def pan(phase: FloatArray, view: View) -> CameraPath:
    """Glides from the left side to the right side and back while the whole frame drifts gently along."""
    side = _SIDE * lateral_unit(view)
    return held(_positions(x=-side * np.cos(2 * np.pi * phase)), view, hold=0.5)


@within_budget
def rise(phase: FloatArray, view: View) -> CameraPath:
    """Booms up from below the subject to above it while the focus plane keeps its height."""
    side = _SIDE * lateral_unit(view)
    return held(_positions(y=side * (1 - 2 * phase)), view)


@within_budget
def circle(phase: FloatArray, view: View) -> CameraPath:
    """Circles in front of the picture, dipping slightly forward, while the focus point stays in place."""
    angle = 2 * np.pi * phase
    side = _SIDE * lateral_unit(view)
    dip = 0.25 * forward_unit(view, zoom_anchor(view, pull=1))
    return held(_positions(side * np.cos(angle), side * np.sin(angle), dip * (1 - np.cos(angle)) / 2), view)


@within_budget
def spiral(phase: FloatArray, view: View) -> CameraPath:
    """Spirals out and forward in two turns and winds back in, while the focus point stays in place."""
    angle = 4 * np.pi * phase
    breath = np.sin(np.pi * phase) ** 2
    radius = _SIDE * lateral_unit(view) * breath
    advance = 0.4 * forward_unit(view, zoom_anchor(view, pull=1)) * breath
    return held(_positions(radius * np.cos(angle), radius * np.sin(angle), advance), view)


@within_budget
def figure_eight(phase: FloatArray, view: View) -> CameraPath:
    """Draws a lying eight in front of the picture while the focus plane stays still."""
    angle = 2 * np.pi * phase
    side = _SIDE * lateral_unit(view)
    return held(_positions(side * np.sin(angle), 0.5 * side * np.sin(2 * angle)), view)


@within_budget
def orbit(phase: FloatArray, view: View) -> CameraPath:
    """Orbits the focus point on a flat ellipse, always turned towards it."""
    angle = 2 * np.pi * phase
    turn_rad = _orbit_angle_rad(view)
    return _around_focus(turn_rad * np.sin(angle), 0.4 * turn_rad * np.cos(angle), view)


@within_budget
def arc(phase: FloatArray, view: View) -> CameraPath:
    """Travels half an orbit around the focus point, from its left side to its right side."""
    return _around_focus(_orbit_angle_rad(view) * (2 * phase - 1), np.zeros_like(phase), view)


@within_budget
def handheld(phase: FloatArray, view: View) -> CameraPath:
    """Breathes and sways a little, like a camera held by hand."""
    noise = lateral_unit(view) * _periodic_noise(phase, channels=6)
    path = held(noise[:, :3] * np.array([0.5, 0.5, 0.2]), view, hold=0.6)
    # The unit is also the angle that moves the frame's centre by the budget: 15 % of that at most.
    angles_rad = noise[:, 3:] * np.array([0.15, 0.15, 0.1])
    return rotated(path, np.swapaxes(matrix_from_angles(angles_rad), -1, -2))


def _positions(x: FloatArray | float = 0.0, y: FloatArray | float = 0.0, z: FloatArray | float = 0.0) -> FloatArray:
    """(N, 3) camera centres from coordinates that are (N,) or constant."""
    return np.stack(np.broadcast_arrays(x, y, z), axis=-1)


def _orbit_angle_rad(view: View) -> float:
    """Angle about the focus point that moves the camera sideways by half of the budget."""
    return _SIDE * lateral_unit(view) / pivot_depth(view)


def _around_focus(to_right_rad: FloatArray, upward_rad: FloatArray, view: View) -> CameraPath:
    """Cameras that went around the focus point to its right and above it by these angles (N,)."""
    # Seen from its right the camera looks left, seen from above it looks down.
    angles_rad = np.stack([-to_right_rad, -upward_rad, np.zeros_like(upward_rad)], axis=-1)
    return turned_about_focus(np.swapaxes(matrix_from_angles(angles_rad), -1, -2), view)


def _periodic_noise(phase: FloatArray, channels: int) -> FloatArray:
    """(N, channels) smooth noise within -1..1 that repeats with period 1 in `phase` (N,)."""
    # RandomState, because its stream is frozen: the same clip with every NumPy.
    start = np.random.RandomState(_HANDHELD_SEED).uniform(0, 2 * np.pi, (channels, len(_HANDHELD_CYCLES)))
    waves = np.sin(2 * np.pi * phase[:, None, None] * _HANDHELD_CYCLES + start)
    weights = 1 / _HANDHELD_CYCLES
    noise: FloatArray = waves @ (weights / weights.sum())
    return noise
