"""Depth of a photo by the model that the user chose."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt

from photo3d_video.depth import builtin
from photo3d_video.depth.builtin import DepthMap
from photo3d_video.depth.models import AUTO, LocalModel, find_model
from photo3d_video.errors import WeightsError

log = logging.getLogger(__name__)


def estimate_depth(
    rgb: npt.NDArray[np.uint8], depth_model: str | LocalModel | None = AUTO, download: bool = False
) -> DepthMap:
    """Depth of a photo (H, W, 3) uint8 sRGB.

    `depth_model` and `download` as in `models.find_model`, or what it returned: None is the built-in network.

    Raises InputError for a name that is no model, WeightsError where its files or its library are missing.
    """
    model = find_model(depth_model, download) if isinstance(depth_model, str) else depth_model
    if model is None:
        return builtin.estimate_depth(rgb)
    from photo3d_video.depth.transformers_depth import estimate

    try:
        return estimate(model, rgb)
    except WeightsError as error:
        if not model.automatic:
            raise
        log.warning("%s; the built-in network is used instead", error)  # what lies in a cache must not stop a run
        return builtin.estimate_depth(rgb)
