"""Colours in which distances tell surfaces apart."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint.filters import Float

HUE = 2.0  # times as much as brightness: light and shadow change a surface's brightness more than its hue


def hued(rgb: Float) -> Float:
    """`rgb` (H, W, 3) in 0..1, moved away from grey and so beyond that where it is vivid: distances between colours are
    `HUE` times as large in hue as in brightness. Greys stay.
    """
    away = HUE * np.eye(3) - (HUE - 1) / 3
    return np.asarray(cv2.transform(rgb, away), np.float32)
