"""Weights of the networks that ship with the package."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import nn

    Network = TypeVar("Network", bound=nn.Module)


ASKED = Lock()  # held while a network is asked: each takes all cores, and two at once get in each other's way


class MissingWeightsError(RuntimeError):
    """A network's weights are missing or unusable. The message says what to do."""


def load_weights(network: Network, weights: Path, inputs: int) -> Network:
    """`network`, which takes `inputs` channels, with weights from a safetensors file, ready to infer.

    Raises MissingWeightsError.
    """
    import torch
    from safetensors.torch import load_file

    from inpaint.encoder_decoder import STRIDE
    from inpaint.folding import fold_norms

    if not weights.is_file():
        raise MissingWeightsError(f"{weights} is missing: reinstall photo3d-video")
    try:
        network.load_state_dict(load_file(weights))
    except Exception as error:
        raise MissingWeightsError(
            f"{weights} does not hold {type(network).__name__}: reinstall photo3d-video"
        ) from error
    fold_norms(network.eval(), torch.zeros(1, inputs, STRIDE, STRIDE))
    return network.to(memory_format=torch.channels_last)
