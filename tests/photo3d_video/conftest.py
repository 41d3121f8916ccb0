"""Depth models for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from photo3d_video.depth.builtin import without_triton
from tests.depth_models import make


@pytest.fixture(scope="session")
def saved(tmp_path_factory) -> Callable[[str], Path]:
    """The folder of a family's tiny model."""
    import torch

    folder = tmp_path_factory.mktemp("models")

    def save(family: str) -> Path:
        if not (folder / family).exists():
            torch.manual_seed(1)
            with without_triton():  # earlier tests may have opened OpenGL
                network, processor = make(family)
            with torch.no_grad():
                for weights in network.parameters():  # as initialised, they give nearly constant depth
                    noise = 0.1 * torch.randn_like(weights)
                    weights.copy_(
                        weights + noise if weights.numel() > 1 else torch.ones_like(weights)
                    )  # 1: opens the last rectifier
            network.save_pretrained(folder / family)
            processor.save_pretrained(folder / family)
        return folder / family

    return save


@pytest.fixture
def hub(tmp_path: Path, monkeypatch) -> Path:
    """An empty cache of the hub."""
    folder = tmp_path / "hub"
    folder.mkdir()
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    return folder
