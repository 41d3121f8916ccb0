"""Textures at the photo's own resolution for layers that were worked out on a smaller canvas."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Float, largest
from inpaint.layers import Layer, LayeredImage

UInt8 = npt.NDArray[np.uint8]

NEARBY_PX = 4
STRIP_PX = 128  # rows that are worked on at a time
ALPHA_OF_PHOTO = 0.08  # below this cover the photo's colour is the background's
NEARLY = 0.03  # colours that differ by less look the same; a trace of them that moves over other colours does not


def compose_textures(image: LayeredImage, photo: UInt8) -> tuple[UInt8, int]:
    """Layers and the photo (H, W, 3) -> textures (L, H + 2 b, W + 2 b, 4) and their border b in px.

    Whatever the photo shows comes from the photo; painted parts are enlarged and blended in. On the front layer's soft
    edges the colour is what gives the photo, or nearly, when drawn over the layer behind. Colours come times alpha, as
    only such ones can be interpolated (Porter & Duff, "Compositing Digital Images", 1984).
    """
    h = photo.shape[0]
    canvas_h = image.layers[0].alpha.shape[0] - 2 * image.border_px
    scale = h / canvas_h
    border = int(np.ceil(image.border_px * scale))
    padded = np.asarray(cv2.copyMakeBorder(photo, border, border, border, border, cv2.BORDER_REPLICATE), np.uint8)
    front, *behind = image.layers
    inside = (image.border_px, scale, border)
    # What the front hardly covers at its soft edge, the photo shows: there the layers behind need no painting.
    covered: Float = np.clip(front.alpha / np.float32(ALPHA_OF_PHOTO), 0, 1)
    strips = [slice(top, top + STRIP_PX) for top in range(0, len(padded), STRIP_PX)]
    textures = np.empty((len(image.layers), *padded.shape[:2], 4), np.uint8)
    for texture, layer in zip(textures[2:], behind[1:], strict=True):
        hidden = _Painted(layer, layer.painted * covered, padded, *inside)
        for rows in strips:
            texture[rows] = _rgba(hidden.colour(rows), 1)
    # Only where the next layer is drawn, all around, can the front be transparent.
    drawn = cv2.erode(behind[0].drawn.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    alpha = np.where(drawn, front.alpha, 1).astype(np.float32)
    alpha = _enlarge(alpha, *inside, padded.shape)
    shown = _Painted(front, front.painted.astype(np.float32), padded, *inside)
    hidden = _Painted(behind[0], behind[0].painted * covered, padded, *inside)
    for rows in strips:
        colour = hidden.colour(rows)
        textures[1, rows] = _rgba(colour, 1)
        textures[0, rows] = _rgba(*_unmix(shown, alpha, colour, rows))
    return textures, border


def _rgba(colour: Float, alpha: Float | int) -> UInt8:
    levels = np.empty((*colour.shape[:2], 4), np.float32)
    levels[..., :3], levels[..., 3] = colour, alpha
    return np.round(np.clip(levels, 0, 1) * 255).astype(np.uint8)


def _enlarge(plane: Float, canvas_border: int, scale: float, border: int, shape: tuple[int, ...]) -> Float:
    """A canvas plane resampled onto the texture, whose pixel x shows canvas pixel (x - border) / scale + its border."""
    if scale == 1 and border == canvas_border:
        return plane
    offset = canvas_border + 0.5 / scale - border / scale - 0.5
    matrix = np.array([[1 / scale, 0, offset], [0, 1 / scale, offset]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(plane, matrix, shape[1::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.float32)


class _Painted:
    """The photo with `share` (canvas size, 0..1) of a layer's painted colours, a few rows at a time: a large photo's
    textures as floating point would be what takes most memory of a whole run.
    """

    def __init__(self, layer: Layer, share: Float, photo: UInt8, canvas_border: int, scale: float, border: int) -> None:
        calm = np.asarray(cv2.blur(share, (3, 3)), np.float32)
        self._photo = photo
        self._share = _enlarge(calm, canvas_border, scale, border, photo.shape)
        self._paint = _enlarge(layer.rgb, canvas_border, scale, border, photo.shape)

    def colour(self, rows: slice) -> Float:
        """(rows, W, 3) in 0..1."""
        photo = self._photo[rows].astype(np.float32) / np.float32(255)
        share = np.clip(2 * self._share[rows], 0, 1)[..., None]
        return np.asarray(photo + share * (self._paint[rows] - photo), np.float32)


def _unmix(front: _Painted, cover: Float, behind: Float, rows: slice) -> tuple[Float, Float]:
    """Some rows of the front's colour times alpha, which gives nearly the photo over those `behind` (rows, W, 3), and
    alpha.

    Alpha is `cover` (H, W) where colours between the extremes of the photo nearby will do; where none of those can do
    it, it rises until one can (at alpha 1 the photo's own does). Opaque pixels keep the photo's colour.
    """
    window = np.ones((2 * NEARBY_PX + 1,) * 2, np.uint8)
    above = min(rows.start, NEARBY_PX)
    around = front.colour(slice(rows.start - above, rows.stop + NEARBY_PX))
    alpha = cover[rows]
    darkest, photo, brightest = (
        x[above : above + len(alpha)] for x in (cv2.erode(around, window), around, cv2.dilate(around, window))
    )
    difference = photo - behind
    room = np.where(difference > 0, brightest - behind, behind - darkest)
    least = largest((np.abs(difference) - np.float32(NEARLY)) / np.maximum(room, 1e-3))
    soft = alpha < 0.999
    alpha = np.where(soft, np.clip(np.maximum(alpha, least), 0, 1), 1).astype(np.float32)
    cover = alpha[..., None]
    colour = np.clip(cover * behind + difference, cover * darkest, cover * brightest)
    return np.where(soft[..., None], colour, photo), alpha
