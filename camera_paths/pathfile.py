"""Path files: keyframed camera moves as JSON.

    {"version": 1, "units": "budget", "loop": false, "keyframes": [
        {"time": 0, "position": [0, 0, 0]},
        {"time": 3, "position": [0.5, 0, 1], "look_at": [0, 0, 2], "focal_factor": 1.1}]}

`time` is in seconds; `position` is the camera centre (x right, y down, z forward, the source camera at 0), in units
of the parallax budget (1 is a sideways move that uses all of it) or, with `"units": "scene"`, of the nearest surface's
depth. The camera turns by `rotation` (yaw to the right, pitch up, roll clockwise, degrees) or, if every keyframe has
it, towards `look_at` (scene units). `focal_factor` is the focal length over the source's, `shift` moves the picture by
a fraction of the focal length. `focus`, in every keyframe or in none, is what a depth of field keeps sharp: `[x, y]`
as fractions of the picture, or `[x, y, depth]` in scene units. A looping path ends with its first keyframe again.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
import reprlib
from pathlib import Path
from typing import Any

import numpy as np

from camera_paths.arrays import FloatArray
from camera_paths.camera import CameraPath, View
from camera_paths.errors import PathError
from camera_paths.keyframes import Keyframes, keyframed_path
from camera_paths.presets import Preset
from camera_paths.rotation import angles_from_matrix

VERSION = 1

_UNITS = ("budget", "scene")
_FILE_KEYS = ("version", "keyframes", "loop", "units")
_KEYFRAME_KEYS = ("time", "position", "look_at", "rotation", "focal_factor", "shift", "focus")

# Far beyond any use, and small enough that nothing computed from such numbers overflows.
_LARGEST_NUMBER = 1e6
_SHORTEST_STEP_S = 1e-3
_FOCAL_FACTORS = (0.01, 100.0)
_LEAST_FOCUS_DEPTH = 0.01
_SAME_POSE = 1e-9


def load_path_file(file: str | os.PathLike[str]) -> Preset:
    """Read a path file as a preset, which plays linearly (its timing is the user's own) and may exceed the budget.

    Raises PathError, with the file and the place in it, for anything that is not a valid path file.
    """
    keyframes = load_keyframes(file)

    def follow(phase: FloatArray, view: View) -> CameraPath:
        return keyframed_path(keyframes, phase, view)

    return Preset(
        function=follow,
        loops=keyframes.loops,
        starts_at_source=False,
        default_seconds=keyframes.duration_s,
        default_easing="linear",
        description=f"Follows the keyframes of {Path(file).name}.",
    )


def load_keyframes(file: str | os.PathLike[str]) -> Keyframes:
    """Read and check the keyframes of a path file; raises PathError as `load_path_file`."""
    try:
        content: Any = json.loads(Path(file).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PathError(f"{file}: cannot read the path file: {error.strerror or error}") from error
    # ValueError covers broken UTF-8, broken JSON and integers of absurd length.
    except (ValueError, RecursionError) as error:
        raise PathError(f"{file}: not a JSON path file: {error}") from error
    try:
        return _keyframes(content)
    except PathError as error:
        raise PathError(f"{file}: {error}") from None


def save_path_file(
    file: str | os.PathLike[str], path: CameraPath, duration_s: float, focus: FloatArray | None = None
) -> None:
    """Write every camera of `path`, a clip of `duration_s` seconds, as a keyframe in scene units.

    `focus` (N, 3) as in `Keyframes`, with depths that are known. Loaded and sampled at as many frames, the file gives
    the same cameras. Raises PathError if it cannot be written.
    """
    if not (math.isfinite(duration_s) and duration_s / len(path) >= _SHORTEST_STEP_S):
        raise PathError(f"{file}: cannot save {len(path)} cameras as a path of {duration_s} s")
    n = len(path)
    frames = list(range(n))
    time_s = np.linspace(0, duration_s, n)
    if path.loops:
        frames.append(0)
        time_s = np.linspace(0, duration_s, n + 1)
    angles_deg = np.degrees(angles_from_matrix(np.swapaxes(path.rotation, -1, -2)))
    keyframes = [
        {
            "time": _legible(time),
            "position": _legible(path.position[i]),
            "rotation": _legible(angles_deg[i]),
            "focal_factor": _legible(path.focal_factor[i]),
            "shift": _legible(path.shift[i]),
        }
        | ({} if focus is None else {"focus": _legible(focus[i])})
        for time, i in zip(time_s, frames, strict=True)
    ]
    header = f'"version": {VERSION}, "units": "scene", "loop": {json.dumps(path.loops)}, "keyframes": ['
    text = "{" + header + "\n" + ",\n".join(json.dumps(keyframe) for keyframe in keyframes) + "\n]}\n"
    temporary = Path(f"{os.fspath(file)}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise PathError(f"{file}: cannot write the path file: {error.strerror or error}") from error


def _legible(values: FloatArray) -> Any:
    """Numbers for JSON with as many digits as can matter; 0 for -0."""
    return (np.round(values, 9) + 0.0).tolist()


def _keyframes(content: Any) -> Keyframes:
    """Keyframes from parsed JSON; PathError names the key and the index of the keyframe."""
    _check_object(content, "the file", _FILE_KEYS)
    if content.get("version") != VERSION or isinstance(content["version"], bool):
        raise PathError(f'"version" must be {VERSION}, got {reprlib.repr(content.get("version"))}')
    loops = content.get("loop", False)
    if not isinstance(loops, bool):
        raise PathError(f'"loop" must be true or false, got {reprlib.repr(loops)}')
    units = content.get("units", "budget")
    if units not in _UNITS:
        raise PathError(f'"units" must be one of {", ".join(_UNITS)}, got {reprlib.repr(units)}')
    entries = content.get("keyframes")
    if not isinstance(entries, list) or not entries:
        raise PathError('"keyframes" must be a list of at least one keyframe')
    for i, entry in enumerate(entries):
        _check_object(entry, f"keyframe {i}", _KEYFRAME_KEYS)
        if "look_at" in entry and "rotation" in entry:
            raise PathError(f'keyframe {i}: give "look_at" or "rotation", not both')
        for key in ("look_at", "focus"):
            if (key in entry) != (key in entries[0]):
                raise PathError(f'keyframe {i}: give "{key}" in every keyframe or in none')

    vectors = functools.partial(_vectors, entries)
    keyframes = Keyframes(
        time_s=vectors("time", None, None)[:, 0],
        position=vectors("position", 3, None),
        angles_rad=np.radians(vectors("rotation", 3, 0.0)),
        look_at=vectors("look_at", 3, None) if "look_at" in entries[0] else None,
        focal_factor=vectors("focal_factor", None, 1.0)[:, 0],
        shift=vectors("shift", 2, 0.0),
        loops=loops,
        in_budget_units=units == "budget",
        focus=_focus_points(entries) if "focus" in entries[0] else None,
    )
    _check_values(keyframes)
    return keyframes


def _check_object(value: Any, where: str, keys: tuple[str, ...]) -> None:
    if not isinstance(value, dict):
        raise PathError(f"{where} must be a JSON object, got {reprlib.repr(value)}")
    for key in value:
        if key not in keys:
            raise PathError(f"{where}: unknown key {ascii(key)[:40]}; the keys are {', '.join(keys)}")


def _vectors(entries: list[dict[str, Any]], key: str, size: int | None, default: float | None) -> FloatArray:
    """(K, size) array of one key of all keyframes; `size` None reads a plain number as (K, 1)."""
    rows = []
    for i, entry in enumerate(entries):
        if key in entry:
            value = entry[key]
            numbers = value if size is not None and isinstance(value, list) else [value]
        elif default is not None:
            numbers = [default] * (size or 1)
        else:
            raise PathError(f'keyframe {i}: "{key}" is missing')
        if len(numbers) != (size or 1) or not all(_is_number(number) for number in numbers):
            wanted = "a number" if size is None else f"a list of {size} numbers"
            raise PathError(
                f'keyframe {i}: "{key}" must be {wanted} within ±{_LARGEST_NUMBER:.0f}, got {reprlib.repr(entry[key])}'
            )
        rows.append([float(number) for number in numbers])
    return np.array(rows)


def _focus_points(entries: list[dict[str, Any]]) -> FloatArray:
    """(K, 3) array as `Keyframes.focus`."""
    rows = []
    for i, entry in enumerate(entries):
        given = entry["focus"]
        row = [*given, math.nan][:3] if isinstance(given, list) and len(given) in (2, 3) else []
        if not (
            row
            and all(map(_is_number, given))
            and all(0 <= fraction <= 1 for fraction in row[:2])
            and not row[2] < _LEAST_FOCUS_DEPTH
        ):
            raise PathError(
                f'keyframe {i}: "focus" must be [x, y] or [x, y, depth] with x and y within 0..1 and depth at least '
                f"{_LEAST_FOCUS_DEPTH}, got {reprlib.repr(given)}"
            )
        rows.append([float(number) for number in row])
    return np.array(rows)


def _is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number of a sane size; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST_NUMBER


def _check_values(keyframes: Keyframes) -> None:
    steps_s = np.diff(keyframes.time_s)
    if (steps_s < _SHORTEST_STEP_S).any():
        i = int(np.argmax(steps_s < _SHORTEST_STEP_S)) + 1
        raise PathError(f'keyframe {i}: "time" must be at least {_SHORTEST_STEP_S} s after that of keyframe {i - 1}')
    low, high = _FOCAL_FACTORS
    wrong = (keyframes.focal_factor < low) | (keyframes.focal_factor > high)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise PathError(f'keyframe {i}: "focal_factor" must be {low} to {high}, got {keyframes.focal_factor[i]}')
    if keyframes.loops:
        poses = [keyframes.position, keyframes.angles_rad, keyframes.focal_factor[:, None], keyframes.shift]
        if keyframes.look_at is not None:
            poses.append(keyframes.look_at)
        if keyframes.focus is not None:
            poses.append(np.nan_to_num(keyframes.focus))
        pose = np.concatenate(poses, axis=1)
        last = len(pose) - 1
        if last == 0 or np.abs(pose[last] - pose[0]).max() > _SAME_POSE:
            raise PathError(
                f"keyframe {last}: a looping path must end as it begins; "
                'add a last keyframe equal to keyframe 0 or set "loop": false'
            )
