"""The layered depth image: sharp depth edges, tears, layers behind them, and the painting-in of what they hide.

Knows pixels and disparity only; imports nothing of the sibling packages. Arrays are (H, W) first, rows downward,
pixel centres at +0.5. `disparity` is float32, inverse depth in 1 / scene units: 1 at the nearest surface, towards 0 at
infinity, so the parallax of a camera move is proportional to it. `budget_px` is the parallax budget: the largest
displacement, in pixels of the array at hand, between disparity 1 and disparity 0 that any camera move will make.
"""
