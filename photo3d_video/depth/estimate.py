"""Depth of a photo by the model that the user chose."""

from __future__ import annotations

import logging
from functools import partial

import numpy as np
import numpy.typing as npt

from photo3d_video.cache import Cache
from photo3d_video.depth import builtin
from photo3d_video.depth.builtin import DepthMap
from photo3d_video.depth.models import AUTO, LocalModel, find_model
from photo3d_video.errors import WeightsError

log = logging.getLogger(__name__)

# What decides the depth, besides photo and model, as `Cache.once` takes it.
DEPTH_CODE = ("photo3d_video/depth",)


def estimate_depth(
    rgb: npt.NDArray[np.uint8],
    depth_model: str | LocalModel | None = AUTO,
    download: bool = False,
    store: Cache | None = None,
) -> DepthMap:
    """Depth of a photo (H, W, 3) uint8 sRGB.

    `depth_model` and `download` as in `models.find_model`, or what it returned: None is the built-in network. `store`
    has what was estimated before, and keeps what is estimated.

    Raises InputError for a name that is no model, WeightsError where its files or its library are missing.
    """
    model = find_model(depth_model, download) if isinstance(depth_model, str) else depth_model
    store = store or Cache(None)
    if model is not None:
        try:
            return store.once(DepthMap, DEPTH_CODE, (rgb, model.identity), partial(_by_model, model, rgb))
        except WeightsError as error:
            if not model.automatic:
                raise
            # What lies in a cache must not stop a run.
            log.warning("%s; the built-in network is used instead", error)
    return store.once(DepthMap, DEPTH_CODE, (rgb, None), partial(builtin.estimate_depth, rgb))


def _by_model(model: LocalModel, rgb: npt.NDArray[np.uint8]) -> DepthMap:
    from photo3d_video.depth.transformers_depth import estimate

    return estimate(model, rgb)
