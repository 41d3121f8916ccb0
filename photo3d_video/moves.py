"""The camera move of a clip: a preset or a path file, its timing, and the file that it can be written to."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from camera_paths import (
    CameraPath,
    PathError,
    Preset,
    View,
    camera_path,
    find_preset,
    fit_to_budget,
    frame_phases,
    load_path_file,
    save_path_file,
)
from camera_paths.pathfile import load_keyframes
from photo3d_video.effects import focus_track, keys_of_points, points_of_keys
from photo3d_video.errors import InputError, OutputError
from photo3d_video.files import is_dir

log = logging.getLogger(__name__)

DEFAULT_SECONDS = 4.0  # of a path file with a single keyframe
KEYFRAMES_PER_S = 4  # of a path that is saved


def find_move(name: str) -> Preset:
    """The preset of that name, or the moves of a path file (a name that ends in .json)."""
    try:
        return load_path_file(name) if name.lower().endswith(".json") else find_preset(name)
    except PathError as error:
        raise InputError(f"--path: {error}") from error


def frame_count(path: str, seconds: float | None, fps: float) -> int:
    """Frames of a clip; `seconds` None is the length of the preset or of the path file."""
    if not 1 <= fps <= 240:
        raise InputError(f"--fps {fps:g} is out of range: give 1 to 240")
    if seconds is None:
        seconds = find_move(path).default_seconds or DEFAULT_SECONDS
    if not 0 < seconds <= 600:
        raise InputError(f"--seconds {seconds:g} is out of range: give more than 0, at most 600")
    return max(1, round(seconds * fps))


def check_timing(name: str, n_frames: int, easing: str | None, **timing: Any) -> None:
    """Refuse what `make_path` would refuse, without a view: before the slow stages."""
    move = find_move(name)
    try:
        frame_phases(n_frames, loops=move.loops, easing=easing or move.default_easing, **timing)
    except PathError as error:
        raise InputError(str(error)) from error


def make_path(name: str, view: View, n_frames: int, **timing: Any) -> CameraPath:
    """The cameras of a preset, or of a path file scaled down to fit the budget."""
    move = find_move(name)
    try:
        path, factor = camera_path(move, view, n_frames, **timing), 1.0
        if name.lower().endswith(".json"):
            path, factor = fit_to_budget(path, view)
    except PathError as error:
        raise InputError(str(error)) from error
    if factor < 1:
        log.warning("%s moves too far for this picture: scaled to %.0f %%", name, 100 * factor)
    return path


def make_focus(
    name: str,
    view: View,
    disparity: npt.NDArray[np.float32],
    chosen: bool,
    pull_xy: tuple[float, float] | None,
    n_frames: int,
    **timing: Any,
) -> npt.NDArray[np.float64]:
    """The points in focus (N, 3) along the path of that name, in a picture of that disparity (H, W), as
    `effects.focus_track` has them.

    They are those of a path file's keyframes, unless `pull_xy` moves the view's focus or that was `chosen`.
    """
    move = find_move(name)
    easing = timing.pop("easing", None) or move.default_easing
    phase = frame_phases(n_frames, loops=move.loops, easing=easing, **timing)
    if name.lower().endswith(".json") and not chosen and pull_xy is None:
        keyframes = load_keyframes(name)
        if keyframes.focus is not None:
            return keyframes.curve(points_of_keys(keyframes.focus, view, disparity), phase)
    return focus_track(view, disparity, phase, move.loops, pull_xy)


def check_path_file(file: str | os.PathLike[str]) -> None:
    """Refuse what `write_path` could not write. Raises OutputError."""
    if Path(file).suffix.lower() != ".json":
        raise OutputError(f"--save-path {file}: the name must end in .json")
    if not is_dir(Path(file).parent):
        raise OutputError(f"cannot write {file}: the folder {Path(file).parent} does not exist, create it first")


def write_path(
    file: str | os.PathLike[str],
    name: str,
    view: View,
    seconds: float,
    focus: Callable[..., npt.NDArray[np.float64]],
    **timing: Any,
) -> None:
    """Write the move of a clip of `seconds` as a path file, to be changed by hand: keyframes every quarter of a second,
    which follow even the quickest preset to a few pixels. Stillness at the start is left out. Raises OutputError.

    `focus` is `make_focus` but for the number of frames and the timing.
    """
    n_keys = max(2, round(KEYFRAMES_PER_S * seconds))
    timing["still_frames"] = 0
    try:
        keys = keys_of_points(focus(n_keys, **timing), view)
        save_path_file(file, make_path(name, view, n_keys, **timing), seconds, keys)
    except PathError as error:
        raise OutputError(str(error)) from error
