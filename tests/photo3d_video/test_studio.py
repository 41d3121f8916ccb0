"""What the clips of one process share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from photo3d_video.studio import Studio


@pytest.fixture
def made() -> list[str]:
    return []


@pytest.fixture
def studio() -> Iterator[Studio]:
    with Studio() as studio:
        yield studio


def ask(studio: Studio, made: list[str], stage: str, argument: str) -> str:
    def make(argument: str) -> str:
        made.append(f"{stage} of {argument}")
        return made[-1]

    return studio.once(stage, make, argument)


def test_a_stage_with_the_same_arguments_is_made_once(studio: Studio, made: list[str]) -> None:
    assert ask(studio, made, "depth", "moon") == ask(studio, made, "depth", "moon") == "depth of moon"
    assert made == ["depth of moon"]


def test_a_stage_that_is_made_again_drops_those_after_it(studio: Studio, made: list[str]) -> None:
    for photo in ("moon", "sun"):
        ask(studio, made, "load", photo)
        ask(studio, made, "scene", "same size")
    assert made == ["load of moon", "scene of same size", "load of sun", "scene of same size"]


def test_for_a_single_clip_nothing_is_kept(made: list[str]) -> None:
    with Studio(keeps=False) as studio:
        ask(studio, made, "depth", "moon")
        ask(studio, made, "depth", "moon")
    assert made == ["depth of moon"] * 2
