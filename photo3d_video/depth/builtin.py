"""Depth from the network that ships with the package."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.tiles import network_size
from photo3d_video.depth.disparity import normalise_disparity, standardise_disparity
from photo3d_video.errors import InputError, WeightsError
from photo3d_video.timm_import import import_efficientnet

if TYPE_CHECKING:
    import torch

    from photo3d_video.depth.network import DepthNetwork

WEIGHTS = Path(__file__).with_name("depth.safetensors")
# Square roots of the network pictures' areas: a small one, as training saw them, for layout, a large one for shape.
SIDES_PX = (320, 576)
SHAPE_SIGMA = 0.025  # of the picture's long side: shape is what is finer
# What comes from the large picture. A third of the layout, because two opinions are better than one; not all of the
# shape, because some of it is texture.
LAYOUT_SHARE, SHAPE_SHARE = 1 / 3, 0.7
RIM_PX = 32  # mirrored around the picture: the network's zero padding bends depth at the border
_ROUNDING = 1e-3


@dataclass(frozen=True, eq=False)
class DepthMap:
    """Depth of a photo, at any resolution. Raises InputError where it is made from something else."""

    disparity: npt.NDArray[np.float32]
    """(h, w) relative inverse depth in 0..1, larger is nearer."""
    subject: npt.NDArray[np.float32] | None
    """(h, w) probability in 0..1 that a pixel belongs to a subject, where the source of the depth knows."""
    source: str
    """What it came from, for messages."""
    focal_widths: float | None = None
    """Focal length over the photo's width, where the source of the depth estimates it."""

    def __post_init__(self) -> None:
        _check_map("disparity", self.disparity)
        if self.subject is not None:
            _check_map("subject", self.subject)


def _check_map(name: str, values: npt.NDArray[np.float32]) -> None:
    array: npt.NDArray[Any] = np.asarray(values)
    if array.ndim != 2 or array.dtype != np.float32 or array.size == 0:
        raise InputError(f"a DepthMap's {name} must be (height, width) float32, not {array.shape} {array.dtype}")
    low, high = float(array.min()), float(array.max())  # NaN if there is one
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
        raise InputError(
            f"a DepthMap's {name} must be in 0..1, not {low:g}..{high:g}: depth.disparity.normalise_disparity scales it"
        )


def estimate_depth(rgb: npt.NDArray[np.uint8]) -> DepthMap:
    """Depth of a photo (H, W, 3) uint8 sRGB by the built-in network. Raises WeightsError if its weights are missing."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    disparity, subject = predict(load_network(), rgb, device)
    return DepthMap(normalise_disparity(disparity), subject, "built-in network")


def predict(
    network: DepthNetwork,
    rgb: npt.NDArray[np.uint8],
    device: torch.device | str = "cpu",
    sides_px: tuple[int, int] = SIDES_PX,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Disparity (median 0, mean absolute deviation about 1) and subject probability of a photo (H, W, 3) of any size.

    A network that sees a photo small knows its layout, one that sees it large knows its shapes: low and high
    frequencies are taken from one and the other (after Miangoleh et al., "Boosting Monocular Depth Estimation Models to
    High-Resolution", 2021). Of the small one the mirror image is looked at as well: there it is cheap.
    """
    small, large = (_look(network, rgb, side, device, mirrored=side == sides_px[0]) for side in sides_px)
    small = np.asarray(cv2.resize(small, large.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    off = large - small
    layout = cv2.GaussianBlur(off, (0, 0), SHAPE_SIGMA * max(off.shape))
    merged = small + np.float32(LAYOUT_SHARE) * layout + np.float32(SHAPE_SHARE) * (off - layout)
    return np.ascontiguousarray(merged[..., 0]), np.clip(merged[..., 1], 0, 1)


def _look(
    network: DepthNetwork, rgb: npt.NDArray[np.uint8], side_px: int, device: torch.device | str, mirrored: bool
) -> npt.NDArray[np.float32]:
    """Disparity (median 0, mean absolute deviation 1) and subject probability, (h, w, 2), of a photo in one size."""
    size = network_size(rgb.shape[1], rgb.shape[0], side_px)
    shrinks = size[0] < rgb.shape[1]
    picture = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    disparity, subject = infer(network, np.asarray(picture, np.uint8), device, mirrored)
    return np.dstack([standardise_disparity(disparity), subject])


def infer(
    network: DepthNetwork, rgb: npt.NDArray[np.uint8], device: torch.device | str = "cpu", mirrored: bool = True
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Raw disparity and subject probability (H / 2, W / 2) of `rgb` (H, W, 3), sides multiples of 32.

    `mirrored`: the mean over the picture and its mirror image: twice the time, steadier depth.
    """
    import torch

    from inpaint.encoder_decoder import normalise

    rim = ((0, 0), (RIM_PX, RIM_PX), (RIM_PX, RIM_PX), (0, 0))
    pictures = np.pad(np.stack([rgb, rgb[:, ::-1]][: 1 + mirrored]), rim, mode="symmetric")
    x = normalise(torch.from_numpy(pictures).permute(0, 3, 1, 2).float().to(device))
    with torch.inference_mode():
        disparity, logit = network.to(device)(x.contiguous(memory_format=torch.channels_last))
        inner = slice(RIM_PX // 2, -RIM_PX // 2)
        d, s = (((p[0] + p[1].flip(-1)) / 2 if mirrored else p[0])[inner, inner] for p in (disparity, logit.sigmoid()))
    return d.cpu().numpy(), s.cpu().numpy()


@contextmanager
def without_triton() -> Iterator[None]:
    """Keep torch from importing triton meanwhile: timm and transformers pull it in by way of torchvision, and nothing
    here compiles kernels.

    Triton and Mesa's software renderer each bring an LLVM; loading triton's after Mesa's crashes the process.
    """
    absent = "triton" not in sys.modules
    if absent:
        sys.modules["triton"] = None  # type: ignore[assignment]  # makes `import triton` an ImportError
    try:
        yield
    finally:
        if absent:
            del sys.modules["triton"]


@functools.cache
def load_network(weights: Path = WEIGHTS) -> DepthNetwork:
    """The network with weights from a safetensors file (fp16 or fp32), ready to infer on the CPU."""
    from inpaint.loading import MissingWeightsError, load_weights

    with without_triton():
        import_efficientnet()
        from photo3d_video.depth.network import DepthNetwork

    try:
        return load_weights(DepthNetwork(), weights, inputs=3)
    except MissingWeightsError as error:
        raise WeightsError(str(error)) from error
