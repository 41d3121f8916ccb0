"""Names of the clips of a batch: a template, filled in for each photo and path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from string import Formatter

from photo3d_video.errors import InputError

DEFAULT_NAME = "{stem}_{path}"
FIELDS = ("stem", "path", "index")
_FORBIDDEN = '/\\\0<>:"|?*'  # separators, and what Windows refuses


def check_name(template: str) -> None:
    """Raise InputError for a template that cannot name files."""
    try:
        parts = list(Formatter().parse(template))
        clip_name(template, "stem", "path", 1, 1)
    except (ValueError, KeyError, IndexError) as error:
        reason = f"it has {{{error.args[0]}}}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"--name {template!r}: {reason}: use {{stem}}, {{path}} and {{index}}") from error
    for literal, field, _, conversion in parts:
        if conversion or (field is not None and field not in FIELDS):
            raise InputError(f"--name {template!r}: {{{field}}} is unknown: use {{stem}}, {{path}} and {{index}}")
        bad = sorted(set(literal) & set(_FORBIDDEN))
        if bad:
            raise InputError(f"--name {template!r}: {bad[0]!r} cannot be in a file name: give the folder with -o")
    if template.startswith("."):
        raise InputError(f"--name {template!r}: the files would be hidden: begin with something else than a dot")


def clip_name(template: str, stem: str, path: str, index: int, total: int) -> str:
    """The template filled in, without an ending.

    `{index}` counts from 1, with as many digits as `total` has unless it says how many.
    """
    filled = []
    for literal, field, spec, _ in Formatter().parse(template):
        filled.append(literal)
        match field:
            case None:
                pass
            case "index":
                filled.append(format(index, spec or f"0{len(str(total))}d"))
            case "stem" | "path":
                filled.append(format(stem if field == "stem" else path, spec or ""))
            case _:
                raise KeyError(field)
    return "".join(filled)


def fill_stem(text: str, stem: str) -> str:
    """A file name of the user with `{stem}` replaced by a photo's name."""
    return text.replace("{stem}", stem)


def path_label(path: str) -> str:
    """What stands for a camera path in names: the preset's name, or the path file's without its ending."""
    return Path(path).stem if path.lower().endswith(".json") else path


def unique_stems(photos: Sequence[Path]) -> dict[Path, str]:
    """A name for each photo: its stem and, where several have the same one, what tells them apart.

    That is the ending for `a.jpg` and `a.png` (`a-jpg`, `a-png`), the folder for `x/a.jpg` and `y/a.jpg` (`x-a`,
    `y-a`), both, or a number at last. Letter case does not tell names apart, because on many disks it does not.
    """
    forms: tuple[Callable[[Path], str], ...] = (
        lambda photo: photo.stem,
        lambda photo: f"{photo.stem}-{photo.suffix[1:]}",
        lambda photo: f"{photo.absolute().parent.name}-{photo.stem}",
        lambda photo: f"{photo.absolute().parent.name}-{photo.stem}-{photo.suffix[1:]}",
    )
    groups: dict[str, list[Path]] = {}
    for photo in photos:
        groups.setdefault(photo.stem.casefold(), []).append(photo)
    names: dict[Path, str] = {}
    for group in groups.values():
        telling = (form for form in forms if len({form(photo).casefold() for photo in group}) == len(group))
        form = next(telling, forms[-1])
        names.update((photo, form(photo)) for photo in group)
    taken: set[str] = set()
    for photo in photos:
        name, number = names[photo], 2
        while names[photo].casefold() in taken:
            names[photo] = f"{name}-{number}"
            number += 1
        taken.add(names[photo].casefold())
    return names
