"""Mean of two checkpoints' weights, which often does better than either (Wortsman et al., "Model soups", 2022).

`python -m training.average_weights FIRST.safetensors SECOND.safetensors OUT.safetensors --second 0.75`
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors.torch import load_file

from training.checkpoint import save_half


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--second", dest="share", type=float, default=0.5, help="weight of the second, 0..1")
    args = parser.parse_args()
    first, second = load_file(args.first), load_file(args.second)
    mean = {
        key: first[key].float().lerp(value.float(), args.share) if value.is_floating_point() else value
        for key, value in second.items()
    }
    save_half(mean, args.out)


if __name__ == "__main__":
    main()
