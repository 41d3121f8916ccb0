"""The weight-free fill: hidden colour from its context by push-pull interpolation and matching patches."""

from __future__ import annotations

from inpaint.filters import Bool, Float, push_pull


def fast_fill(rgb: Float, unknown: Bool, context: Bool) -> Float:
    """`rgb` (H, W, 3) in 0..1 with the pixels of `unknown` (H, W) painted from those of `context` alone."""
    return push_pull_colour(rgb, unknown, context)


def push_pull_colour(rgb: Float, unknown: Bool, context: Bool) -> Float:
    smooth = push_pull(rgb, context)
    out = rgb.copy()
    out[unknown] = smooth[unknown]
    return out
