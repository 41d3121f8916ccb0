"""Small pictures as files."""

from pathlib import Path

import numpy as np
from PIL import Image

from photo3d_video.photo import Photo


def quadrants(width: int = 96, height: int = 64) -> np.ndarray:
    """Four flat colours, so that every turn and flip shows and lossy formats hold."""
    rgb = np.empty((height, width, 3), np.uint8)
    h, w = height // 2, width // 2
    rgb[:h, :w], rgb[:h, w:], rgb[h:, :w], rgb[h:, w:] = (200, 40, 40), (40, 180, 40), (40, 40, 210), (220, 210, 60)
    return rgb


def save(path: Path, rgb: np.ndarray, **options: object) -> Path:
    Image.fromarray(rgb).save(path, **options)
    return path


def close(photo: Photo, expected: np.ndarray, tolerance: float) -> bool:
    return photo.rgb.shape == expected.shape and bool(np.abs(photo.rgb.astype(float) - expected).mean() <= tolerance)
