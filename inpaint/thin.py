"""Thin things stay whole: straight ones become wires, others threads."""

from __future__ import annotations

import numpy as np

from inpaint.axes import LIKELY
from inpaint.filters import Bool, Float, widened
from inpaint.threads import with_threads
from inpaint.wires import with_wires

KEEP_SHARE = 0.004  # depth edges this close to wires are real: of the long side


def with_thin_things(disparity: Float, rgb: Float, likely: Float, budget_px: float) -> tuple[Float, Bool]:
    """`disparity` (H, W) with whole thin things, as the photo `rgb` (H, W, 3) in 0..1 has them; where (H, W)
    depth edges are those of wires.

    `likely` (H, W) in 0..1: how likely a thin thing is there.
    """
    q, wires = with_wires(disparity, rgb, likely, budget_px)
    near = widened(wires.view(np.uint8), round(KEEP_SHARE * max(wires.shape))) > 0
    return with_threads(q, likely > LIKELY, wires, budget_px), near
