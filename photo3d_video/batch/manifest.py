"""The manifest of a batch: a JSON file that says what each clip was made from and what became of it.

    {"version": 1, "clips": [{"output": "a_orbit.mp4", "status": "done", "input": "/photos/a.jpg", "path": "orbit",
     "settings": {"strength": 0.5}, "depth": null, "reason": null, "size": [1920, 1080], "frames": 120, "fps": 30.0,
     "seconds": 7.31, "stages": {"load": 0.21, ...}}, ...]}

`output` is relative to the manifest's folder and names the entry. `seconds` is the working time of all `stages`.
Statuses: `pending`, `rendering` (now, or when the program was killed), `done`, `failed` (then `reason` says why) and
`found` (the file was there before and was left alone).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photo3d_video.errors import InputError, OutputError

FILE_NAME = "manifest.json"
VERSION = 1

Entry = dict[str, Any]


class Manifest:
    """The entries of a manifest file by output name; what the file held before stays in it."""

    def __init__(self, folder: Path) -> None:
        """Read `folder`/manifest.json if there is one. Raises InputError where that is no manifest."""
        self.file = folder / FILE_NAME
        self.entries: dict[str, Entry] = {}
        try:
            data = json.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise InputError(f"{self.file} cannot be read ({error}): move it away") from error
        try:
            if data["version"] != VERSION:
                raise InputError(f"{self.file} was made by another version of this program: move it away")
            self.entries = {str(entry["output"]): dict(entry) for entry in data["clips"]}
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self.file} is not a manifest of this program: move it away") from error

    def key(self, output: Path) -> str:
        """The name of a clip in this manifest."""
        return Path(os.path.relpath(output, self.file.parent)).as_posix()

    def get(self, output: Path) -> Entry | None:
        """The entry of a clip."""
        return self.entries.get(self.key(output))

    def put(self, output: Path, entry: Mapping[str, Any]) -> None:
        """Replace the entry of a clip; `save` writes it."""
        key = self.key(output)
        self.entries[key] = {"output": key, **entry}

    def update(self, output: Path, **changes: Any) -> None:
        """Change an entry and save."""
        self.entries[self.key(output)].update(changes)
        self.save()

    def save(self) -> None:
        """Write the file in one step: whoever reads it sees the old or the new one, whole.

        Raises OutputError where it cannot be written.
        """
        data = {"version": VERSION, "clips": list(self.entries.values())}
        text = json.dumps(data, indent=1, ensure_ascii=True, default=str) + "\n"
        part = self.file.with_name(f".{self.file.name}.part")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(self.file)
        except OSError as error:
            raise OutputError(f"cannot write {self.file} ({error.strerror}): choose another folder") from error
