from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pytest

from photo3d_video import cache as cache_module
from photo3d_video.cache import (
    ENDING,
    FOLDER_VARIABLE,
    LIMIT_BYTES,
    NAME,
    PART_ENDING,
    Cache,
    cache_folder,
    digest,
    fingerprint,
)
from photo3d_video.cli import command as cli
from photo3d_video.depth.estimate import DEPTH_CODE
from photo3d_video.pipeline import Picture
from photo3d_video.stages import SCENE_CODE

CODE = ("inpaint",)


@dataclass(frozen=True, eq=False)
class Result:
    """As the results of stages: flat, of arrays and numbers."""

    bytes: np.ndarray
    wide: np.ndarray
    flags: np.ndarray
    nothing: np.ndarray
    absent: np.ndarray | None
    factor: float
    count: int
    source: str


def result(number: int, size: int = 5) -> Result:
    rng = np.random.default_rng(number)
    return Result(
        rng.integers(0, 256, (size, 3, 3), np.uint8),
        rng.normal(size=(size, 7)).astype(np.float32),
        rng.random((3, 5)) > 0.5,
        np.zeros((0, 3), np.int32),
        None,
        0.1 + number,
        number,
        "ünïcode",
    )


def equal(a: Result, b: Result) -> bool:
    def same(x: object, y: object) -> bool:
        if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
            return x.dtype == y.dtype and np.array_equal(x, y)
        return type(x) is type(y) and x == y

    return all(same(getattr(a, field.name), getattr(b, field.name)) for field in fields(Result))


def never() -> Result:
    raise AssertionError("must come from the cache")


@pytest.fixture(autouse=True)
def _heard(monkeypatch) -> None:
    """Log records reach pytest even after a test of the console, which keeps them to itself."""
    monkeypatch.setattr(logging.getLogger("photo3d_video"), "propagate", True)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{ENDING}"))


def test_second_time_comes_from_the_disk_unchanged(cache: Path) -> None:
    first = Cache(cache).once(Result, CODE, (1,), lambda: result(1))
    second = Cache(cache).once(Result, CODE, (1,), never)
    assert equal(first, result(1)) and equal(second, result(1))
    assert second.wide.flags.aligned and second.wide.flags.writeable
    assert len(list(cache.iterdir())) == 1


def test_no_folder_keeps_nothing(tmp_path: Path) -> None:
    made = [Cache(None).once(Result, CODE, (1,), lambda: result(1)) for _ in range(2)]
    assert made[0] is not made[1]
    assert not list(tmp_path.iterdir())


PICTURE = Picture(np.zeros((4, 6, 3), np.uint8), np.full((4, 6), 0.5, np.float32), None, 100.0)


def test_every_input_is_in_the_key() -> None:
    pixel = np.zeros((4, 6, 3), np.uint8)
    pixel[3, 5, 2] = 1
    far = PICTURE.disparity.copy()
    far[0, 0] = np.nextafter(far[0, 0], 1)
    keys = [
        digest(*values)
        for values in (
            (PICTURE, 40.0, "fast"),
            (replace(PICTURE, rgb=pixel), 40.0, "fast"),
            (replace(PICTURE, rgb=pixel.reshape(6, 4, 3)), 40.0, "fast"),
            (replace(PICTURE, rgb=pixel.view(np.int8)), 40.0, "fast"),
            (replace(PICTURE, disparity=far), 40.0, "fast"),
            (replace(PICTURE, subject=PICTURE.disparity), 40.0, "fast"),
            (replace(PICTURE, focal_px=101.0), 40.0, "fast"),
            (PICTURE, np.nextafter(40.0, 41), "fast"),
            (PICTURE, 40, "fast"),
            (PICTURE, 40.0, "network"),
            (PICTURE, 40.0, None),
            (PICTURE, (40.0, "fast")),
            (PICTURE, 40.0, "fast", ()),
        )
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == digest(replace(PICTURE, rgb=PICTURE.rgb.copy()), 40.0, "fast")
    assert digest(np.float32(0.5), Path("a")) == digest(0.5, Path("a")) != digest(0.5, "a")


def test_keys_are_the_same_in_another_process() -> None:
    code = "from photo3d_video.cache import *; print(digest('a', 1.5, None, ('b',)), fingerprint('inpaint'))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert printed == [digest("a", 1.5, None, ("b",)), fingerprint("inpaint")]


def test_what_has_no_stable_bytes_is_no_key() -> None:
    with pytest.raises(TypeError, match="object"):
        digest(object())
    with pytest.raises(TypeError):
        digest(np.array([object()]))


@pytest.mark.parametrize("changed", ["a.py", "sub/b.py", "weights.safetensors"])
def test_changed_code_and_weights_make_new_entries(tmp_path: Path, monkeypatch, changed: str) -> None:
    monkeypatch.setattr(cache_module, "_ROOT", tmp_path)
    for name in ("a.py", "sub/b.py", "weights.safetensors", "notes.md"):
        file = tmp_path / "package" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("1")
    print_of = fingerprint.__wrapped__  # without its memory
    before = print_of("package")
    (tmp_path / "package" / "notes.md").write_text("2")
    assert print_of("package") == before
    (tmp_path / "package" / changed).write_text("2")
    assert print_of("package") != before
    assert print_of("package/a.py") != print_of("package/sub/b.py")


def test_the_stages_name_code_that_exists() -> None:
    for place in (*DEPTH_CODE, *SCENE_CODE):
        assert (cache_module._ROOT / place).exists(), place


@pytest.mark.parametrize("damage", ["empty", "cut", "cut to the head", "one bit", "one bit of the end", "other file"])
def test_damaged_entries_are_made_again(cache: Path, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    Cache(cache).once(Result, CODE, (1,), lambda: result(1, 500))
    (entry,) = entries(cache)
    data = bytearray(entry.read_bytes())
    match damage:
        case "empty":
            data = bytearray()
        case "cut":
            del data[-1000:]
        case "cut to the head":
            del data[10:]
        case "one bit":
            data[len(data) // 2] ^= 4
        case "one bit of the end":
            data[-1] ^= 1
        case "other file":
            data = bytearray(b"PK\x03\x04" * 100)
    entry.write_bytes(data)
    with caplog.at_level("INFO", logger="photo3d_video"):
        again = Cache(cache).once(Result, CODE, (1,), lambda: result(1, 500))
    assert equal(again, result(1, 500))
    assert "damaged" in caplog.text
    assert equal(Cache(cache).once(Result, CODE, (1,), never), result(1, 500))


def test_damaged_entry_is_removed_even_where_nothing_new_fits(cache: Path) -> None:
    Cache(cache).once(Result, CODE, (1,), lambda: result(1))
    entries(cache)[0].write_bytes(b"?")
    Cache(cache, limit_bytes=10).once(Result, CODE, (1,), lambda: result(1))
    assert not list(cache.iterdir())


def test_entries_of_another_class_are_not_taken(cache: Path) -> None:
    @dataclass(frozen=True)
    class Other:
        number: int

    Cache(cache).once(Result, CODE, (1,), lambda: result(1))
    entries(cache)[0].rename(cache / "kept")
    Cache(cache).once(Other, CODE, (1,), lambda: Other(5))
    (cache / "kept").rename(entries(cache)[0])
    assert Cache(cache).once(Other, CODE, (1,), lambda: Other(6)) == Other(6)


def test_least_recently_used_goes_first(cache: Path) -> None:
    Cache(cache).once(Result, CODE, (0,), lambda: result(0, 1000))
    size = entries(cache)[0].stat().st_size
    store = Cache(cache, limit_bytes=3 * size + 200)
    files = {0: entries(cache)[0]}
    for number in (1, 2):
        store.once(Result, CODE, (number,), lambda number=number: result(number, 1000))
        (files[number],) = set(entries(cache)) - set(files.values())
    for number, file in files.items():
        os.utime(file, (1000 + number, 1000 + number))
    store.once(Result, CODE, (0,), never)  # used: now the newest
    store.once(Result, CODE, (3,), lambda: result(3, 1000))
    left = set(entries(cache))
    assert files[1] not in left and {files[0], files[2]} < left and len(left) == 3
    assert sum(file.stat().st_size for file in left) <= 3 * size + 200


def test_leftovers_of_crashes_go_but_not_what_is_being_written(cache: Path) -> None:
    old, young, foreign = (cache / name for name in (f".a{PART_ENDING}", f".b{PART_ENDING}", "mine.part"))
    for file in (old, young, foreign):
        file.write_bytes(b"1")
    os.utime(old, (time.time() - 2 * cache_module.ABANDONED_S,) * 2)
    Cache(cache).once(Result, CODE, (1,), lambda: result(1))
    assert not old.exists() and young.exists() and foreign.exists()
    assert Cache(cache).clear()[0] == 1
    assert list(cache.iterdir()) == [foreign]


@pytest.mark.parametrize("trouble", ["a file in its place", "a folder that takes no files", "full disk"])
def test_trouble_with_the_disk_never_fails_a_run(
    tmp_path: Path, monkeypatch, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    folder = tmp_path / "somewhere"
    if trouble == "a file in its place":
        folder.write_text("mine")
    elif trouble == "a folder that takes no files":
        folder = Path("/proc/photo3d" if sys.platform.startswith("linux") else "/dev/null/photo3d")
    else:

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(cache_module.zlib, "crc32", full)
    with caplog.at_level("INFO", logger="photo3d_video"):
        made = Cache(folder).once(Result, CODE, (1,), lambda: result(1))
    assert equal(made, result(1))
    assert "warning: the cache" in caplog.text
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    if trouble == "full disk":
        assert not list(folder.iterdir())


def test_an_error_of_the_stage_leaves_nothing(cache: Path) -> None:
    with pytest.raises(AssertionError):
        Cache(cache).once(Result, CODE, (1,), never)
    assert not list(cache.iterdir())


HAMMER = """
import sys
import numpy as np
from pathlib import Path
from photo3d_video.cache import Cache
from photo3d_video.depth.builtin import DepthMap

def make(number):
    return DepthMap(np.full((100, 100), number / 10, np.float32), None, str(number))

folder = Path(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
made = 0
for turn in range(150):
    number = int(rng.integers(10))
    def count():
        global made
        made += 1
        return make(number)
    found = Cache(folder, limit_bytes=220_000).once(DepthMap, ("inpaint",), (number,), count)
    assert found.source == str(number) and (found.disparity == np.float32(number / 10)).all()
    if turn % 50 == 10 + int(sys.argv[2]):
        Cache(folder).clear()
    for file in list(folder.glob("*.photo3d"))[:1] if turn % 37 == 5 else []:
        try:
            file.write_bytes(file.read_bytes()[:-7])
        except OSError:
            pass
print(made)
"""


def test_many_processes_share_a_folder(cache: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, str(cache), str(number)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )
        for number in range(4)
    ]  # fmt: skip
    for process in started:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert 0 < int(out) < 150
    assert all(file.suffix == ENDING for file in cache.iterdir())
    assert sum(file.stat().st_size for file in cache.iterdir()) <= 220_000


def test_where_the_cache_is(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder({}, "linux") == tmp_path / ".cache" / NAME
    assert cache_folder({"XDG_CACHE_HOME": "/x"}, "linux") == Path("/x") / NAME
    assert cache_folder({"XDG_CACHE_HOME": "relative"}, "linux") == tmp_path / ".cache" / NAME
    assert cache_folder({}, "darwin") == tmp_path / "Library" / "Caches" / NAME
    assert cache_folder({"LOCALAPPDATA": "/l"}, "win32") == Path("/l") / NAME / "Cache"
    assert cache_folder({FOLDER_VARIABLE: str(tmp_path / "own")}, "win32") == tmp_path / "own"

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder({}, "linux") is None
    assert LIMIT_BYTES == 2_000_000_000  # as the README says


def test_second_path_needs_no_torch_and_shows_the_same(photo_file: Path, tmp_path: Path, cache: Path, decode) -> None:
    options = ["--size", "96x72", "--seconds", "0.2", "--fps", "10", "--fill", "fast", "-q"]
    heavy = {"torch", "timm", "scipy", "networkx"}
    program = (
        f"import sys; from photo3d_video.cli.command import main; main(); print(sorted({heavy} & set(sys.modules)))"
    )

    def render(name: str, *more: str) -> str:
        command = [sys.executable, "-c", program, str(photo_file), *options, "-o", str(tmp_path / name), *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[2])
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert "torch" in render("cold.mp4", "--path", "swing")
    assert render("warm.mp4", "--path", "swing") == "[]"
    assert render("other.mp4", "--path", "orbit") == "[]"
    assert "torch" in render("uncached.mp4", "--path", "swing", "--no-cache")
    cold, warm, uncached = (decode(tmp_path / name).frames for name in ("cold.mp4", "warm.mp4", "uncached.mp4"))
    assert np.array_equal(cold, warm) and np.array_equal(cold, uncached)
    names = [file.name.split("-")[0] for file in entries(cache)]
    assert sorted(names) == ["depthmap", "scene"]


def test_clear_cache_is_an_answer(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Cache(cache).once(Result, CODE, (1,), lambda: result(1))
    for count in (1, 0):
        with pytest.raises(SystemExit) as stop:
            cli.main(["--clear-cache"])
        assert stop.value.code == 0
        assert capsys.readouterr().out.startswith(f"removed {count} ")
    assert not list(cache.iterdir())
