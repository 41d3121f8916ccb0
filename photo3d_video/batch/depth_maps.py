"""Depth maps of photos as files, without clips: what `--depth-only` makes. It needs no OpenGL."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from photo3d_video.batch.naming import fill_stem, unique_stems
from photo3d_video.cache import Cache, cache_folder
from photo3d_video.depth.models import AUTO, find_model
from photo3d_video.errors import InputError, explain
from photo3d_video.files import make_folder, refuse_existing
from photo3d_video.photo import DEFAULT_MAX_SIZE, load_photo
from photo3d_video.stages import Stages

log = logging.getLogger(__name__)

ENDING = ".depth.png"


@dataclass(frozen=True)
class MapJob:
    """A depth map to write."""

    photo: Path
    """The photo's file."""
    file: Path
    """The 16-bit PNG."""
    preview: Path | None
    """The picture of it in colours."""
    depth: Path | None
    """The user's own map; None to estimate it."""


@dataclass(frozen=True)
class MapOutcome:
    """What became of it."""

    job: MapJob
    """The job."""
    status: Literal["done", "failed", "found"]
    """`found`: the file was there before and was left alone."""
    text: str
    """Size and source of the depth, or why it failed: one line."""


def plan_maps(
    photos: Sequence[Path], output: Path, preview: str | None = None, depth: str | None = None
) -> list[MapJob]:
    """Where the depth maps go: into the folder `output`, as `{stem}.depth.png`; of one photo, also to a file .png.

    `preview`: file of the picture in colours; `depth`: the user's own map. Where there are several photos, `{stem}` in
    them is the photo's name. Raises InputError.
    """
    to_file = output.suffix.lower() == ".png" and not output.is_dir()
    if to_file and len(photos) > 1:
        raise InputError(f"-o {output} names one file for {len(photos)} depth maps: give a folder")
    if not to_file and output.is_file():
        raise InputError(f"-o {output} is no folder: give a folder, or a file that ends in .png")
    for option, text in {"--save-depth-preview": preview, "--depth": depth}.items():
        if len(photos) > 1 and text is not None and fill_stem(text, "") == text:
            raise InputError(f"{option} {text} fits one photo, not {len(photos)}: put {{stem}} into it")
    jobs = []
    for photo, stem in unique_stems(photos).items():
        file = output if to_file else output / f"{stem}{ENDING}"
        others = [None if text is None else Path(fill_stem(text, stem)) for text in (preview, depth)]
        jobs.append(MapJob(photo, file, *others))
    return jobs


def write_maps(
    jobs: Sequence[MapJob],
    end_map: Callable[[MapOutcome], None],
    *,
    far_is_white: bool = False,
    depth_model: str = AUTO,
    download: bool = False,
    max_size: int | None = None,
    cache: bool = True,
    overwrite: bool = False,
    skip_existing: bool = False,
) -> list[MapOutcome]:
    """Write depth maps, one photo after the other; `end_map` is told the outcome of each.

    Other arguments as in `render_photo`. Files that exist may be a user's own work: they are never replaced unless
    `overwrite` says so. Raises OutputError for them unless `skip_existing` keeps them, and for a folder that cannot be
    created; InputError or WeightsError for a depth model that cannot be used. What goes wrong with one photo is in its
    outcome.
    """
    if overwrite and skip_existing:
        raise InputError("--overwrite and --skip-existing exclude each other: give one of them")
    existing = [] if overwrite else [job.file for job in jobs if job.file.exists()]
    if not skip_existing:
        refuse_existing(existing)
    model = find_model(depth_model, download)
    stages = Stages(Cache(cache_folder() if cache else None))

    def write(job: MapJob) -> MapOutcome:
        if job.file in existing:
            return MapOutcome(job, "found", "was there before")
        try:
            photo = load_photo(job.photo, max_size or DEFAULT_MAX_SIZE)
            found = stages.depth(photo, job.depth, far_is_white, model, job.file, job.preview)
        except Exception as error:
            log.debug("%s failed", job.photo, exc_info=True)
            return MapOutcome(job, "failed", explain(error))
        return MapOutcome(job, "done", f"{photo.rgb.shape[1]}x{photo.rgb.shape[0]}, {found.source}")

    outcomes = []
    for job in jobs:
        make_folder(job.file.parent)
        outcomes.append(write(job))
        end_map(outcomes[-1])
    return outcomes
