"""The slow stages of a run, depth and scene, which come from the cache on the disk where it has them."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from photo3d_video.cache import Cache
from photo3d_video.depth.builtin import DepthMap
from photo3d_video.depth.estimate import estimate_depth
from photo3d_video.depth.models import LocalModel
from photo3d_video.fill_model import FillModel
from photo3d_video.gaps import close_gaps
from photo3d_video.memory import return_freed
from photo3d_video.photo import Photo
from photo3d_video.pipeline import Picture, make_layers, make_scene, read_depth, write_depth, write_depth_preview
from photo3d_video.progress import Progress, Silent, Stopwatch

if TYPE_CHECKING:
    from render.scene import Scene

log = logging.getLogger(__name__)

# What decides the scene, besides its inputs, as `Cache.once` takes it.
_MODULES = ("gaps", "moves", "pipeline")
SCENE_CODE = ("camera_paths", "inpaint", "render", *(f"photo3d_video/{name}.py" for name in _MODULES))


class Stages:
    """The slow stages of one run, with its progress and its stopwatch."""

    def __init__(self, store: Cache, progress: Progress | None = None, watch: Stopwatch | None = None) -> None:
        """`store`: has what was made before, and keeps what is made."""
        self._store = store
        self._progress = progress or Silent()
        self._watch = watch or Stopwatch()

    def depth(
        self,
        photo: Photo,
        given: str | os.PathLike[str] | DepthMap | None,
        far_is_white: bool,
        model: LocalModel | None,
        map_file: str | os.PathLike[str] | None,
        preview_file: str | os.PathLike[str] | None,
    ) -> DepthMap:
        """The depth that is given, else what `model` (None: the built-in network) estimates.

        It is also written to `map_file` and, in colours, to `preview_file`.
        """
        self._progress.start("depth")
        if given is None:
            found = estimate_depth(photo.rgb, model, store=self._store)
        else:
            found = given if isinstance(given, DepthMap) else read_depth(given, photo, far_is_white)
        log.info("depth: %s", found.source)
        if map_file is not None:
            write_depth(map_file, found, photo)
        if preview_file is not None:
            write_depth_preview(preview_file, found, photo)
        return found

    def scene(self, picture: Picture, budget_px: float, fill: str | FillModel, context: Any) -> Scene:
        """Meshes and textures of a picture for a parallax budget in px; `fill` paints what is hidden.

        `context`, of OpenGL, shows whether specks are to be seen.
        """
        from render.scene import Scene

        def build() -> Scene:
            self._progress.start("layers")
            layers = make_layers(picture, budget_px, self._watch, fill, self._progress)
            return_freed()
            with self._watch.stage("mesh"):
                self._progress.start("mesh")
                scene = make_scene(picture, layers)
                return_freed()
                return close_gaps(context, picture, layers, scene)

        with self._watch.stage("layers"):
            return self._store.once(Scene, SCENE_CODE, (picture, budget_px, fill), build)
