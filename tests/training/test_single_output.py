"""Outputs of the jointly trained network, apart."""

from __future__ import annotations

import torch

from inpaint.edge_network import EdgeNetwork, ThinNetwork
from training.single_output import single_output
from training.train_edges import JointNetwork


def test_each_output_alone_says_what_it_said_before() -> None:
    torch.manual_seed(0)
    joint, inputs = JointNetwork().eval(), torch.rand(1, 5, 64, 96)
    torch.nn.init.normal_(joint.fine[-1].weight)
    with torch.no_grad():
        both = joint(inputs)
        for number, network in enumerate((EdgeNetwork(), ThinNetwork())):
            network.load_state_dict(single_output(joint.state_dict(), number))
            torch.testing.assert_close(network.eval()(inputs), both[:, number])
    assert both.std() > 0.01 and (both[:, 0] - both[:, 1]).abs().mean() > 0.01
