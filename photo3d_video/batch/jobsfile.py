"""Job files: a table of clips, each with its own photo, path and settings, as TOML or CSV.

    [defaults]                    photo,path,strength,start-still
    seconds = 4                   beach.jpg,orbit,0.5,
                                  beach.jpg,swing,,1
    [[job]]
    photo = "beach.jpg"
    path = "orbit"
    strength = 0.5

A row has `photo` and, where wanted, `path` (one or several with commas), `name` (a name template) and any option of the
command that is about one clip, without the dashes. File names are relative to the job file's folder.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photo3d_video.batch.jobs import DEFAULT_PATH, Request, check_settings, split_paths
from photo3d_video.batch.naming import check_name
from photo3d_video.errors import InputError, Photo3DError

ParseSetting = Callable[[str, str | bool], dict[str, Any]]
"""Arguments of `render_photo` for an option's name and its text, or whether a flag is set. Raises InputError."""

MAX_BYTES = 16_000_000
FILE_KEYS = ("depth", "save-depth", "save-depth-preview", "fill-model", "audio")
_OWN_KEYS = ("photo", "path", "name")
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")
_TOLD = 8  # mistakes that one message lists


@dataclass(frozen=True)
class _Row:
    """A row as it is in the file."""

    where: str
    """For messages: `job 3` or `line 4`."""
    cells: Mapping[str, Any]
    """Value by key."""


def read_jobs(file: Path, parse: ParseSetting, defaults: Mapping[str, Any] | None = None) -> list[Request]:
    """The clips that a job file asks for. `defaults`: arguments of `render_photo` for what a row does not say.

    Everything is checked but the pictures themselves. Raises InputError that names row and key of each mistake.
    """
    requests: list[Request] = []
    mistakes: list[str] = []
    rows = list(_rows(file))
    for row in rows:
        cells: dict[str, dict[str, Any]] = {}
        before = len(mistakes)
        for key, value in row.cells.items():
            try:
                cells[key] = _read_cell(file.parent, key, value, parse)
            except Photo3DError as error:
                mistakes.append(f"{row.where}, {key}: {error}")
        if "photo" not in row.cells:
            mistakes.append(f"{row.where}: photo is missing")
        if len(mistakes) > before:
            continue
        found = {name: value for cell in cells.values() for name, value in cell.items()}
        photo, name = found.pop("photo"), found.pop("name", None)
        paths = found.pop("path", None) or [str((defaults or {}).get("path", DEFAULT_PATH))]
        settings = {key: value for key, value in (defaults or {}).items() if key != "path"} | found
        for path in paths:
            try:
                check_settings(path, settings)
            except Photo3DError as error:
                mistakes.append(f"{row.where}, {_blame(error, path, settings, cells)}: {error}")
                break
            requests.append(Request(photo, path, settings, name, f"{file.name} {row.where}"))
    if mistakes:
        more = f"; and {len(mistakes) - _TOLD} more mistakes" if len(mistakes) > _TOLD else ""
        raise InputError(f"{file}: {'; '.join(mistakes[:_TOLD])}{more}")
    if not rows:
        raise InputError(f"{file} asks for no clip: give it rows (CSV) or [[job]] tables (TOML)")
    return requests


def _rows(file: Path) -> Iterator[_Row]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise InputError(f"{file} is too large for a job file: is it the right one?")
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {file} ({error.strerror}): check its name") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text: save it as UTF-8") from error
    match file.suffix.lower():
        case ".toml":
            return _toml_rows(file, text)
        case ".csv":
            return _csv_rows(file, text)
        case _:
            raise InputError(f"{file}: a job file must end in .toml or .csv")


def _toml_rows(file: Path, text: str) -> Iterator[_Row]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{file} is not valid TOML: {error}") from error
    unknown = sorted(set(data) - {"defaults", "job"})
    if unknown:
        raise InputError(f"{file}: {unknown[0]} is unknown at the top: there are [defaults] and [[job]] only")
    defaults, jobs = data.get("defaults", {}), data.get("job", [])
    if not isinstance(defaults, dict) or not isinstance(jobs, list) or not all(isinstance(job, dict) for job in jobs):
        raise InputError(f"{file}: write [defaults] once, and [[job]] with double brackets for each clip")
    for number, job in enumerate(jobs, 1):
        yield _Row(f"job {number}", {**defaults, **job})


def _csv_rows(file: Path, text: str) -> Iterator[_Row]:
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","  # what spreadsheets write depends on the country
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        names = [name.strip() for name in reader.fieldnames or []]
        if len(set(names)) < len(names):
            raise InputError(f"{file}: the first line names a column twice")
        reader.fieldnames = names
        for cells in reader:
            if None in cells:
                raise InputError(f"{file}, line {reader.line_num}: more cells than the first line has names")
            yield _Row(f"line {reader.line_num}", {key: cell.strip() for key, cell in cells.items() if cell})
    except csv.Error as error:
        raise InputError(f"{file}, line {reader.line_num}: {error}") from error


def _read_cell(folder: Path, key: str, value: Any, parse: ParseSetting) -> dict[str, Any]:
    text = _as_text(value)
    if key in _OWN_KEYS or key in FILE_KEYS:
        if not isinstance(text, str) or not text:
            raise InputError("give a text")
        if key == "photo":
            if not (folder / text).is_file():
                raise InputError(f"{folder / text} is no file: check the name")
            return {"photo": folder / text}
        if key == "name":
            check_name(text)
            return {"name": text}
        if key == "path":
            return {"path": [_locate(folder, path) for path in split_paths(text)]}
        text = str(folder / text)
        if not key.startswith("save-") and not Path(text).is_file():
            raise InputError(f"{text} is no file: check the name")
    elif key == "depth-model" and isinstance(text, str) and (folder / text).is_dir():
        text = str(folder / text)
    return parse(key, text)


def _locate(folder: Path, path: str) -> str:
    return str(folder / path) if path.lower().endswith(".json") else path


def _as_text(value: Any) -> str | bool:
    """What one would write on the command line; words for flags become true or false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return f"{value:.17g}" if isinstance(value, float) else str(value)
    if isinstance(value, list) and value and all(isinstance(part, int | float) for part in value):
        return ",".join(str(_as_text(part)) for part in value)
    raise InputError("give a text, a number, true or false")


def as_flag(text: str | bool) -> bool:
    """Whether a flag is set. Raises InputError for other words."""
    if isinstance(text, bool):
        return text
    if text.lower() in _TRUE or text.lower() in _FALSE:
        return text.lower() in _TRUE
    raise InputError(f"{text!r} is neither true nor false")


def _blame(error: Photo3DError, path: str, settings: Mapping[str, Any], cells: Mapping[str, Mapping[str, Any]]) -> str:
    """The key without which the row would not have that error; the path where there is no such key."""
    for key, cell in cells.items():
        try:
            check_settings(path, {name: value for name, value in settings.items() if name not in cell})
        except Photo3DError as other:
            if str(other) == str(error):
                continue
        return key
    return "path"
