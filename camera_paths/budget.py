"""Fitting a path to the parallax budget: every camera move is as large as asked, or as large as the scene allows."""

from __future__ import annotations

from collections.abc import Callable

from camera_paths.camera import CameraPath, View, reach_px, relative_parallax_px, rigid_transforms
from camera_paths.rotation import (
    exp_quaternion,
    log_quaternion,
    matrix_from_quaternion,
    quaternion_from_matrix,
)

# Rounding in a path that touches its bound exactly is not an excess.
TOLERANCE_PX = 1e-6

_BISECTIONS = 24


def fits_budget(path: CameraPath, view: View, budget_px: float) -> bool:
    """Whether every frame keeps both the relative parallax and the reach within `budget_px`."""
    limit_px = budget_px + TOLERANCE_PX
    return bool((relative_parallax_px(path, view) <= limit_px).all() and (reach_px(path, view) <= limit_px).all())


def largest_amplitude(build: Callable[[float], CameraPath], view: View, budget_px: float) -> float:
    """The largest amplitude in 0..1 whose path fits `budget_px`, by bisection.

    `build` maps an amplitude to a path and gives the source view at 0. The answer is always one that was tested.
    """
    if fits_budget(build(1.0), view, budget_px):
        return 1.0
    fitting, excessive = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (fitting + excessive) / 2
        if fits_budget(build(middle), view, budget_px):
            fitting = middle
        else:
            excessive = middle
    return fitting


def scaled(path: CameraPath, factor: float) -> CameraPath:
    """`path` with every camera moved towards the source view: `factor` 1 is the path itself, 0 is standing still.

    Positions, rotation angles, shifts and the logarithm of the focal factor are multiplied by `factor`.
    """
    turn = log_quaternion(quaternion_from_matrix(path.rotation))
    rotation = matrix_from_quaternion(exp_quaternion(factor * turn))
    return CameraPath(
        world_to_camera=rigid_transforms(rotation, factor * path.position),
        focal_factor=path.focal_factor**factor,
        shift=factor * path.shift,
        loops=path.loops,
    )


def fit_to_budget(path: CameraPath, view: View) -> tuple[CameraPath, float]:
    """Scale `path` down until it keeps the view's parallax budget.

    Returns the path and the factor in 0..1 that it was scaled by (see `scaled`); a path that fits comes back unchanged
    with factor 1.
    """
    factor = largest_amplitude(lambda amplitude: scaled(path, amplitude), view, view.budget_px)
    return (path, 1.0) if factor == 1 else (scaled(path, factor), factor)
