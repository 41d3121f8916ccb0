"""The scene's textures in the driver, the front's at twice its resolution: detail keeps its contrast wherever it moves.

Drivers interpolate linearly, which between two pixels takes half of the contrast of fine detail: a slow pan would grow
soft and sharp again with every pixel. A better filter finds what lies halfway once, in advance, and leaves the driver
the small rest. The layers behind need none of that: they show what was painted, which has no such detail.
"""

from __future__ import annotations

from typing import Any

import cv2
import moderngl
import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

# Halfway between pixels 0 and 1 of -3..4: the half-pixel filter of H.265, flat up to a third of the sampling rate.
HALFWAY = np.array([-1, 4, -11, 40, 40, -11, 4, -1], np.float32) / 64
MAX_BYTES = 400e6  # of the front's texture: twice what 4K takes


def doubled(texture: UInt8) -> UInt8:
    """(H, W, C) -> (2 H - 1, 2 W - 1, C): the same pixels and what lies between them."""
    return _between_rows(_between_rows(texture, axis=1), axis=0)


def _between_rows(texture: UInt8, axis: int) -> UInt8:
    shape = list(texture.shape)
    shape[axis] = 2 * shape[axis] - 1
    out = np.empty(shape, np.uint8)
    kernel, anchor = (HALFWAY[:, None], (0, 3)) if axis == 0 else (HALFWAY[None], (3, 0))
    between = cv2.filter2D(texture, -1, kernel, anchor=anchor, borderType=cv2.BORDER_REPLICATE)
    if axis == 0:
        out[::2], out[1::2] = texture, between[:-1]
    else:
        out[:, ::2], out[:, 1::2] = texture, between[:, :-1]
    return out


class Textures:
    """The textures (L, H, W, 4) of a scene in the driver: `front`, an array of one, and `behind`, one of the others."""

    def __init__(self, context: Any, textures: UInt8) -> None:
        _, h, w, _ = textures.shape
        size = (2 * w - 1, 2 * h - 1)
        self.finer = max(size) <= context.info["GL_MAX_TEXTURE_SIZE"] and 4 * textures[0].nbytes <= MAX_BYTES
        self._source_size = np.array([w, h], np.float32)
        self.front = _array(context, doubled(textures[0])[None] if self.finer else textures[:1])
        # A scene of one layer has nothing behind, and drivers no empty textures.
        self.behind = _array(context, textures[1:] if len(textures) > 1 else textures[:1, :1, :1])

    def coordinates(self, texcoord: Float) -> Float:
        """(V, 3) u, v and layer of the scene -> u, v and layer of `behind`, or -1 of `front`, of the same points."""
        uv, number = texcoord[:, :2], texcoord[:, 2:]
        if self.finer:
            # Pixel centres stay where they are: the first one is the first one's, not a quarter of a pixel off.
            finer = (2 * self._source_size * uv - 0.5) / (2 * self._source_size - 1)
            uv = np.where(number == 0, finer, uv)
        return np.column_stack([uv, number - 1]).astype(np.float32)

    def release(self) -> None:
        """Release both."""
        self.front.release()
        self.behind.release()


def _array(context: Any, textures: UInt8) -> Any:
    layers, h, w, channels = textures.shape
    array = context.texture_array((w, h, layers), channels)
    for number, texture in enumerate(textures):
        array.write(np.ascontiguousarray(texture), viewport=(0, 0, number, w, h, 1))
    # No move takes the camera far back: no mipmaps, which would blur.
    array.filter = (moderngl.LINEAR, moderngl.LINEAR)
    array.repeat_x = array.repeat_y = False
    return array
