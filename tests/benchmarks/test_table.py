"""What the benchmarks print."""

from __future__ import annotations

import argparse
import json

import pytest

from benchmarks.table import format_table, note, parse_size, print_json, print_rows

ROWS = [
    {"model": "built-in", "n": 12, "pearson": 0.75, "share": 0.00042},
    {"model": "ramp", "n": 8, "pearson": float("nan"), "share": 0.0},
]


def test_json_is_one_object_and_holds_what_was_measured(capsys) -> None:
    note("progress")
    print_rows(ROWS, as_json=True)
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and err == "progress\n"
    assert json.loads(out) == {"rows": [ROWS[0], {**ROWS[1], "pearson": None}]}


def test_json_has_no_more_digits_than_measurements_have(capsys) -> None:
    print_json({"stages_s": {"load": 1 / 3}, "size": [1920, 1080], "fps": float("inf"), "photo": "a.jpg"})
    expected = '{"stages_s": {"load": 0.333333}, "size": [1920, 1080], "fps": null, "photo": "a.jpg"}'
    assert capsys.readouterr().out == expected + "\n"


def test_table_is_aligned(capsys) -> None:
    print_rows(ROWS, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "model      n  pearson    share",
        "------------------------------",
        "built-in  12    0.750  0.00042",
        "ramp       8        -    0.000",
    ]
    assert format_table([]) == "(nothing)"


def test_sizes() -> None:
    assert parse_size("1920x1080") == parse_size("1920X1080") == (1920, 1080)
    for text in ("1920", "axb", "1920x", "-2x4"):
        with pytest.raises(argparse.ArgumentTypeError, match="WIDTHxHEIGHT"):
            parse_size(text)
