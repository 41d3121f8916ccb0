"""What preset motions are made of: amplitudes in units of the budget, framing of the focus, and the final fit."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from camera_paths.arrays import FloatArray
from camera_paths.budget import largest_amplitude
from camera_paths.camera import CameraPath, View, rigid_transforms

Motion: TypeAlias = Callable[[FloatArray, View], CameraPath]
"""From phases (N,) in 0..1 and a view to N cameras; the amplitude follows the view's budget, budget 0 stands still."""

# A motion is measured at fixed phases, so that its amplitude does not depend on the number of frames; the margin
# covers the phases in between.
_PROBE_PHASES = np.linspace(0, 1, 65)
_PROBE_MARGIN = 0.98

# Turning about a farther point than this would be the same as moving straight.
_FARTHEST_PIVOT = 1e4


def within_budget(motion: Motion) -> Motion:
    """Decorator: the same motion for a smaller budget, where its own amplitude would exceed the view's."""

    @functools.wraps(motion)
    def fitted(phase: FloatArray, view: View) -> CameraPath:
        def with_amplitude(phase: FloatArray, amplitude: float) -> CameraPath:
            return motion(phase, replace(view, budget_px=amplitude * view.budget_px))

        amplitude = largest_amplitude(
            lambda trial: with_amplitude(_PROBE_PHASES, trial), view, _PROBE_MARGIN * view.budget_px
        )
        return with_amplitude(phase, amplitude)

    return fitted


def lateral_unit(view: View) -> float:
    """Sideways camera shift, scene units, that moves the nearest surface by the whole budget against infinity."""
    return view.budget_px / view.focal_px


def forward_unit(view: View, anchor: FloatArray) -> float:
    """Camera advance along z, scene units, towards `anchor` (2,) that uses the whole budget.

    Moving by z along the ray of `anchor` (X/Z and Y/Z) opens z times the distance from the anchor, so it is the corner
    farthest from the anchor that counts.
    """
    return lateral_unit(view) / float(np.linalg.norm(view.half_extent + np.abs(anchor)))


def relative_budget(view: View) -> float:
    """The budget as a fraction of the frame's diagonal: the unit of zooming and rolling."""
    return view.budget_px / view.diagonal_px


def zoom_anchor(view: View, pull: float, growth: float = 0.0) -> FloatArray:
    """(2,) X/Z and Y/Z of the point to zoom about: `pull` 1 keeps the focus in place, more draws it to the centre.

    The point stays inside the frame, so that zooming in about it never looks outside the picture, and so high that the
    subject's top stays in the frame while the subject grows by `growth` of its size.
    """
    anchor = pull * view.focus_direction
    above = view.subject_top * view.half_extent[1] * 2  # what the frame has above the subject
    if growth > 0:
        anchor[1] = min(anchor[1], above - view.half_extent[1] + above / growth)
    return np.clip(anchor, -view.half_extent, view.half_extent)


def zoom_about(anchor: FloatArray, advance: FloatArray, focal_factor: FloatArray) -> CameraPath:
    """Cameras that moved by `advance` (N,), scene units along z, on the ray of `anchor` (2,), which keeps its pixel.

    The shift makes the anchor the centre of the focal zoom too: every surface is scaled about the same pixel.
    """
    position = advance[:, None] * np.append(anchor, 1.0)
    return translated(position, focal_factor, (1 - focal_factor)[:, None] * anchor)


def translated(position: FloatArray, focal_factor: FloatArray, shift: FloatArray) -> CameraPath:
    """Cameras at `position` (N, 3) that look straight ahead, with `focal_factor` (N,) and `shift` (N, 2)."""
    rotation = np.tile(np.eye(3), (len(position), 1, 1))
    return CameraPath(rigid_transforms(rotation, position), focal_factor, shift)


def held(position: FloatArray, view: View, hold: float = 1.0) -> CameraPath:
    """Cameras at `position` (N, 3) that look straight ahead and are shifted to keep the focus point in its place.

    With `hold` 1 it stays at its pixel (and so does its whole plane while the camera keeps its distance), with 0 it
    moves freely.
    """
    toward_focus = view.focus_direction - position[:, :2] * view.focus_disparity
    seen = toward_focus / (1 - position[:, 2:] * view.focus_disparity)
    return translated(position, np.ones(len(position)), hold * (view.focus_direction - seen))


def rotated(path: CameraPath, rotation: FloatArray) -> CameraPath:
    """`path` without rotation of its own, with the world-to-camera `rotation` (N, 3, 3) about each camera centre."""
    return replace(path, world_to_camera=rigid_transforms(rotation, path.position))


def pivot_depth(view: View) -> float:
    """Depth of the point that orbits turn about: the focus, or so far away that it makes no difference."""
    return min(view.focus_depth, _FARTHEST_PIVOT)


def turned_about_focus(rotation: FloatArray, view: View) -> CameraPath:
    """Cameras that circle the focus point: the world is turned about it by `rotation` (N, 3, 3).

    The focus point keeps its pixel and its distance.
    """
    pivot = pivot_depth(view) * np.append(view.focus_direction, 1.0)
    # The centre c solves R (c - pivot) + pivot = 0; this form is exactly 0 for no rotation.
    position = np.einsum("nji,j->ni", np.eye(3) - rotation, pivot)
    n = len(rotation)
    return CameraPath(rigid_transforms(rotation, position), np.ones(n), np.zeros((n, 2)))
