"""Fill by an inpainting model of the user's own: an ONNX file with the inputs of LaMa or of MI-GAN.

Published conventions (RGB, channels first), told apart by a model's inputs:

- LaMa: `image` float 0..1 and `mask` float, 1 = hole; gives 0..255 or, as some exports do, 0..1.
- MI-GAN with its pipeline: `image` uint8 and `mask` uint8, 255 = known; gives uint8.
- MI-GAN alone: one input of four channels, mask (1 = known) - 0.5 and image * mask, -1..1; gives -1..1.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inpaint.fill import Fill
from inpaint.filters import Bool, Float, push_pull
from inpaint.tiles import fill_smaller, run_tiles, scale_for

Planes = dict[str, npt.NDArray[Any]]

TILE_PX, MULTIPLE = 512, 64  # for models that take any size: what LaMa and MI-GAN are used at; strides divide it
OVERLAP_SHARE, REACH_SHARE = 1 / 4, 1 / 6  # of a tile: blended with the next; the deepest hole that leaves it context
_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
_ROLES = {1: "mask", 3: "image", 4: "both"}  # of an input, by its number of channels


class FillModelError(RuntimeError):
    """A fill model cannot be used. The message says why and what to do."""


@dataclass(frozen=True)
class Convention:
    """How a kind of model takes a picture and gives it back."""

    inputs: frozenset[str]
    """Roles of its inputs."""
    whole_numbers: bool
    """Whether it takes uint8 instead of floats."""
    encode: Callable[[Float, Float], Planes]
    """rgb (h, w, 3) in 0..1, known (h, w) 0 or 1 -> (h, w, C) by role."""
    decode: Callable[[Float, Float, Float], Float]
    """What came back (h, w, 3), rgb, known -> rgb in 0..1."""


def _encode_lama(rgb: Float, known: Float) -> Planes:
    return {"image": rgb, "mask": 1 - known[..., None]}


def _decode_lama(answer: Float, rgb: Float, known: Float) -> Float:
    """In whichever range agrees with the pixels that were known."""
    there = known > 0
    errors = [float(np.abs(answer[there] / scale - rgb[there]).mean()) for scale in (1, 255)]
    return answer / np.float32(1 if errors[0] <= errors[1] else 255)


def _encode_pipeline(rgb: Float, known: Float) -> Planes:
    return {"image": np.round(rgb * 255), "mask": 255 * known[..., None]}


def _decode_pipeline(answer: Float, rgb: Float, known: Float) -> Float:
    return answer / np.float32(255)


def _encode_migan(rgb: Float, known: Float) -> Planes:
    mask = known[..., None]
    return {"both": np.concatenate([mask - 0.5, (2 * rgb - 1) * mask], -1)}


def _decode_migan(answer: Float, rgb: Float, known: Float) -> Float:
    return (answer + 1) / np.float32(2)


_PICTURE_AND_MASK = frozenset({"image", "mask"})
CONVENTIONS = (
    Convention(_PICTURE_AND_MASK, False, _encode_lama, _decode_lama),
    Convention(_PICTURE_AND_MASK, True, _encode_pipeline, _decode_pipeline),
    Convention(frozenset({"both"}), False, _encode_migan, _decode_migan),
)


@dataclass(frozen=True)
class FillModel:
    """A loaded model."""

    file: Path
    session: Any
    """onnxruntime.InferenceSession."""
    convention: Convention
    names: dict[str, tuple[str, Any]]
    """Name and NumPy type of the input that has a role."""
    size: tuple[int, int] | None
    """(height, width) that it takes, None where it takes any."""


def onnx_fill(file: Path) -> Fill:
    """A fill that paints colours by the model in `file`; disparity comes back as it is.

    The model sees the context alone, everything else belongs to its hole; only `unknown` pixels change. Raises
    FillModelError where onnxruntime or the file is missing, and for files that hold no such model.
    """
    return functools.partial(_fill, load_model(file))


def load_model(file: Path) -> FillModel:
    """Load an inpainting model and find out how it takes pictures. Raises FillModelError."""
    try:
        import onnxruntime
    except ImportError as error:
        raise FillModelError("a fill model needs onnxruntime: pip install 'photo3d-video[onnx]'") from error
    if not file.is_file():
        raise FillModelError(f"{file} is missing: give the .onnx file of an inpainting model")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what matters comes as an exception, too
    available = onnxruntime.get_available_providers()
    providers = [p for p in ("CUDAExecutionProvider", "CPUExecutionProvider") if p in available]
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=providers)
    except Exception as error:
        raise FillModelError(f"{file} is no ONNX model that onnxruntime can load: {_one_line(error)}") from error
    inputs = session.get_inputs()
    names = {_role(i): (i.name, _DTYPES.get(i.type)) for i in inputs}
    types = {dtype for _, dtype in names.values()}
    for convention in CONVENTIONS:
        fits = types == {np.uint8} if convention.whole_numbers else types <= {np.float32, np.float16}
        if fits and names.keys() == convention.inputs and len(inputs) == len(names):
            h, w = inputs[0].shape[2:]
            fixed = isinstance(h, int) and isinstance(w, int)
            return FillModel(file, session, convention, names, (h, w) if fixed else None)
    found = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs)
    raise FillModelError(f"{file} takes {found}: give a LaMa model (image, mask) or a MI-GAN model, exported to ONNX")


def _role(node: Any) -> str:
    if len(node.shape) != 4:
        return "unknown"
    if isinstance(node.shape[1], int):
        return _ROLES.get(node.shape[1], "unknown")
    return "mask" if "mask" in node.name.lower() else "image"


def _fill(model: FillModel, rgb: Float, disparity: Float, unknown: Bool, context: Bool) -> tuple[Float, Float]:
    known = context & ~unknown
    if not unknown.any() or not known.any():
        return rgb, disparity
    tile = model.size or tuple(min(TILE_PX, -(-n // MULTIPLE) * MULTIPLE) for n in unknown.shape)
    scale = scale_for(unknown, known, REACH_SHARE * min(tile))
    paint = functools.partial(_paint, model, (tile[0], tile[1]))
    painted = paint(rgb, known, unknown) if scale == 1 else fill_smaller(rgb, known, unknown, scale, paint)
    return np.where(unknown[..., None], np.clip(painted, 0, 1), rgb).astype(np.float32), disparity


def _paint(model: FillModel, tile: tuple[int, int], rgb: Float, known: Bool, unknown: Bool) -> Float:
    # Models are not meant to look into their hole, but at its seam some do: there the smooth fill is better than black.
    planes = np.dstack([push_pull(rgb, known), known]).astype(np.float32)
    overlap = int(OVERLAP_SHARE * min(tile))
    return run_tiles(planes, unknown, tile, overlap, functools.partial(_ask, model))


def _ask(model: FillModel, planes: Float) -> Float:
    """The model's picture (h, w, 3) in 0..1 of planes (h, w, 4): colour in 0..1 and what is known, 0 or 1."""
    rgb, known = planes[..., :3], planes[..., 3]
    if not known.any():  # a model would make up anything
        return rgb
    inputs = {}
    for role, plane in model.convention.encode(rgb, known).items():
        name, dtype = model.names[role]
        inputs[name] = np.ascontiguousarray(plane.transpose(2, 0, 1)[None].astype(dtype))
    try:
        answer = np.asarray(model.session.run(None, inputs)[0])
    except Exception as error:
        raise FillModelError(f"{model.file} failed on a picture of {rgb.shape[:2]}: {_one_line(error)}") from error
    if answer.shape != (1, 3, *rgb.shape[:2]):
        raise FillModelError(
            f"{model.file} gives {answer.shape} for a picture of {rgb.shape[:2]}: it is of another kind"
        )
    return model.convention.decode(answer[0].transpose(1, 2, 0).astype(np.float32), rgb, known)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
