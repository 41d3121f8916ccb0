"""What a batch makes: every photo with every path, or what a job file asks for, with the name of each clip."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photo3d_video.batch.naming import check_name, clip_name, fill_stem, path_label, unique_stems
from photo3d_video.depth.files import find_beside
from photo3d_video.depth.models import find_model
from photo3d_video.effects import Effects
from photo3d_video.errors import InputError
from photo3d_video.files import PICTURES
from photo3d_video.fill_model import find_fill_model
from photo3d_video.framing import frame_photo
from photo3d_video.moves import check_timing, frame_count
from photo3d_video.output.codecs import CONTAINERS, written_path
from photo3d_video.output.encoding import VideoSpec, encoder_args
from photo3d_video.output.formats import Format, choose_format
from photo3d_video.output.stills import still_index
from photo3d_video.pipeline import parallax_budget_px

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".hif", ".avif", ".bmp", ".gif")
DEFAULT_PATH = "dolly-zoom"

# Settings that decide the scene: clips that agree in them are made one after the other, so that the scene is made once.
SCENE_SETTINGS = (
    *("max_size", "depth", "far_is_white", "depth_model", "save_depth", "save_depth_preview"),
    *("destination", "aspect", "resolution", "size"),
    *("preview", "strength", "fill", "fill_model"),
)
DEPTH_FILES = ("depth", "save_depth", "save_depth_preview")  # `{stem}` in them is the photo's name
_FORMAT_SETTINGS = ("codec", "destination", "size", "aspect", "resolution", "fps", "stereo", "preview")


@dataclass(frozen=True)
class Request:
    """A clip that was asked for."""

    photo: Path
    """The photo's file."""
    path: str
    """Preset or path file."""
    settings: Mapping[str, Any]
    """Other arguments of `render_photo`; what is not in it has the default."""
    name: str | None = None
    """Name template of this clip alone."""
    where: str = ""
    """The row of the job file, for messages."""


@dataclass(frozen=True)
class Job:
    """A clip to make."""

    photo: Path
    """The photo's file."""
    path: str
    """Preset or path file."""
    settings: Mapping[str, Any]
    """Other arguments of `render_photo`, the depth map beside the photo included."""
    output: Path
    """The clip's file."""

    @property
    def written(self) -> Path:
        """What appears on the disk: for a sequence of pictures a folder, else `output`."""
        return self.output if "still" in self.settings else written_path(self.output)

    @property
    def title(self) -> str:
        """For progress and messages."""
        return f"{self.photo.name} {path_label(self.path)}"


def is_batch(photos: Sequence[str], path: str | None) -> bool:
    """Whether these arguments ask for more than one clip, or may."""
    if len(photos) != 1 or len(split_paths(path or DEFAULT_PATH)) > 1:
        return True
    return Path(photos[0]).is_dir() or (glob.has_magic(photos[0]) and not Path(photos[0]).exists())


def split_paths(text: str) -> list[str]:
    """The paths of a list such as `dolly-zoom,orbit`; a path file may have a comma in its name."""
    if Path(text).is_file():
        return [text]
    paths = list(dict.fromkeys(part.strip() for part in text.split(",")))
    if "" in paths:
        raise InputError(f"--path {text!r}: a name is missing at a comma")
    return paths


def find_photos(arguments: Iterable[str], recursive: bool = False) -> list[Path]:
    """The photos that files, folders and patterns name, each once. Folders give theirs by name, without depth maps.

    Raises InputError for a folder or pattern without any. A file is taken as it is: what is wrong with it shows when
    it is its turn.
    """
    found: dict[Path, Path] = {}
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            photos = _in_folder(path, recursive)
            if not photos:
                hint = "give another" if recursive else "give another, or --recursive for the folders in it"
                raise InputError(f"{path} holds no photo: {hint}")
        elif glob.has_magic(argument) and not path.exists():  # not every shell expands patterns
            photos = [Path(match) for match in sorted(glob.glob(argument)) if _is_photo(Path(match))]  # noqa: PTH207
            if not photos:
                raise InputError(f"no photo matches {argument}: check the pattern")
        else:
            photos = [path]
        for photo in photos:
            found.setdefault(photo.absolute(), photo)
    return list(found.values())


def _in_folder(folder: Path, recursive: bool) -> list[Path]:
    try:
        entries = sorted(folder.rglob("*") if recursive else folder.iterdir())
    except OSError as error:
        raise InputError(f"cannot read the folder {folder} ({error.strerror}): check its permissions") from error
    return [
        entry
        for entry in entries
        if _is_photo(entry) and not any(part.startswith(".") for part in entry.relative_to(folder).parts)
    ]


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in PHOTO_SUFFIXES and not path.stem.lower().endswith(".depth") and path.is_file()


def check_settings(path: str, settings: Mapping[str, Any]) -> None:
    """Refuse what can be refused without looking at the photo. Raises InputError."""
    form = _choose_format(None, settings)
    n_frames = frame_count(path, settings.get("seconds"), form.fps)
    still_frames = round(settings.get("start_still_s", 0) * form.fps)
    given = {name: settings[name] for name in ("reverse", "boomerang") if name in settings}
    if settings.get("hardware") and form.codec is not None:
        encoder_args(VideoSpec(640, 480, form.fps, codec=form.codec, hardware=True))
    check_timing(path, n_frames, settings.get("easing"), still_frames=still_frames, **given)
    parallax_budget_px(16, 16, settings.get("strength", 1))
    Effects(settings.get("dof", 0), settings.get("vignette", 0), settings.get("focus_pull"))
    frame_photo(16, 16, form.size_for(16, 16))
    if settings.get("depth_model") is not None:
        find_model(settings["depth_model"])
    if settings.get("fill_model") is not None:
        find_fill_model(settings["fill_model"])
    if "still" in settings:
        still_index(settings["still"], n_frames, form.fps)


def _choose_format(ending: str | None, settings: Mapping[str, Any]) -> Format:
    """The format of clips whose names have that ending. Raises InputError or OutputError where it cannot be encoded."""
    given = {key: settings[key] for key in _FORMAT_SETTINGS if key in settings}
    form = choose_format(ending and f"clip{ending}", single="still" in settings, **given)
    if form.codec is not None:
        quality = {key: settings[key] for key in ("crf", "preset") if key in settings}
        VideoSpec(16, 16, form.fps, **quality, codec=form.codec)
    return form


def plan_jobs(requests: Sequence[Request], folder: Path, template: str) -> list[Job]:
    """Jobs in the order in which they are made: all clips of a photo together, those that share a scene in a row.

    Raises InputError for a template that cannot be used, or that gives two clips one name.
    """
    check_name(template)
    stems = unique_stems(list(dict.fromkeys(request.photo for request in requests)))
    jobs: dict[str, tuple[Job, Request]] = {}
    for index, request in enumerate(requests, 1):
        pattern = template
        if request.name is not None:
            check_name(request.name)
            pattern = request.name
        settings = dict(request.settings)
        name = clip_name(pattern, stems[request.photo], path_label(request.path), index, len(requests))
        named = pattern.lower().endswith((*CONTAINERS, *PICTURES))
        form = _choose_format(Path(pattern).suffix if named else None, settings)
        name += "" if named else form.extension
        for key in DEPTH_FILES:
            if settings.get(key) is not None:
                settings[key] = fill_stem(str(settings[key]), stems[request.photo])
        if settings.get("depth") is None:
            beside = find_beside(request.photo)
            if beside is not None:
                settings["depth"] = str(beside)
        if name.casefold() in jobs:
            other = jobs[name.casefold()][1]
            both = f"{other.where} and {request.where}" if request.where else f"{other.photo} and {request.photo}"
            raise InputError(f"{both} would both make {name}: put {{stem}}, {{path}} or {{index}} into --name")
        jobs[name.casefold()] = Job(request.photo, request.path, settings, folder / name), request
    return _in_order(job for job, _ in jobs.values())


def _in_order(jobs: Iterable[Job]) -> list[Job]:
    photos: dict[Path, dict[str, list[Job]]] = {}
    for job in jobs:
        scene = repr([job.settings.get(name) for name in SCENE_SETTINGS])
        photos.setdefault(job.photo, {}).setdefault(scene, []).append(job)
    return [job for scenes in photos.values() for group in scenes.values() for job in group]
