"""How much fine detail flickers while the camera pans slowly: `python -m benchmarks.shimmer`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.table import add_json_option, note, print_rows

Float = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]

SIDE_PX, BORDER_PX = 1080, 16
FRAMES = 24
STEP_PX = np.array([1 / 12, 1 / 17])  # per frame: all positions between two pixels come by
DISPARITY = 0.5
BUDGET_PX = 30.0


def noise() -> UInt8:
    """Grain as in a photo that was scaled down to the clip's size."""
    fine = np.random.default_rng(0).normal(128, 90, (2 * SIDE_PX, 2 * SIDE_PX))
    return _rgb(cv2.resize(fine, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA))


def grating() -> UInt8:
    """Lines about three pixels apart, nearly upright, that meet themselves at the border."""
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX] / SIDE_PX
    return _rgb(128 + 90 * np.cos(2 * np.pi * (355 * x + 60 * y)))


def _rgb(grey: Float) -> UInt8:
    return np.repeat(np.clip(np.rint(grey), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


TEXTURES: dict[str, Callable[[], UInt8]] = {"noise": noise, "grating": grating}


def shifted(picture: Float, shift_px: Float) -> Float:
    """A picture (H, W) that repeats itself, moved by (x, y) px: exact for all that pixels can hold."""
    fy, fx = np.fft.fftfreq(picture.shape[0]), np.fft.rfftfreq(picture.shape[1])
    phase = np.exp(-2j * np.pi * (fx[None] * shift_px[0] + fy[:, None] * shift_px[1]))
    return np.fft.irfft2(np.fft.rfft2(picture) * phase, picture.shape)


def pan(context: Any, picture: UInt8, supersample: int) -> list[Float]:
    """Green (H, W) of the frames of a pan over a wall with that picture, each moved back to where the first one is."""
    from render.mesh import Surface, build_mesh
    from render.renderer import Renderer
    from render.scene import build_scene

    side = SIDE_PX + 2 * BORDER_PX
    whole = np.ones((side, side), bool)
    wall = np.full((side, side), DISPARITY, np.float32)
    mesh = build_mesh(Surface(wall, whole[:, 1:], whole[1:], whole), np.ones_like(wall), BUDGET_PX)
    texture = np.pad(picture, ((BORDER_PX, BORDER_PX), (BORDER_PX, BORDER_PX), (0, 0)), mode="wrap")
    texture = np.dstack([texture, np.full((side, side), 255, np.uint8)])
    scene = build_scene([mesh], BORDER_PX, 1.0, texture[None], BORDER_PX, float(SIDE_PX), BUDGET_PX)
    frames = []
    with Renderer(context, scene, SIDE_PX, SIDE_PX, supersample) as renderer:
        for k in range(FRAMES):
            pose = np.eye(4)
            pose[:2, 3] = k * STEP_PX / (SIDE_PX * DISPARITY)
            renderer.draw(pose, 1.0, np.zeros(2))
            frames.append(shifted(renderer.read()[..., 1].astype(np.float64), -k * STEP_PX))
    return frames


def measure(context: Any, name: str, supersample: int) -> dict[str, Any]:
    """The figures of one texture."""
    picture = TEXTURES[name]()
    frames = np.stack(pan(context, picture, supersample))
    contrast = frames.std((1, 2)) / picture[..., 1].std()
    return {
        "texture": name,
        "supersample": supersample,
        "shimmer_levels": float(np.sqrt(frames.var(0).mean())),
        "least_contrast": float(contrast.min()),
        "most_contrast": float(contrast.max()),
    }


def main() -> None:
    from photo3d_video.pipeline import open_context

    parser = argparse.ArgumentParser(prog="python -m benchmarks.shimmer", description=__doc__)
    add_json_option(parser)
    args = parser.parse_args()
    rows = []
    with open_context() as context:
        for name in TEXTURES:
            for supersample in (1, 2):
                note(f"{name}, supersample {supersample}")
                rows.append(measure(context, name, supersample))
    print_rows(rows, args.json)


if __name__ == "__main__":
    main()
