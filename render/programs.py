"""Shader programs from the files of `shaders`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SHADERS = Path(__file__).parent / "shaders"
_VERSION = "#version 330\n"


def make_program(context: Any, vertex: str, *fragment: str, **defines: int | None) -> Any:
    """The program of the named files; several fragment files are joined.

    `defines`: preprocessor symbols; those that are None stay undefined.
    """
    symbols = "".join(f"#define {name} {value}\n" for name, value in defines.items() if value is not None)

    def source(*names: str) -> str:
        text = "".join((SHADERS / f"{name}.glsl").read_text() for name in names)
        return _VERSION + symbols + text.replace(_VERSION, "")

    return context.program(vertex_shader=source(f"{vertex}.vert"), fragment_shader=source(*fragment))
