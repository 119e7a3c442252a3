"""A Hydra application around the loop of `by_hand.py`. Run by benchmarks/executors.py.

The loop is in a separate module, because worker processes cannot load definitions from a script.
"""

import os
import sys

import hydra
from by_hand import train
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=None, config_name="by_hand")
def main(config: DictConfig) -> None:
    train(config.values_, config.seed, config.lr, config.out)


if __name__ == "__main__":
    node = {"values_": os.environ["BY_HAND_VALUES"], "seed": 0, "lr": 0.01, "out": os.environ["BY_HAND_OUT"]}
    ConfigStore.instance().store(name="by_hand", node=node)
    print("ready", flush=True)
    sys.exit(main())
