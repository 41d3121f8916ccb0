"""The fills by name: how hidden colour is painted."""

from __future__ import annotations

from collections.abc import Callable

from inpaint.filters import Bool, Float
from inpaint.patches import patch_fill


def fast_fill(rgb: Float, unknown: Bool, context: Bool) -> Float:
    """`rgb` (H, W, 3) in 0..1 with `unknown` (H, W) painted by example from `context` (H, W) alone."""
    return patch_fill(rgb, unknown, context)


FILLS: dict[str, Callable[[Float, Bool, Bool], Float]] = {"fast": fast_fill}
