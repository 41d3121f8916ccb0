"""Learning rates: one for an encoder that knows ImageNet, a higher one for the rest, and how both change over a run."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer


def parameter_groups(network: nn.Module, encoder_rate: float, rest_rate: float) -> list[dict[str, object]]:
    """Parameters by their full learning rate, as an optimiser takes them; `set_rates` puts the rate into use."""
    encoder = [p for n, p in network.named_parameters() if n.startswith("encoder.")]
    rest = [p for n, p in network.named_parameters() if not n.startswith("encoder.")]
    return [{"params": encoder, "rate": encoder_rate}, {"params": rest, "rate": rest_rate}]


def set_rates(optimiser: Optimizer, factor: float, step: int, warm_up_steps: int, done: float) -> None:
    """Rates for `step`, which counts from 0: a rise over the first ones, and a fall to 0 as `done`, the share of the
    run in 0..1, grows."""
    for group in optimiser.param_groups:
        group["lr"] = factor * group["rate"] * min(1, (step + 1) / warm_up_steps) * (1 - done) ** 0.9
