"""The scene's textures in the driver, the front's also at twice its resolution: detail keeps its contrast as it moves.

Drivers interpolate linearly, which between two pixels takes half of the contrast of fine detail: a slow pan would grow
soft and sharp again with every pixel. A better filter finds what lies halfway once, in advance, and leaves the driver
the small rest. The layers behind need none of that, nor do the front's smooth parts: a smaller texture is read faster.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import moderngl
import numpy as np
import numpy.typing as npt

from render.boxes import count_from_corner, hold_any

Float = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]
Triangles = npt.NDArray[np.int32]
Index = npt.NDArray[np.int64]

# Halfway between pixels 0 and 1 of -3..4: the half-pixel filter of H.265, flat up to a third of the sampling rate.
HALFWAY = np.array([-1, 4, -11, 40, 40, -11, 4, -1], np.float32) / 64
LINEAR = np.array([0, 0, 0, 1, 1, 0, 0, 0], np.float32) / 2
CELL_PX = 16  # detail is looked for in squares of this size
NEARBY_PX = 9
SEEN = 8.0  # levels of 255 that linear interpolation takes, root mean square over what is nearby
MAX_BYTES = 400e6  # of the front's texture: twice what 4K takes


def doubled(texture: UInt8) -> UInt8:
    """(H, W, 4) -> (2 H - 1, 2 W - 1, 4): the same pixels and what lies between them.

    Beside soft edges, where surfaces part, no ringing: it would stay on the farther one as an outline of the nearer.
    """
    h, w, _ = texture.shape
    out = np.empty((2 * h, 2 * w - 1, 4), np.uint8)
    rows = out[::2]
    columns = rows.view(np.uint32)[..., 0]  # whole pixels are copied faster than bytes
    between = _filtered(texture, HALFWAY[None], cv2.CV_8U)
    _stop_ringing(between, texture, HALFWAY[None])
    columns[:, ::2], columns[:, 1::2] = texture.view(np.uint32)[..., 0], between.view(np.uint32)[:, :-1, 0]
    cv2.filter2D(rows, -1, HALFWAY[:, None], out[1::2], anchor=(0, 3), borderType=cv2.BORDER_REPLICATE)
    _stop_ringing(out[1::2], rows, HALFWAY[:, None])
    return out[:-1]


def _stop_ringing(between: UInt8, texture: UInt8, kernel: npt.NDArray[np.floating]) -> None:
    """Limit, in place, what `kernel` found `between` pixels of `texture` (H, W, 4) to what the four around it span:
    wherever it saw a transparent one.
    """
    anchor = (0, 3) if kernel.shape[1] == 1 else (3, 0)
    alpha = np.ascontiguousarray(texture[..., 3])
    y, x = np.nonzero(cv2.erode(alpha, np.ones(kernel.shape, np.uint8), anchor=anchor) < 255)
    steps = np.arange(-1, 3)[:, None]
    zero = np.zeros_like(steps)
    dy, dx = (steps, zero) if kernel.shape[1] == 1 else (zero, steps)
    h, w = alpha.shape
    around = texture[np.clip(y + dy, 0, h - 1), np.clip(x + dx, 0, w - 1)]
    between[y, x] = np.clip(between[y, x], around.min(0), around.max(0))


def _filtered(image: UInt8, kernel: npt.NDArray[np.floating], depth: int) -> npt.NDArray[Any]:
    """Filtered across or down with a kernel like HALFWAY, which has one tap more behind the pixel than before it."""
    anchor = (0, 3) if kernel.shape[1] == 1 else (3, 0)
    return cv2.filter2D(image, depth, kernel, anchor=anchor, borderType=cv2.BORDER_REPLICATE)


@dataclass(frozen=True)
class Finer:
    """What is worked out in advance for the front's texture."""

    doubled: UInt8  # (2 H - 1, 2 W - 1, 4), see `doubled`
    detailed: Bool  # (H / CELL_PX, W / CELL_PX), see `detailed`


def refine(texture: UInt8) -> Finer | None:
    """`texture` (H, W, 4), refined for moves; None where it is so large that its double would take too much memory."""
    if 4 * texture.nbytes > MAX_BYTES:
        return None
    with ThreadPoolExecutor(1) as other:
        cells = other.submit(detailed, texture)
        return Finer(doubled(texture), cells.result())


class Textures:
    """The textures (L, H, W, 4) of a scene in the driver, and the doubled front after them, where there is room for it.

    `places`: factor and offset (4,) that turn u and v of the scene into those of each texture.
    """

    def __init__(self, context: Any, textures: UInt8, finer: Finer | None) -> None:
        """`finer`: the front's, from `refine`; it is left out where the driver does not take it."""
        self.all = [_texture(context, texture) for texture in textures]
        self.places = [(1.0, 1.0, 0.0, 0.0)] * len(textures)
        self._detailed = None
        if finer is None:
            return
        size = np.array(finer.doubled.shape[1::-1])
        if size.max() <= context.info["GL_MAX_TEXTURE_SIZE"]:
            self.all.append(_texture(context, finer.doubled))
            # Pixel centres stay where they are: the first one is the first one's, not a quarter of a pixel off.
            self.places.append((*((size + 1) / size), *(-0.5 / size)))
            self._detailed = finer.detailed

    def choose(self, texcoord: Float, triangles: Triangles, everywhere: bool) -> Index:
        """(T,) number of the texture of each of `triangles` (T, 3): the doubled one where the front has detail.

        `texcoord` (V, 3): u, v and layer. `everywhere`: the doubled one for all of the front.
        """
        number = texcoord[triangles[:, 0], 2].astype(np.int64)
        if self._detailed is None:
            return number
        uv = texcoord[triangles, :2] * (self.all[0].size / np.float32(CELL_PX))
        end = np.array(self._detailed.shape[::-1]) - 1
        left, top = np.clip(uv.min(1), 0, end).astype(np.int64).T
        right, bottom = np.clip(uv.max(1), 0, end).astype(np.int64).T + 1
        some = hold_any(count_from_corner(self._detailed), top, left, bottom, right)
        return np.where((number == 0) & (some | everywhere), len(self.all) - 1, number)

    def release(self) -> None:
        """Release all."""
        for texture in self.all:
            texture.release()


def detailed(texture: UInt8) -> Bool:
    """(H, W, C) -> cells of CELL_PX in which one would see that linear interpolation takes contrast from detail."""
    grey = np.asarray(cv2.cvtColor(texture, cv2.COLOR_RGB2GRAY), np.uint8)
    lost = HALFWAY - LINEAR
    squares = np.zeros(grey.shape, np.float32)
    for kernel in (lost[None], lost[:, None]):
        cv2.accumulateSquare(_filtered(grey, kernel, cv2.CV_32F), squares)
    squares = cv2.blur(squares, (NEARBY_PX, NEARBY_PX))
    h, w = grey.shape
    most = np.maximum.reduceat(squares, np.arange(0, h, CELL_PX), axis=0)
    return np.asarray(np.maximum.reduceat(most, np.arange(0, w, CELL_PX), axis=1) > SEEN**2)


def _texture(context: Any, image: UInt8) -> Any:
    h, w, channels = image.shape
    texture = context.texture((w, h), channels, np.ascontiguousarray(image))
    # No move takes the camera far back: no mipmaps, which would blur.
    texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
    texture.repeat_x = texture.repeat_y = False
    return texture
