"""What a training run keeps: a checkpoint to go on from, the averaged weights that would ship, and a log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel


class Checkpoint:
    """The files of a run's folder: `checkpoint.pt`, `weights.safetensors` and `log.jsonl`."""

    def __init__(self, folder: Path, network: nn.Module, average: AveragedModel, optimiser: Optimizer) -> None:
        """The folder is created if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._file = folder / "checkpoint.pt"
        self._parts: dict[str, Any] = {"network": network, "average": average, "optimiser": optimiser}
        self._log = (folder / "log.jsonl").open("a")

    def resume(self, device: torch.device) -> dict[str, Any]:
        """Put everything back as it was saved; the counters that were saved with it, none where nothing was."""
        if not self._file.exists():
            return {}
        state = torch.load(self._file, map_location=device, weights_only=True)
        for name, part in self._parts.items():
            part.load_state_dict(state.pop(name))
        return dict(state)

    def save(self, **counters: float) -> None:
        """Write everything, and the averaged weights."""
        states = {name: part.state_dict() for name, part in self._parts.items()}
        part_file = self._file.with_suffix(".part")
        torch.save({**states, **counters}, part_file)
        part_file.replace(self._file)
        save_half(self._parts["average"].module.state_dict(), self._folder / "weights.safetensors")

    def log(self, entry: dict[str, object]) -> str:
        """Add a line to the log; the line."""
        line = json.dumps(entry)
        self._log.write(line + "\n")
        self._log.flush()
        return line


def load_weights(network: nn.Module, file: Path) -> None:
    """Load a safetensors file of any precision into a network, which keeps its own."""
    network.load_state_dict(load_file(file))


def save_half(state: dict[str, Tensor], file: Path) -> None:
    """Write weights as they ship: in half precision."""
    halved = {name: values.half() if values.is_floating_point() else values for name, values in state.items()}
    save_file({name: values.contiguous().cpu() for name, values in halved.items()}, file)
