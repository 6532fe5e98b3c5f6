"""Accuracy and cost of travel times on a grid, ours and peers. See README.md.

python experiments/005_travel_times/run.py [--peers PYTHON]
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--peers", default=None, help="interpreter with the packages of tests/benchmarks/peers.txt"
    )
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "tests.benchmarks.eikonal", "--out", str(HERE / "results.json")]
    if arguments.peers:
        command += ["--peers", arguments.peers]
    subprocess.run(command, check=True, cwd=HERE.parents[1])


if __name__ == "__main__":
    main()
