"""Depth and scenes on disk, so that the next path of the same photo starts to render at once.

An entry is named by a hash of everything it was made from: pixels, numbers, and the code and weights that made it.
There is nothing to invalidate: what was made from something else has another name. The cache never fails a run. What
cannot be read is made again, and what cannot be written is only made.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import math
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from photo3d_video import __version__

log = logging.getLogger(__name__)

T = TypeVar("T")
Array = npt.NDArray[Any]

FOLDER_VARIABLE = "PHOTO3D_VIDEO_CACHE"
NAME = "photo3d-video"
LIMIT_BYTES = 2_000_000_000
ENDING, PART_ENDING = ".photo3d", ".photo3d-part"
ABANDONED_S = 3600  # a file that has been written for so long was left behind by a crash

_MAGIC = b"photo3d1"
_ALIGNMENT = 64
_ROOT = Path(__file__).parents[1]
_SOURCES = (".py", ".safetensors")


def cache_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path | None:
    """Where the user's cache is: $PHOTO3D_VIDEO_CACHE, else in the platform's folder; None where there is no home."""
    if environment.get(FOLDER_VARIABLE):
        return Path(environment[FOLDER_VARIABLE]).absolute()
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local") / NAME / "Cache"
    if platform == "darwin":
        return home / "Library" / "Caches" / NAME
    given = Path(environment.get("XDG_CACHE_HOME") or "")
    return (given if given.is_absolute() else home / ".cache") / NAME  # relative ones are to be ignored


class Cache:
    """Results of slow functions in the files of a folder, the least recently used removed beyond a size.

    Any number of processes may use one folder: an entry appears whole or not at all, and may go at any time.
    """

    def __init__(self, folder: Path | None, limit_bytes: int = LIMIT_BYTES) -> None:
        """`folder` is made when it is needed; None keeps nothing."""
        self._folder = folder
        self._limit_bytes = limit_bytes

    def once(self, kind: type[T], made_by: tuple[str, ...], inputs: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What `make` returns, from its entry where there is one.

        `kind`: its class, a dataclass with fields of arrays, numbers, text and None. `made_by`: the packages and files
        whose code and weights decide the result, as `fingerprint` takes them. `inputs`: everything else that does;
        arrays, numbers, text, None, paths, and tuples and dataclasses of these.
        """
        if self._folder is None:
            return make()
        name = f"{kind.__name__.lower()}-{digest(kind.__qualname__, fingerprint(*made_by), inputs)}{ENDING}"
        file = self._folder / name
        found = _load(kind, file)
        if found is not None:
            log.info("%s is from the cache", name)
            return found
        made = make()
        try:
            self._store(file, made)
        except OSError as error:
            log.info("warning: the cache %s cannot be written (%s)", self._folder, error.strerror or error)
        return made

    def clear(self) -> tuple[int, int]:
        """Remove all entries; how many there were, and their bytes. Raises OSError where that is not allowed."""
        count = size = 0
        for file, status in self._files():
            with contextlib.suppress(FileNotFoundError):
                file.unlink()
                count, size = count + (file.suffix == ENDING), size + status.st_size
        return count, size

    def _store(self, file: Path, value: Any) -> None:
        head, arrays = _pack(value)
        size = len(head) + sum(array.nbytes for array in arrays)
        if size > self._limit_bytes:
            return
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, part = tempfile.mkstemp(PART_ENDING, ".", file.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                check = 0
                blocks: list[bytes | memoryview] = [head, *map(_bytes_of, arrays)]
                for block in blocks:
                    check = zlib.crc32(block, check)
                    stream.write(block)
                stream.write(check.to_bytes(4, "little"))
            Path(part).replace(file)
        finally:
            Path(part).unlink(missing_ok=True)
        self._evict(file)

    def _evict(self, newest: Path) -> None:
        """Remove what crashes left behind, and the least recently used entries beyond the limit."""
        files = list(self._files())
        total = sum(status.st_size for file, status in files if file.suffix == ENDING)
        for file, status in sorted(files, key=lambda entry: entry[1].st_mtime_ns):
            abandoned = file.suffix == PART_ENDING and time.time() - status.st_mtime > ABANDONED_S
            if abandoned or (file.suffix == ENDING and total > self._limit_bytes and file != newest):
                with contextlib.suppress(OSError):  # another process was faster, or is reading it (on Windows)
                    file.unlink()
                    total -= status.st_size * (file.suffix == ENDING)

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        if self._folder is None or not self._folder.is_dir():
            return
        for file in self._folder.iterdir():
            if file.suffix in (ENDING, PART_ENDING):
                with contextlib.suppress(FileNotFoundError):  # another process evicts
                    yield file, file.stat()


@functools.cache
def fingerprint(*made_by: str) -> str:
    """Hash of code and weights: of all Python and safetensors files of packages and files (a/b or a/b.py)."""
    state = hashlib.blake2b(__version__.encode(), digest_size=16)
    for place in made_by:
        found = _ROOT / place
        for file in sorted(found.rglob("*")) if found.is_dir() else [found]:
            if file.suffix in _SOURCES and file.is_file():
                data = file.read_bytes()
                state.update(f"{file.relative_to(_ROOT).as_posix()} {len(data)}\n".encode())
                state.update(data)
    return state.hexdigest()


def digest(*values: Any) -> str:
    """Hash of values. Raises TypeError for a kind of value that has no stable bytes."""
    state = hashlib.blake2b(digest_size=20)
    for value in values:
        _digest_into(state, value)
    return state.hexdigest()


def _digest_into(state: hashlib.blake2b, value: Any) -> None:
    value = _plain(value)
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        state.update(f"array {value.dtype.str} {value.shape}\n".encode())
        state.update(_bytes_of(np.ascontiguousarray(value)))
    elif value is None or isinstance(value, (bool, int, float, str, os.PathLike)):
        text = repr(os.fspath(value) if isinstance(value, os.PathLike) else value)
        state.update(f"{type(value).__name__} {text}\n".encode(errors="surrogatepass"))
    elif isinstance(value, tuple):
        state.update(f"tuple {len(value)}\n".encode())
        for part in value:
            _digest_into(state, part)
    elif hasattr(value, "__dataclass_fields__"):
        state.update(f"{type(value).__qualname__}\n".encode())
        _digest_into(state, tuple((field.name, getattr(value, field.name)) for field in fields(value)))
    else:
        raise TypeError(f"{type(value).__name__} cannot be part of a cache's key")


def _pack(value: Any) -> tuple[bytes, list[Array]]:
    """A dataclass as the head of an entry and the arrays that follow it."""
    named = {field.name: getattr(value, field.name) for field in fields(value)}
    arrays = {name: np.ascontiguousarray(item) for name, item in named.items() if isinstance(item, np.ndarray)}
    # Wide items first: so all are aligned.
    arrays = dict(sorted(arrays.items(), key=lambda entry: -entry[1].itemsize))
    described = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    plain = {name: _plain(item) for name, item in named.items() if name not in arrays}
    if not all(item is None or isinstance(item, (bool, int, float, str)) for item in plain.values()):
        raise TypeError(f"{type(value).__name__} has fields that the cache cannot keep")
    text = json.dumps({"arrays": described, "plain": plain}).encode()
    text += b" " * (-(len(_MAGIC) + 8 + len(text)) % _ALIGNMENT)
    return _MAGIC + len(text).to_bytes(8, "little") + text, list(arrays.values())


def _bytes_of(array: Array) -> memoryview:
    return memoryview(array.reshape(-1).view(np.uint8).data)


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _load(kind: type[T], file: Path) -> T | None:
    """The value of an entry, marked as used now; None where there is none, or none that can be trusted."""
    try:
        data = bytearray(file.stat().st_size)
        with file.open("rb") as stream:
            if stream.readinto(data) != len(data):
                raise ValueError("changed while it was read")
        value = _unpack(kind, data)
    except FileNotFoundError:
        return None
    except OSError as error:
        log.info("warning: the cache's %s cannot be read (%s)", file, error.strerror or error)
        return None
    except (ValueError, TypeError, KeyError) as error:
        log.info("warning: the cache's %s is damaged (%s): removed", file, error)
        with contextlib.suppress(OSError):
            file.unlink()
        return None
    with contextlib.suppress(OSError):  # a read-only cache is still worth reading
        os.utime(file)
    return value


def _unpack(kind: type[T], data: bytearray) -> T:
    """Raises ValueError, TypeError or KeyError where the bytes are not those that were written."""
    view, start = memoryview(data), len(_MAGIC) + 8
    if data[: len(_MAGIC)] != _MAGIC or zlib.crc32(view[:-4]) != int.from_bytes(view[-4:], "little"):
        raise ValueError("wrong bytes")
    end = start + int.from_bytes(view[len(_MAGIC) : start], "little")
    head = json.loads(bytes(view[start:end]))
    values = dict(head["plain"])
    for name, dtype, shape in head["arrays"]:
        values[name] = np.frombuffer(view, dtype, math.prod(shape), end).reshape(shape)
        end += values[name].nbytes
    return kind(**values)
