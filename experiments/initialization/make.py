"""Checks six closed forms on nets as training finds them, and writes table and pictures here: `make initialization`.

python experiments/initialization/make.py

About a minute of one core.
"""

import time
from pathlib import Path

import dropout
import gradient_growth
import residual
import row
import scale
import soft_rank
import through_time
import torch

HERE = Path(__file__).parent
CHECKS = (gradient_growth, soft_rank, residual, dropout, through_time, scale)


def main(folder: Path) -> list[row.Row]:
    """Every check at full size."""
    torch.set_num_threads(1)
    rows = []
    for check in CHECKS:
        began = time.process_time()
        found = check.measure()
        rows += check.rows(found)
        check.draw(found, folder / f"{check.__name__}.png")
        print(f"{check.__name__}: {time.process_time() - began:.0f} s", flush=True)
    row.write(rows, folder, f"torch {torch.__version__.split('+')[0]}, float64")
    return rows


if __name__ == "__main__":
    main(HERE)
