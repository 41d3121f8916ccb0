"""What the clips of one process share: the OpenGL context, and the newest photo with its depth and its scene."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar, cast

from photo3d_video.memory import return_freed
from photo3d_video.pipeline import open_context

T = TypeVar("T")


class Studio:
    """Keeps the newest result of each slow stage, so that the second path of a photo starts to render at once.

    Use it as a context manager, on one thread. It holds one photo at a time: memory does not grow with a batch.
    """

    def __init__(self, keeps: bool = True) -> None:
        """`keeps`: False for a single clip, which has no use for results that it has used.

        Raises GLUnavailableError with the cure where there is no OpenGL.
        """
        self.context = open_context()
        self._keeps = keeps
        self._kept: dict[str, tuple[tuple[Any, ...], Any]] = {}  # in the order of the stages

    def __enter__(self) -> Studio:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the context."""
        self._kept.clear()
        self.context.release()

    def once(self, stage: str, make: Callable[..., T], *arguments: Any) -> T:
        """`make(*arguments)`, or what it returned the last time where the arguments are equal to that time's.

        Stages must be asked for in their order. One that is made again drops the results of those that follow it
        before it starts: they hang on it, and two scenes need not fit into memory.
        """
        if stage in self._kept:
            known, result = self._kept[stage]
            if known == arguments:
                return cast(T, result)
            del result
            names = list(self._kept)
            for name in names[names.index(stage) :]:
                del self._kept[name]
        made = make(*arguments)
        return_freed()
        if self._keeps:
            self._kept[stage] = (arguments, made)
        return made
