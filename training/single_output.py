"""One output of a network with several, as the product loads it: `python -m training.single_output WEIGHTS NUMBER OUT`.

Of `training.train_edges`, 0 is for depth edges, 1 for thin things.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from training.checkpoint import save_half

LAST = "fine.4."  # the layer that has a channel for each output


def single_output(state: dict[str, Tensor], number: int) -> dict[str, Tensor]:
    """The weights that this output needs."""
    return {name: part[number : number + 1] if name.startswith(LAST) else part for name, part in state.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("number", type=int)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    save_half(single_output(load_file(args.weights), args.number), args.out)


if __name__ == "__main__":
    main()
