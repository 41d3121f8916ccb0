"""Easing curves and the mapping from frame index to phase."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from camera_paths.arrays import FloatArray
from camera_paths.errors import PathError

Easing: TypeAlias = Callable[[FloatArray], FloatArray]


def linear(t: FloatArray) -> FloatArray:
    """Constant speed. Like every curve here, maps (N,) in 0..1 to (N,) in 0..1, rising, 0 to 0 and 1 to 1."""
    return t


def ease_in(t: FloatArray) -> FloatArray:
    """Cubic: starts slowly, ends at full speed."""
    return t**3


def ease_out(t: FloatArray) -> FloatArray:
    """Cubic: starts at full speed, ends slowly."""
    return 1 - (1 - t) ** 3


def ease_in_out(t: FloatArray) -> FloatArray:
    """Cubic smoothstep: starts and ends at rest."""
    # Not the piecewise 4 t^3, whose middle runs twice as fast and whose acceleration jumps there.
    return t * t * (3 - 2 * t)


def sine(t: FloatArray) -> FloatArray:
    """Half a cosine wave: starts and ends at rest."""
    return (1 - np.cos(np.pi * t)) / 2


def quint(t: FloatArray) -> FloatArray:
    """Quintic smoothstep: starts and ends at rest and without acceleration."""
    return t**3 * (t * (6 * t - 15) + 10)


def expo(t: FloatArray) -> FloatArray:
    """Exponential: long rests at both ends and a fast middle."""
    rise = (2 ** (10 * (1 - np.abs(1 - 2 * t))) - 1) / (2**10 - 1) / 2
    return np.where(t < 0.5, rise, 1 - rise)


EASINGS: dict[str, Easing] = {
    "linear": linear,
    "ease-in": ease_in,
    "ease-out": ease_out,
    "ease-in-out": ease_in_out,
    "sine": sine,
    "quint": quint,
    "expo": expo,
}


def frame_phases(
    n_frames: int,
    *,
    loops: bool,
    easing: str = "linear",
    reverse: bool = False,
    boomerang: bool = False,
    still_frames: int = 0,
) -> FloatArray:
    """Phase 0..1 of every frame of a clip.

    `loops` says that phase 1 is phase 0 again, which then gets no frame of its own. `reverse` plays the clip backwards.
    `boomerang` plays it forward and then back, closing without a doubled frame. `still_frames` of the `n_frames` hold
    the first phase before the move begins.

    Returns (n_frames,) float64. Raises PathError for an unknown easing or counts that leave no frame to move.
    """
    if easing not in EASINGS:
        raise PathError(f"unknown easing {easing!r}; choose one of {', '.join(EASINGS)}")
    if still_frames < 0 or n_frames - still_frames < 1:
        raise PathError(
            f"{n_frames} frames with {still_frames} still ones at the start leave none to move; make the clip longer"
        )
    n_moving = n_frames - still_frames
    if loops or boomerang:
        time = np.linspace(0, 1, n_moving + 1)[:-1]
    else:
        time = np.linspace(0, 1, n_moving)
    if boomerang:
        time = 1 - np.abs(1 - 2 * time)
    if reverse:
        time = 1 - time
        if loops and not boomerang:
            # A loop played backwards still begins with its own first frame.
            time = time % 1
    phase = EASINGS[easing](time)
    return np.concatenate([np.full(still_frames, phase[0]), phase])
