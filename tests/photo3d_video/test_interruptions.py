"""Signals that come at the worst moment: they stop the program, and nothing is left of what it was doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from photo3d_video.files import PictureWriter
from photo3d_video.interruptions import held_back
from photo3d_video.output import video
from photo3d_video.output.encoding import VideoSpec
from photo3d_video.output.video import VideoWriter

SENT = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """As in the command: both signals become exceptions."""

    def stop(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.getsignal(number) for number in SENT}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, stop)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def stops(number: int) -> Any:
    return pytest.raises(KeyboardInterrupt if number == signal.SIGINT else SystemExit)


@pytest.mark.parametrize("number", SENT)
def test_signals_wait_for_the_end_of_the_block(number: int) -> None:
    before, done = signal.getsignal(number), []
    with stops(number), held_back():
        with held_back():
            signal.raise_signal(number)
            done.append("inner")
        done.append("outer")
    assert done == ["inner", "outer"] and signal.getsignal(number) is before


def test_an_interrupt_outdoes_an_error_and_without_one_nothing_happens() -> None:
    with pytest.raises(ZeroDivisionError), held_back():
        raise ZeroDivisionError
    with pytest.raises(KeyboardInterrupt), held_back():
        signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError
    with pytest.raises(SystemExit) as stop, held_back():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert stop.value.code == 143, "the first one decides"


def test_ignored_signals_and_other_threads_are_left_alone() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with held_back():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        signal.raise_signal(signal.SIGTERM)
    seen: list[object] = []

    def work() -> None:
        with held_back():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """All processes that are started."""
    imageio_ffmpeg.get_ffmpeg_exe()  # starts it once, to see whether it runs
    processes: list[subprocess.Popen[bytes]] = []

    class Known(subprocess.Popen):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            processes.append(self)

    monkeypatch.setattr(subprocess, "Popen", Known)
    return processes


def before_and_after(call: Callable[..., Any], number: int, when: str) -> Callable[..., Any]:
    """The call, with a signal sent right before or after it."""

    def wrapper(*args: Any, **options: Any) -> Any:
        if when == "before":
            signal.raise_signal(number)
        result = call(*args, **options)
        if when == "after":
            signal.raise_signal(number)
        return result

    return wrapper


PLACES = [(subprocess, "Popen"), (threading.Thread, "start"), (Path, "touch"), (video, "remove")]


@pytest.mark.parametrize("number", SENT)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("owner", "name"), PLACES, ids=lambda value: str(value).rpartition(".")[2])
def test_a_signal_while_ffmpeg_starts_or_ends(tmp_path, monkeypatch, started, owner, name, when, number) -> None:
    monkeypatch.setattr(owner, name, before_and_after(getattr(owner, name), number, when))
    frame = np.zeros((48, 64, 3), np.uint8)
    with stops(number), VideoWriter(tmp_path / "c.mp4", VideoSpec(64, 48, 30)) as writer:
        writer.write(frame)
        assert name == "remove", "nothing is written after a signal"
        raise ZeroDivisionError
    assert len(started) == 1 and all(process.returncode is not None for process in started)
    time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []


def test_threads_that_cannot_be_started(tmp_path, monkeypatch, started) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    with pytest.raises(RuntimeError, match="new thread"), VideoWriter(tmp_path / "c.mp4", VideoSpec(64, 48, 30)):
        pass
    assert started[0].returncode is not None and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", SENT)
def test_a_signal_while_a_picture_is_written(tmp_path, monkeypatch, number) -> None:
    from PIL import Image

    monkeypatch.setattr(Image.Image, "save", before_and_after(Image.Image.save, number, "after"))
    with stops(number), PictureWriter(tmp_path / "s.png") as writer:
        writer.write(np.zeros((48, 64, 3), np.uint8))
    assert [file.name for file in tmp_path.iterdir()] == ["s.png"], "written, and then stopped"


WORKERS = """
import multiprocessing, signal, sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from photo3d_video.cli.dashboard import Quiet
from photo3d_video.batch.jobs import Job
from photo3d_video.batch.workers import run_workers

def stop(number, _):
    raise SystemExit(128 + number)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    start, begun = BaseProcess.start, []
    def started(process):
        start(process)
        begun.append(process)
        if len(begun) == 2:
            signal.raise_signal(signal.SIGTERM)
    BaseProcess.start = started
    job = Job(Path("none.jpg"), "pan", {}, Path("none.mp4"))
    try:
        run_workers([[job], [job], [job]], 3, Quiet())
    finally:
        print(len(begun), [process.is_alive() for process in begun])
"""


def test_a_signal_while_workers_start(tmp_path) -> None:
    program = tmp_path / "program.py"
    program.write_text(WORKERS)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    result = subprocess.run([sys.executable, program], capture_output=True, text=True, env=environment, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (143, "2 [False, False]\n", "")
