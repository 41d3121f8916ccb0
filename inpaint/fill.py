"""The fills by name: how hidden colour and depth are painted."""

from __future__ import annotations

from collections.abc import Callable

from inpaint.filters import Bool, Float
from inpaint.network_fill import network_fill
from inpaint.patches import patch_fill

# rgb (H, W, 3) and disparity (H, W), float32 in 0..1, unknown (H, W), context (H, W) -> rgb and disparity with
# `unknown` painted from `context` only. The disparity that comes in continues the context smoothly.
Fill = Callable[[Float, Float, Bool, Bool], tuple[Float, Float]]


def fast_fill(rgb: Float, disparity: Float, unknown: Bool, context: Bool) -> tuple[Float, Float]:
    """Colours by example from the context, see `patches`; disparity as it comes in. Needs no weights."""
    return patch_fill(rgb, unknown, context), disparity


FILLS: dict[str, Fill] = {"network": network_fill, "fast": fast_fill}
