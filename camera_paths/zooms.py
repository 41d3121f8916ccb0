"""Preset motions along the view axis: zooms, dolly zoom, push-pull and Ken Burns."""

from __future__ import annotations

import numpy as np

from camera_paths.arrays import FloatArray
from camera_paths.camera import CameraPath, View
from camera_paths.easing import ease_in_out, quint
from camera_paths.motion import forward_unit, relative_budget, rotated, within_budget, zoom_about, zoom_anchor
from camera_paths.rotation import matrix_from_angles


@within_budget
def zoom_in(phase: FloatArray, view: View) -> CameraPath:
    """Moves forward into the picture, towards the focus point, with a little optical zoom."""
    return _push_in(phase, view, depth_share=0.95, zoom=1.2, pull=1.5)


def zoom_out(phase: FloatArray, view: View) -> CameraPath:
    """Starts close to the focus point and pulls back until the whole photo is in view."""
    return zoom_in(1 - phase, view)


@within_budget
def push_pull(phase: FloatArray, view: View) -> CameraPath:
    """Moves forward into the picture and back out again, without optical zoom."""
    return _push_in((1 - np.cos(2 * np.pi * phase)) / 2, view, depth_share=0.95, zoom=0, pull=1)


@within_budget
def ken_burns(phase: FloatArray, view: View) -> CameraPath:
    """Crops from the full frame towards the focus point in the manner of documentaries, with gentle depth."""
    return _push_in(phase, view, depth_share=0.6, zoom=3, pull=2)


@within_budget
def dolly_zoom(phase: FloatArray, view: View) -> CameraPath:
    """Moves away from the focus point while zooming in on it, so that it keeps its size and the background looms."""
    anchor = zoom_anchor(view, pull=1)
    retreat = 0.95 * forward_unit(view, anchor) * phase
    return zoom_about(anchor, -retreat, 1 + retreat * view.focus_disparity)


@within_budget
def punch_zoom(phase: FloatArray, view: View) -> CameraPath:
    """Punches fast towards the focus point with a slight roll that settles, then drifts on slowly."""
    punch = quint(np.minimum(phase / 0.4, 1))
    progress = 0.85 * punch + 0.15 * ease_in_out(phase)
    path = _push_in(progress, view, depth_share=0.95, zoom=1.5, pull=1.5)
    # The roll swings out and is back when the punch ends; its peak is 2 degrees with a budget of 6 % of the diagonal.
    roll_rad = 0.6 * relative_budget(view) * 4 * punch * (1 - punch)
    return rotated(path, matrix_from_angles(roll_rad[:, None] * np.array([0.0, 0.0, 1.0])))


def _push_in(progress: FloatArray, view: View, depth_share: float, zoom: float, pull: float) -> CameraPath:
    """Advance by `depth_share` of the budget and zoom by `zoom` times the relative budget, both times `progress`."""
    # The farthest that `forward_unit` can reach, and what that makes of the subject's size.
    farthest = 2 * depth_share * relative_budget(view)
    growth = (1 + zoom * relative_budget(view)) / max(1 - farthest * view.focus_disparity, 0.1) - 1
    anchor = zoom_anchor(view, pull, growth)
    advance = depth_share * forward_unit(view, anchor) * progress
    return zoom_about(anchor, advance, 1 + zoom * relative_budget(view) * progress)
