"""Smooth curves through keyframes that never swing past them.

Cubic Hermite curves with monotone slopes (Fritsch and Butland 1984): where two keyframes are equal the value holds,
otherwise it runs from one to the next without overshoot, so that a path is no larger than its keyframes. Rotations
follow the same curve as cumulative Bezier quaternion curves (Kim, Kim and Shin 1995).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from camera_paths.arrays import FloatArray
from camera_paths.rotation import conjugate, exp_quaternion, log_quaternion, multiply


def interpolate(time_s: FloatArray, values: FloatArray, at_s: FloatArray, *, loops: bool) -> FloatArray:
    """Values (N, D) at times `at_s` (N,) of the curve through `values` (K, D) at rising times `time_s` (K,), K >= 1.

    The curve starts and ends at rest; with `loops` (first and last value equal) it passes them at speed instead.
    """
    if len(time_s) == 1:
        return np.repeat(values, len(at_s), axis=0)
    duration_s = np.diff(time_s)[:, None]
    step = np.diff(values, axis=0)
    slope = _monotone_slopes(duration_s, step / duration_s, loops)
    segment, t = _locate(time_s, at_s)
    start, end = slope[segment] * duration_s[segment], slope[segment + 1] * duration_s[segment]
    ease = t * t * (3 - 2 * t)
    return values[segment] + ease * step[segment] + t * (1 - t) * ((1 - t) * start - t * end)


def interpolate_rotations(time_s: FloatArray, quaternions: FloatArray, at_s: FloatArray, *, loops: bool) -> FloatArray:
    """Unit quaternions (N, 4) at times `at_s` (N,) of the curve through `quaternions` (K, 4), as `interpolate`."""
    if len(time_s) == 1:
        return np.repeat(quaternions, len(at_s), axis=0)
    duration_s = np.diff(time_s)[:, None]
    # A rotation leaves its own axis in place, so a turn between two keyframes has the same vector in either's frame.
    turn = log_quaternion(multiply(conjugate(quaternions[:-1]), quaternions[1:]))
    slope = _monotone_slopes(duration_s, turn / duration_s, loops)
    segment, t = _locate(time_s, at_s)
    leave, arrive = slope[:-1] * duration_s / 3, slope[1:] * duration_s / 3
    across = log_quaternion(multiply(exp_quaternion(-leave), multiply(exp_quaternion(turn), exp_quaternion(-arrive))))
    curve = quaternions[segment]
    for weight, part in (
        (1 - (1 - t) ** 3, leave),
        (t * t * (3 - 2 * t), across),
        (t**3, arrive),
    ):
        curve = multiply(curve, exp_quaternion(weight * part[segment]))
    return curve


def _monotone_slopes(duration_s: FloatArray, velocity: FloatArray, loops: bool) -> FloatArray:
    """Slopes (K, D) at the keyframes from the mean velocities (K-1, D) of the segments of `duration_s` (K-1, 1)."""
    if loops:
        before, after = np.roll(velocity, 1, axis=0), velocity
        duration_before, duration_after = np.roll(duration_s, 1, axis=0), duration_s
    else:
        before, after = velocity[:-1], velocity[1:]
        duration_before, duration_after = duration_s[:-1], duration_s[1:]
    # Weighted harmonic mean of the two velocities, 0 where they differ in sign: at most three times the smaller.
    weight_before = duration_before + 2 * duration_after
    weight_after = 2 * duration_before + duration_after
    same_sign = before * after > 0
    denominator = weight_before * after + weight_after * before
    slope = np.where(
        same_sign,
        (weight_before + weight_after) * before * after / np.where(same_sign, denominator, 1),
        0.0,
    )
    if loops:
        return np.concatenate([slope, slope[:1]])
    rest = np.zeros_like(velocity[:1])
    return np.concatenate([rest, slope, rest])


def _locate(time_s: FloatArray, at_s: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Segment index (N,) and position 0..1 inside it (N, 1) of each time."""
    segment = np.clip(np.searchsorted(time_s, at_s, side="right") - 1, 0, len(time_s) - 2)
    t = (at_s - time_s[segment]) / (time_s[segment + 1] - time_s[segment])
    return segment, t[:, None]
