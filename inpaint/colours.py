"""Colours in which distances tell surfaces apart."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint.filters import Float, dot

HUE = 2.0  # times as much as brightness: light and shadow change a surface's brightness more than its hue


def hued(rgb: Float) -> Float:
    """`rgb` (H, W, 3) in 0..1, moved away from grey and so beyond that where it is vivid: distances between colours are
    `HUE` times as large in hue as in brightness. Greys stay.
    """
    away = HUE * np.eye(3) - (HUE - 1) / 3
    return np.asarray(cv2.transform(rgb, away), np.float32)


def steepness(colour: Float) -> Float:
    """(H, W) the slope of `colour` (H, W, 3) per pixel."""
    across, down = gradient(colour)
    return np.sqrt(dot(across, across) + dot(down, down))


def gradient(colour: Float) -> tuple[Float, Float]:
    """(H, W, 3) the slopes of `colour` (H, W, 3) per pixel, to the right and downward."""
    smooth = cv2.GaussianBlur(colour, (0, 0), 0.7)
    across, down = (np.asarray(cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, scale=0.125), np.float32) for dx in (1, 0))
    return across, down
