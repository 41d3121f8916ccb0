"""Two eyes: cameras beside those of a path, and both pictures in one frame.

The parallax budget is shared: a path gets `PATH_SHARE` of it, the rest is the distance of each eye from the path. So
the layers reach as far as both together go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from camera_paths import CameraPath, View
from camera_paths.budget import largest_amplitude
from photo3d_video.errors import InputError

UInt8 = npt.NDArray[np.uint8]

PATH_SHARE = 0.75
"""The eyes are then 3 % of the frame's diagonal apart at strength 1, about the 1/30 of the width that is restful."""

WIGGLES_PER_S = 4.0
MAX_WIDTH_PX = 8192

# Dubois, "A projection method to generate anaglyph stereo images" (2001): least colour error through red-cyan glasses.
_LEFT = np.array([[0.437, 0.449, 0.164], [-0.062, -0.062, -0.024], [-0.048, -0.050, -0.017]])
_RIGHT = np.array([[-0.011, -0.032, -0.007], [0.377, 0.761, 0.009], [-0.026, -0.093, 1.234]])


def side_by_side(left: UInt8, right: UInt8) -> UInt8:
    """Both pictures (H, W, 3) at full size, the left eye's on the left: (H, 2 W, 3)."""
    return np.concatenate([left, right], axis=1)


def half_side_by_side(left: UInt8, right: UInt8) -> UInt8:
    """Both pictures squeezed to half of their width, (H, W, 3): what televisions stretch again."""
    h, w, _ = left.shape
    return np.concatenate([_resized(left, w // 2, h), _resized(right, w - w // 2, h)], axis=1)


def anaglyph(left: UInt8, right: UInt8) -> UInt8:
    """One picture (H, W, 3) for red-cyan glasses, red on the left."""
    mixed = cv2.transform(left.astype(np.float32), _LEFT) + cv2.transform(right.astype(np.float32), _RIGHT)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


JOINS: dict[str, Callable[[UInt8, UInt8], UInt8] | None] = {
    "sbs": side_by_side,
    "half-sbs": half_side_by_side,
    "anaglyph": anaglyph,
    "wiggle": None,
}
"""The kinds of stereo and what makes one frame of two; None shows one eye after the other, without glasses."""


def check_stereo(kind: str | None) -> None:
    """Refuse a kind that is not in `JOINS`. Raises InputError."""
    if kind is not None and kind not in JOINS:
        raise InputError(f"unknown kind of stereo {kind!r}: choose one of {', '.join(JOINS)}")


def joined_size(width: int, height: int, kind: str | None) -> tuple[int, int]:
    """(width, height) of the frames of a clip whose eyes see that size. Raises InputError where it is too wide."""
    if kind != "sbs":
        return width, height
    if 2 * width > MAX_WIDTH_PX:
        raise InputError(
            f"--stereo sbs makes {2 * width} px of {width}: give a --size up to {MAX_WIDTH_PX // 2} px wide"
        )
    return 2 * width, height


def path_view(view: View, kind: str | None) -> View:
    """The view with the budget that is left to the path."""
    return view if kind is None else replace(view, budget_px=PATH_SHARE * view.budget_px)


def eyes(path: CameraPath, view: View, kind: str | None, fps: float) -> CameraPath:
    """The cameras to render: the path itself, left and right in turn (2 N), or N that change sides for `wiggle`.

    `view` has the whole budget. The eyes are shifted, not turned, so that the focus plane is at the screen's depth and
    no vertical parallax arises.
    """
    if kind is None:
        return path
    n = len(path)
    if JOINS[kind] is None:
        # Whole periods, so that a path that loops still does.
        periods = max(1, round(n / fps * WIGGLES_PER_S))
        side = np.where(2 * periods * np.arange(n) // n % 2 == 0, -1.0, 1.0)
        return _within_budget(path, view, side)
    twice = np.repeat(np.arange(n), 2)
    doubled = replace(
        path,
        world_to_camera=path.world_to_camera[twice],
        focal_factor=path.focal_factor[twice],
        shift=path.shift[twice],
    )
    return _within_budget(doubled, view, np.tile([-1.0, 1.0], n))


def join(frames: Iterator[UInt8], kind: str | None) -> Iterator[UInt8]:
    """The clip's frames from those of `eyes`."""
    join_two = None if kind is None else JOINS[kind]
    if join_two is None:
        yield from frames
        return
    for left in frames:
        yield join_two(left, next(frames))


def _within_budget(path: CameraPath, view: View, side: npt.NDArray[np.float64]) -> CameraPath:
    """`_moved_aside`, less far where a path that turns much would leave the budget."""
    amplitude = largest_amplitude(lambda trial: _moved_aside(path, view, trial * side), view, view.budget_px)
    return _moved_aside(path, view, amplitude * side)


def _moved_aside(path: CameraPath, view: View, side: npt.NDArray[np.float64]) -> CameraPath:
    """`path` with each camera moved along its own x axis by `side` (N,), -1 left .. 1 right, times the eyes' share."""
    # A longer focal length enlarges the parallax too; this keeps it.
    offset = side * (1 - PATH_SHARE) * view.budget_px / view.focal_px / path.focal_factor
    poses = path.world_to_camera.copy()
    poses[:, 0, 3] -= offset
    focus = np.append(view.focus_direction, 1.0)
    rotated = path.rotation @ focus
    # Inverse depth of the focus point in each camera; finite for a subject at infinity.
    near = view.focus_disparity / (rotated[:, 2] + path.world_to_camera[:, 2, 3] * view.focus_disparity)
    shift = path.shift.copy()
    shift[:, 0] += path.focal_factor * offset * near
    return replace(path, world_to_camera=poses, shift=shift)


def _resized(picture: UInt8, width: int, height: int) -> UInt8:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
