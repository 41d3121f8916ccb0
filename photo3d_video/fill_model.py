"""Fill models of the user's own (`inpaint.onnx_fill`): found before the slow stages, loaded when they are needed."""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from photo3d_video.errors import InputError

if TYPE_CHECKING:
    from inpaint.fill import Fill
    from inpaint.filters import Bool, Float


@dataclass(frozen=True)
class FillModel:
    """The file of an inpainting model, and what tells it from what it may be replaced by."""

    file: str
    """Its whole path."""
    size: int
    """In bytes."""
    changed_ns: int
    """When it was last changed, in nanoseconds since 1970."""


def find_fill_model(file: str | os.PathLike[str]) -> FillModel:
    """The inpainting model in an ONNX file. Raises InputError where it or onnxruntime is missing."""
    path = Path(file)
    if not path.is_file():
        raise InputError(f"--fill-model {path} is missing: give the .onnx file of an inpainting model")
    if importlib.util.find_spec("onnxruntime") is None:
        raise InputError("--fill-model needs onnxruntime: pip install 'photo3d-video[onnx]'")
    status = path.stat()
    return FillModel(str(path.resolve()), status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1)
def load_fill(model: FillModel) -> Fill:
    """The fill that paints with a model. It, and loading, raise InputError for files that cannot be used."""
    from inpaint.onnx_fill import onnx_fill

    with _as_input_error():
        fill = onnx_fill(Path(model.file))

    def paint(rgb: Float, disparity: Float, unknown: Bool, context: Bool) -> tuple[Float, Float]:
        with _as_input_error():
            return fill(rgb, disparity, unknown, context)

    return paint


@contextmanager
def _as_input_error() -> Iterator[None]:
    from inpaint.onnx_fill import FillModelError

    try:
        yield
    except FillModelError as error:
        raise InputError(f"--fill-model: {error}") from error
