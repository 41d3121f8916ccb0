"""What a terminal shows while a batch runs."""

from __future__ import annotations

import io
import re
from pathlib import Path

import rich.console

from photo3d_video.batch.batch import Outcome
from photo3d_video.batch.jobs import Job
from photo3d_video.cli.dashboard import Board


def test_board_counts_clips_and_the_steps_of_their_stages() -> None:
    job = Job(Path("a.jpg"), "pan", {}, Path("a_pan.mp4"))
    text = io.StringIO()
    console = rich.console.Console(file=text, force_terminal=True, width=120, highlight=False)
    board = Board(console, console)

    def shown() -> str:
        text.seek(0)
        text.truncate()
        board._bars.refresh()  # else ten times a second
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.getvalue())

    board.show()
    try:
        board.begin(2)
        board.start_clip(0, job)
        assert "0/2" in shown() and "a.jpg pan" in shown()
        board.start_stage(0, "layers", None)
        board.advance(0)
        assert re.search(r"layers 1\s*$", shown()), "no total where nobody knows one"
        board.start_stage(0, "render", 4)
        assert "render 0/4" in shown()
        board.advance(0)
        assert "render 1/4" in shown()
        board.end_clip(0, Outcome(job, "failed", "no [such] file"))
        assert "failed: a.jpg pan: no [such] file" in text.getvalue()
        assert "1/2, 1 failed" in shown()
    finally:
        board.hide()
