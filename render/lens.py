"""What is in focus in a frame, how blurred the rest is, and where the blur lies in front of the focus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from render.scene import Scene

Float64 = npt.NDArray[np.float64]

BLUR_SHARE = 0.009  # of the frame's diagonal: sigma for a difference of 1 in inverse depth, at strength 1
SHARP_RANGE = 0.09  # inverse depth to either side of the focus that stays sharp: subjects are not flat
_UNSEEN_SHARE = 0.0003  # of the diagonal: as little blur needs no cover in front of what is sharp
# The depth buffer is linear in inverse depth, see layers.vert.glsl.
_DEPTH_AT_INFINITY = 0.865
_DEPTH_PER_DISPARITY = 0.21625


@dataclass(frozen=True)
class Lens:
    """The focus of one frame."""

    focus: float
    """Inverse depth in the frame's camera that is sharp."""
    blur_px: float
    """Sigma of the blur for a difference of 1 in inverse depth."""
    front: tuple[float, float, float, float] | None
    """Left, top, right, bottom of what is out of focus in front of the focus, -1..1 over the frame, without the reach
    of its blur; None where there is no such thing."""

    @property
    def uniform(self) -> tuple[float, float, float]:
        """`lens` of the shaders, in units of the depth buffer."""
        return (
            _DEPTH_AT_INFINITY - _DEPTH_PER_DISPARITY * self.focus,
            _DEPTH_PER_DISPARITY * SHARP_RANGE,
            self.blur_px / _DEPTH_PER_DISPARITY,
        )


class Optics:
    """Lenses for the frames of a scene. `strength` of the depth of field, 1 is usual; `diagonal_px` of the frames."""

    def __init__(self, scene: Scene, strength: float, diagonal_px: float) -> None:
        self._front_range = SHARP_RANGE + _UNSEEN_SHARE / BLUR_SHARE / strength
        self._blur_px = strength * BLUR_SHARE * diagonal_px
        nearest_first = np.argsort(-scene.disparity)
        self._disparity = scene.disparity[nearest_first].astype(np.float64)
        rays = scene.rays[nearest_first]
        # Row n: the box around the n + 1 nearest vertices.
        self._low, self._high = np.minimum.accumulate(rays), np.maximum.accumulate(rays)

    def lens(
        self, world_to_camera: Float64, focal_factor: float, focal: Float64, shift: Float64, focus: Float64
    ) -> Lens:
        """The lens for a camera. `focal` and `shift` (2,) over half of the frame; `focus` (3,) as `Renderer.draw`."""
        (camera_focus,) = _to_camera(world_to_camera, focus[None])
        q = focus[2] / camera_focus[2]
        # The nearest that anything comes to the camera bounds from below the source disparity that may be in front.
        everything = _corners(self._low[-1], self._high[-1], 0.0, self._disparity[0])
        least = (q + self._front_range) * _to_camera(world_to_camera, everything)[:, 2].min()
        n = int(np.searchsorted(-self._disparity, -least))
        box = None
        if n:
            seen = _to_camera(world_to_camera, _corners(self._low[n - 1], self._high[n - 1], least, self._disparity[0]))
            frame = seen[:, :2] / seen[:, 2:] * focal + shift  # where z > 0, a box lies between its corners
            left, top, right, bottom = (float(x) for x in (*frame.min(0), *frame.max(0)))
            box = left, top, right, bottom
        return Lens(float(q), self._blur_px * focal_factor, box)


def _corners(low: npt.NDArray[np.float32], high: npt.NDArray[np.float32], far: float, near: float) -> Float64:
    """(8, 3) corners of a box in x / z, y / z and inverse depth."""
    return np.array([[x, y, q] for x in (low[0], high[0]) for y in (low[1], high[1]) for q in (far, near)], np.float64)


def _to_camera(world_to_camera: Float64, points: Float64) -> Float64:
    """Points (N, 3) as x / z, y / z, inverse depth of the source camera -> (N, 3) directions in a camera.

    Their length is the depth over the source camera's: inverse depth over z is that in the camera.
    """
    directions = np.concatenate([points[:, :2], np.ones((len(points), 1))], axis=1)
    return directions @ world_to_camera[:3, :3].T + points[:, 2:] * world_to_camera[:3, 3]
