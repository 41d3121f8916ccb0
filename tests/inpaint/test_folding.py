"""Folded networks answer as before."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from inpaint.folding import fold_norms


class Small(nn.Module):
    """A convolution with a norm after it, one with a bias, and a norm of a sum, which no convolution can take in."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)
        self.second, self.other = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.of_sum = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.first(x)).relu()
        return self.of_sum(x + self.other(self.second(x)))


class Odd(nn.BatchNorm2d):
    """A norm that does something of its own besides."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def network_with_statistics() -> Small:
    torch.manual_seed(0)
    network = Small()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for values in (norm.weight, norm.running_var):
                nn.init.uniform_(values, 0.5, 2)  # type: ignore[arg-type]
            for values in (norm.bias, norm.running_mean):
                nn.init.normal_(values)  # type: ignore[arg-type]
    return network.eval()


def test_answers_stay_where_norms_go() -> None:
    network, picture = network_with_statistics(), torch.rand(2, 3, 9, 9)
    before = network(picture)
    fold_norms(network, torch.zeros(1, 3, 3, 3))
    torch.testing.assert_close(network(picture), before)
    assert isinstance(network.norm, nn.Identity) and isinstance(network.other, nn.Identity)
    assert isinstance(network.of_sum, nn.BatchNorm2d)


def test_norm_of_an_unknown_kind_stays() -> None:
    network, picture = network_with_statistics(), torch.rand(1, 3, 9, 9)
    network.norm = Odd(4).eval()
    before = network(picture)
    fold_norms(network, torch.zeros(1, 3, 3, 3))
    torch.testing.assert_close(network(picture), before)
    assert isinstance(network.norm, Odd)
