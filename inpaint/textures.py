"""Textures at the photo's own resolution for layers that were worked out on a smaller canvas."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Float
from inpaint.layers import Layer, LayeredImage

UInt8 = npt.NDArray[np.uint8]

NEARBY_PX = 4
ALPHA_OF_PHOTO = 0.08  # below this cover the photo's colour is the background's


def compose_textures(image: LayeredImage, photo: UInt8) -> tuple[UInt8, int]:
    """Layers and the photo (H, W, 3) -> RGBA textures (L, H + 2 b, W + 2 b, 4) and their border b in px.

    Whatever the photo shows comes from the photo; painted parts are enlarged and blended in. On the front layer's soft
    edges the colour is what gives the photo exactly when drawn over the layer behind.
    """
    h = photo.shape[0]
    canvas_h = image.layers[0].alpha.shape[0] - 2 * image.border_px
    scale = h / canvas_h
    border = int(np.ceil(image.border_px * scale))
    padded = cv2.copyMakeBorder(photo, border, border, border, border, cv2.BORDER_REPLICATE)
    extended: Float = padded.astype(np.float32) / np.float32(255)
    front, *behind = image.layers
    inside = (image.border_px, scale, border)
    # What the front hardly covers at its soft edge, the photo shows: there the layers behind need no painting.
    covered: Float = np.clip(front.alpha / np.float32(ALPHA_OF_PHOTO), 0, 1)
    colours = [_blend_painted(front, front.painted.astype(np.float32), extended, *inside)]
    colours += [_blend_painted(layer, layer.painted * covered, extended, *inside) for layer in behind]
    # Only where the next layer is drawn can the front be transparent.
    alpha = np.where(image.layers[1].drawn, image.layers[0].alpha, 1).astype(np.float32)
    alpha = _enlarge(alpha, image.border_px, scale, border, extended.shape)
    colours[0], alpha = _unmix(colours[0], alpha, colours[1])
    alphas = [alpha] + [np.ones_like(alpha)] * (len(colours) - 1)
    stack = [np.dstack([c, a]) for c, a in zip(colours, alphas, strict=True)]
    return np.stack([np.round(np.clip(s, 0, 1) * 255).astype(np.uint8) for s in stack]), border


def _enlarge(plane: Float, canvas_border: int, scale: float, border: int, shape: tuple[int, ...]) -> Float:
    """A canvas plane resampled onto the texture, whose pixel x shows canvas pixel (x - border) / scale + its border."""
    if scale == 1 and border == canvas_border:
        return plane
    offset = canvas_border + 0.5 / scale - border / scale - 0.5
    matrix = np.array([[1 / scale, 0, offset], [0, 1 / scale, offset]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(plane, matrix, shape[1::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.float32)


def _blend_painted(layer: Layer, share: Float, photo: Float, canvas_border: int, scale: float, border: int) -> Float:
    """The photo with `share` (canvas size, 0..1) of the layer's painted colours."""
    calm = np.asarray(cv2.blur(share, (3, 3)), np.float32)
    share = np.clip(2 * _enlarge(calm, canvas_border, scale, border, photo.shape), 0, 1)[..., None]
    return photo + share * (_enlarge(layer.rgb, canvas_border, scale, border, photo.shape) - photo)


def _unmix(photo: Float, alpha: Float, behind: Float) -> tuple[Float, Float]:
    """Foreground colour such that `alpha` of it over `behind` is `photo`.

    Only colours between the extremes of the photo nearby are taken; where none of those can do it, alpha rises until
    one can (at alpha 1 the photo's own does). Opaque pixels keep the photo's colour.
    """
    window = np.ones((2 * NEARBY_PX + 1,) * 2, np.uint8)
    darkest, brightest = cv2.erode(photo, window), cv2.dilate(photo, window)
    difference = photo - behind
    room = np.where(difference > 0, brightest - behind, behind - darkest)
    least = (np.abs(difference) / np.maximum(room, 1e-3)).max(-1)
    soft = alpha < 0.999
    alpha = np.where(soft, np.clip(np.maximum(alpha, least), 0, 1), 1).astype(np.float32)
    colour = np.clip(behind + difference / np.maximum(alpha, 1e-3)[..., None], 0, 1)
    return np.where(soft[..., None], colour, photo), alpha
