"""A training run that is stopped goes on where it was, and leaves weights that ship."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from training.checkpoint import Checkpoint, load_weights
from training.rates import parameter_groups, set_rates

CPU = torch.device("cpu")


def make_network() -> nn.Module:
    parts = {"encoder": nn.Conv2d(3, 4, 3), "norm": nn.BatchNorm2d(4), "head": nn.Conv2d(4, 1, 1)}
    return nn.Sequential(OrderedDict(parts))


class Run:
    """A run as the trainers have it."""

    def __init__(self, folder: Path) -> None:
        self.network = make_network()
        self.average = AveragedModel(self.network, use_buffers=True)
        self.optimiser = torch.optim.AdamW(parameter_groups(self.network, 0.01, 0.1), lr=0)
        self.checkpoint = Checkpoint(folder, self.network, self.average, self.optimiser)

    def train(self, steps: int, first: int = 0) -> None:
        for step in range(first, first + steps):
            set_rates(self.optimiser, 1.0, step, 2, step / 10)
            x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(step))
            self.optimiser.zero_grad()
            self.network(x).square().mean().backward()
            self.optimiser.step()
            self.average.update_parameters(self.network)


def test_a_stopped_run_ends_as_one_that_was_not(tmp_path) -> None:
    torch.manual_seed(0)
    whole = Run(tmp_path / "whole")
    assert whole.checkpoint.resume(CPU) == {}
    whole.train(3)
    whole.checkpoint.save(step=3, trained_s=1.5)
    again = Run(tmp_path / "whole")
    assert again.checkpoint.resume(CPU) == {"step": 3, "trained_s": 1.5}
    for run in (whole, again):
        run.train(4, first=3)
    for name in ("network", "average"):
        for a, b in zip(*(getattr(run, name).state_dict().values() for run in (whole, again)), strict=True):
            assert torch.equal(a, b)


def test_the_checkpoint_has_the_keys_of_earlier_runs(tmp_path) -> None:
    Run(tmp_path).checkpoint.save(step=1, trained_s=2.0)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert set(state) == {"network", "average", "optimiser", "step", "trained_s"}
    assert not (tmp_path / "checkpoint.part").exists()


def test_weights_are_the_average_in_half_precision(tmp_path) -> None:
    run = Run(tmp_path)
    run.train(3)
    run.checkpoint.save(step=3)
    weights = load_file(tmp_path / "weights.safetensors")
    assert {values.dtype for values in weights.values()} == {torch.float16, torch.int64}
    loaded = make_network()
    load_weights(loaded, tmp_path / "weights.safetensors")
    for name, values in run.average.module.state_dict().items():
        assert loaded.state_dict()[name].dtype == values.dtype
        torch.testing.assert_close(loaded.state_dict()[name], values, rtol=1e-3, atol=1e-6)
        assert not torch.equal(run.network.state_dict()[name], values) or not values.is_floating_point()


def test_log_lines_are_there_at_once(tmp_path) -> None:
    checkpoint = Run(tmp_path).checkpoint
    assert json.loads(checkpoint.log({"step": 50, "s": 3})) == {"step": 50, "s": 3}
    checkpoint.log({"step": 100})
    assert [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [50, 100]


def test_rates_rise_then_fall_and_the_encoder_learns_more_slowly() -> None:
    optimiser = torch.optim.AdamW(parameter_groups(make_network(), 0.01, 0.1), lr=0)
    rates = []
    for step in range(11):
        set_rates(optimiser, 2.0, step, 4, step / 10)
        encoder, rest = (group["lr"] for group in optimiser.param_groups)
        assert encoder == pytest.approx(rest / 10)
        rates.append(rest)
    assert rates[0] == pytest.approx(2.0 * 0.1 / 4) and rates[-1] == 0
    assert rates[:4] == sorted(rates[:4]) and rates[4:] == sorted(rates[4:], reverse=True)
    assert [len(group["params"]) for group in optimiser.param_groups] == [2, 4]
