"""Arguments and output of the benchmarks: a table to read, or one JSON object on standard output and nothing else."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def note(text: str) -> None:
    """Progress: to standard error, so that standard output holds the result alone."""
    print(text, file=sys.stderr, flush=True)


def print_json(result: Row) -> None:
    """One JSON object on standard output; figures that do not exist (NaN) become null."""
    print(json.dumps(_rounded(result), allow_nan=False))


def print_rows(rows: Sequence[Row], as_json: bool) -> None:
    """The rows of a benchmark as `{"rows": [...]}` or as a table; all rows have the keys of the first."""
    if as_json:
        print_json({"rows": list(rows)})
    else:
        print(format_table(rows))


def format_table(rows: Sequence[Row]) -> str:
    """Rows under their keys, text to the left, numbers to the right."""
    if not rows:
        return "(nothing)"
    keys = list(rows[0])
    cells = [keys, *([_cell(row[key]) for key in keys] for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(keys))]
    numeric = [all(not isinstance(row[key], str) for row in rows) for key in keys]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in cells
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        if math.isnan(value):
            return "-"
        digits = 5 if 0 < abs(value) < 0.1 else 3 if abs(value) < 100 else 1
        return f"{value:.{digits}f}"
    return str(value)


def parse_size(text: str) -> tuple[int, int]:
    """`1920x1080` -> (1920, 1080): the type of a `--size` option."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: give WIDTHxHEIGHT, e.g. 1920x1080")
    return int(width), int(height)


def _rounded(value: Any) -> Any:
    """The value with six significant digits, which is more than any of these measurements holds."""
    if isinstance(value, float):
        return None if not math.isfinite(value) else float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value
