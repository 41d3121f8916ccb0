"""Networks made quicker for inference, with the same answers but for rounding."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def fold_norms(network: nn.Module, example: Tensor) -> None:
    """Fold every batch normalisation that alone takes what a convolution gives into that convolution, in place.

    `network` is in evaluation mode; `example` is any input that runs through all of it. What follows what is seen from
    that run, not from names: where a normalisation is of an unknown kind, or no convolution precedes it, it stays.
    """
    gave: dict[int, tuple[nn.Conv2d, Tensor]] = {}  # by the tensor's id; holding the tensor keeps the id its own
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []

    def note_output(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        gave[id(output)] = module, output

    def note_input(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.BatchNorm2d)
        if id(inputs[0]) in gave:
            pairs.append((gave[id(inputs[0])][0], module))

    modules = list(network.modules())
    hooks = [m.register_forward_hook(note_output) for m in modules if isinstance(m, nn.Conv2d)]
    hooks += [m.register_forward_pre_hook(note_input) for m in modules if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        network(example)
    for hook in hooks:
        hook.remove()
    rest = {norm: _after(norm) for _, norm in pairs}
    for conv, norm in pairs:
        if rest[norm] is not None:
            _fold(conv, norm)
    for module in modules:
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d) and rest.get(child) is not None:
                setattr(module, name, rest[child])


def _after(norm: nn.BatchNorm2d) -> nn.Module | None:
    """What a normalisation does besides; None where that is not known."""
    if type(norm) is nn.BatchNorm2d:
        return nn.Identity()
    activation, dropout = getattr(norm, "act", None), getattr(norm, "drop", None)  # as timm's BatchNormAct2d has them
    return activation if isinstance(activation, nn.Module) and isinstance(dropout, nn.Identity) else None


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None and norm.running_var is not None
    with torch.no_grad():
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        bias = norm.bias - norm.running_mean * factor
        if conv.bias is not None:
            bias = bias + conv.bias * factor
        conv.weight.mul_(factor[:, None, None, None])
        conv.bias = nn.Parameter(bias)
