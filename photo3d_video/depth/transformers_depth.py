"""Depth from a model of the `transformers` library (the extra `models`), read from a folder on the disk."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.tiles import MAX_ASPECT
from photo3d_video.depth.builtin import DepthMap, without_triton
from photo3d_video.depth.disparity import normalise_disparity
from photo3d_video.depth.models import INSTALL, LocalModel
from photo3d_video.errors import WeightsError

log = logging.getLogger(__name__)

NEAREST_M = 0.05  # distances below this are noise, whose inverse would dwarf all else
FIELD_OF_VIEW_DEG = (5.0, 150.0)  # beyond it an estimate is wrong

# Whether a model of this type gives distances, by its configuration; otherwise it gives inverse depth.
GIVES_DISTANCE: dict[str, Callable[[Any], bool]] = {
    "depth_anything": lambda config: config.depth_estimation_type == "metric",
    "depth_pro": lambda config: False,  # before the processor turns it into metres
    "dpt": lambda config: bool(config.add_projection),  # the heads on DINOv2; those of MiDaS have no projection
    "glpn": lambda config: True,
    "zoedepth": lambda config: True,
}


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that is ready to run."""

    network: Any
    """`transformers.PreTrainedModel` with a depth head, float32, on the device that it runs on."""
    processor: Any
    """Its `transformers` image processor."""
    gives_distance: bool
    """Else inverse depth."""
    missing: tuple[str, ...]
    """Weights that the files lack; they hold NaN, which shows in the depth if the model uses them."""


def estimate(model: LocalModel, rgb: npt.NDArray[np.uint8]) -> DepthMap:
    """Depth of a photo (H, W, 3) uint8 sRGB, with the focal length where the model estimates it.

    Raises WeightsError where the files or the memory do not do.
    """
    import torch

    loaded = load(model)
    rgb = _squeezed(rgb)
    try:
        with without_triton(), torch.inference_mode():
            inputs = loaded.processor(images=rgb, input_data_format="channels_last", return_tensors="pt")
            output = loaded.network(pixel_values=inputs["pixel_values"].to(loaded.network.device))
            raw = _without_padding(loaded, output, rgb.shape[:2])
    except RuntimeError as error:  # too little memory, or layers that do not fit together
        raise WeightsError(f"{model.name} does not run ({_first_line(error)}): choose another --depth-model") from error
    if not np.isfinite(raw).all():
        if loaded.missing:
            raise WeightsError(f"{model.folder} lacks weights ({_some(loaded.missing)}): fetch the model again")
        raise WeightsError(f"{model.name} found no depth in this photo: choose another model")
    disparity = 1 / np.maximum(raw, NEAREST_M) if loaded.gives_distance else raw
    source = f"{model.name} ({model.licence})" if model.licence else model.name
    return DepthMap(normalise_disparity(disparity), None, source, _focal_widths(output))


@functools.lru_cache(maxsize=1)
def load(model: LocalModel) -> Loaded:
    """The model in a folder: safetensors weights alone, no code from the folder, and no network access.

    Raises WeightsError where the library is missing or the files cannot be used.
    """
    import torch

    if not model.commercial:
        log.warning("%s must not be used commercially: its licence is %s", model.name, model.licence)
    with without_triton(), _few_words():
        from transformers import AutoConfig, AutoImageProcessor, AutoModelForDepthEstimation

        ours: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            config = AutoConfig.from_pretrained(model.folder, **ours)
            if config.model_type not in GIVES_DISTANCE:
                known = ", ".join(GIVES_DISTANCE)
                raise WeightsError(f"{model.folder} holds a model of the type {config.model_type}: give one of {known}")
            config.use_pretrained_backbone = False  # would be fetched, to be overwritten by the folder's weights
            network, info = AutoModelForDepthEstimation.from_pretrained(
                model.folder, config=config, use_safetensors=True, output_loading_info=True, **ours
            )
            processor = AutoImageProcessor.from_pretrained(model.folder, **ours)
        except WeightsError:
            raise
        except Exception as error:  # from KeyError to RuntimeError, with many lines
            raise WeightsError(
                f"{model.folder} cannot be loaded ({_first_line(error)}): fetch it again, or update the library: "
                f"{INSTALL.replace('install', 'install -U')}"
            ) from error
    weights = network.state_dict()
    missing = tuple(sorted(name for name in info["missing_keys"] if name in weights))
    for name in missing:
        if weights[name].is_floating_point():
            weights[name].fill_(math.nan)
    network = network.float().eval().to("cuda" if torch.cuda.is_available() else "cpu")
    return Loaded(network, processor, GIVES_DISTANCE[config.model_type](config), missing)


@contextmanager
def _few_words() -> Iterator[None]:
    """Keep the library's warnings and bars off the screen meanwhile: missing weights are found and told here."""
    try:
        from transformers.utils import logging as chatter
    except ImportError as error:
        raise WeightsError(f"the library transformers is missing or broken ({error}): {INSTALL}") from error

    level, bars = chatter.get_verbosity(), chatter.is_progress_bar_enabled()
    chatter.set_verbosity(chatter.CRITICAL)
    chatter.disable_progress_bar()
    try:
        yield
    finally:
        chatter.set_verbosity(level)
        if bars:
            chatter.enable_progress_bar()


def _squeezed(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Longer pictures than `MAX_ASPECT` at that aspect: processors that keep the aspect would make them huge."""
    h, w = rgb.shape[:2]
    size = min(w, round(h * MAX_ASPECT)), min(h, round(w * MAX_ASPECT))
    return rgb if size == (w, h) else cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _without_padding(loaded: Loaded, output: Any, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """(h, w) as the model gives it, of the whole picture (height, width) and nothing else."""
    depth = output.predicted_depth
    if getattr(loaded.processor, "do_pad", False) and loaded.network.config.model_type == "zoedepth":
        depth = loaded.processor.post_process_depth_estimation(output, source_sizes=[size])[0]["predicted_depth"]
    return np.asarray(depth.squeeze().float().cpu().numpy(), np.float32)


def _focal_widths(output: Any) -> float | None:
    """Focal length over picture width, from the horizontal field of view that some models estimate."""
    field = getattr(output, "field_of_view", None)
    if field is None:
        return None
    degrees = float(field.flatten()[0])
    if not FIELD_OF_VIEW_DEG[0] <= degrees <= FIELD_OF_VIEW_DEG[1]:
        return None
    return 0.5 / math.tan(math.radians(degrees) / 2)


def _first_line(error: Exception) -> str:
    return next((line for line in map(str.strip, str(error).splitlines()) if line), type(error).__name__)[:200]


def _some(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
