"""The table of presets, and the clip that a preset makes."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace

from camera_paths import sweeps, zooms
from camera_paths.camera import CameraPath, View
from camera_paths.easing import frame_phases
from camera_paths.errors import PathError
from camera_paths.motion import Motion


@dataclass(frozen=True)
class Preset:
    """A named motion and how it is played unless the user says otherwise."""

    function: Motion
    """Phases (N,) in 0..1 and a view to N cameras."""
    loops: bool
    """Whether phase 1 is phase 0 again, at the same speed."""
    starts_at_source: bool
    """Whether phase 0 is exactly the source view."""
    default_seconds: float
    """Length of the clip, >= 0; of one round for a preset that loops."""
    default_easing: str
    """Name of an easing; motions that loop or shape their own speed play linearly."""
    description: str
    """One sentence."""


def _preset(
    function: Motion, *, loops: bool, starts_at_source: bool, seconds: float, easing: str | None = None
) -> Preset:
    easing = easing or ("linear" if loops else "ease-in-out")
    return Preset(function, loops, starts_at_source, seconds, easing, inspect.getdoc(function) or "")


PRESETS: dict[str, Preset] = {
    "zoom-in": _preset(zooms.zoom_in, loops=False, starts_at_source=True, seconds=4),
    "zoom-out": _preset(zooms.zoom_out, loops=False, starts_at_source=False, seconds=4),
    "dolly-zoom": _preset(zooms.dolly_zoom, loops=False, starts_at_source=True, seconds=4),
    "swing": _preset(sweeps.swing, loops=True, starts_at_source=True, seconds=4),
    "circle": _preset(sweeps.circle, loops=True, starts_at_source=False, seconds=4),
    "pan": _preset(sweeps.pan, loops=True, starts_at_source=False, seconds=5),
    "rise": _preset(sweeps.rise, loops=False, starts_at_source=False, seconds=4),
    "orbit": _preset(sweeps.orbit, loops=True, starts_at_source=False, seconds=5),
    "arc": _preset(sweeps.arc, loops=False, starts_at_source=False, seconds=4),
    "spiral": _preset(sweeps.spiral, loops=True, starts_at_source=True, seconds=6),
    "push-pull": _preset(zooms.push_pull, loops=True, starts_at_source=True, seconds=5),
    "figure-eight": _preset(sweeps.figure_eight, loops=True, starts_at_source=True, seconds=6),
    "ken-burns": _preset(zooms.ken_burns, loops=False, starts_at_source=True, seconds=6),
    "handheld": _preset(sweeps.handheld, loops=True, starts_at_source=False, seconds=8),
    "3d-zoom": _preset(zooms.punch_zoom, loops=False, starts_at_source=True, seconds=3, easing="linear"),
}


def find_preset(name: str) -> Preset:
    """The preset called `name`; PathError names the choices if there is none."""
    if name not in PRESETS:
        raise PathError(f"unknown path {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def camera_path(
    preset: str | Preset,
    view: View,
    n_frames: int,
    *,
    easing: str | None = None,
    reverse: bool = False,
    boomerang: bool = False,
    still_frames: int = 0,
) -> CameraPath:
    """The cameras of a clip of `n_frames` frames that plays `preset` (or the preset of that name) once.

    `easing` None is the preset's own; `reverse`, `boomerang` and `still_frames` as in `frame_phases`. The path of a
    preset from `PRESETS` keeps the view's budget. Raises PathError for unknown names and unusable counts.
    """
    if isinstance(preset, str):
        preset = find_preset(preset)
    phase = frame_phases(
        n_frames,
        loops=preset.loops,
        easing=preset.default_easing if easing is None else easing,
        reverse=reverse,
        boomerang=boomerang,
        still_frames=still_frames,
    )
    return replace(preset.function(phase, view), loops=preset.loops or boomerang)
