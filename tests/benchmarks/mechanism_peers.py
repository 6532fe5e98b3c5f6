"""What SKHASH makes of the cases of `tests.benchmarks.mechanisms`; run by it, in an environment of its own.

pip install -r tests/benchmarks/mechanism_peers.txt

Its Python search is run, from its files to its files, after its modules have been imported. It may have no more memory and CPU time than it is told: a few thousand rays in one event have been seen to take tens of gigabytes.
"""

import contextlib
import csv
import json
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.benchmarks.mechanisms import own_core, peak_mb


def main() -> None:
    folder, answer, gib, seconds = sys.argv[1:]
    own_core()
    memory, limit = int(float(gib) * 2**30), int(seconds)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    from SKHASH.SKHASH import main as skhash

    os.chdir(folder)
    sys.argv = ["SKHASH", "control.txt"]
    begin = time.process_time()
    # It ends by leaving Python.
    with (
        contextlib.suppress(SystemExit),
        open(os.devnull, "w", encoding="utf-8") as nothing,
        contextlib.redirect_stdout(nothing),
    ):
        skhash()
    cpu_s = time.process_time() - begin
    with open("out.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    # Of several solutions the first is the preferred one.
    planes: dict[str, list[float]] = {}
    for row in rows:
        planes.setdefault(row["event_id"], [float(row[name]) for name in ("strike", "dip", "rake")])
    Path(answer).write_text(json.dumps(planes), encoding="utf-8")
    with open("pol.csv", encoding="utf-8") as stream:
        events = len({row["event_id"] for row in csv.DictReader(stream)})
    print(json.dumps({"cpu_s": cpu_s, "events": events, "solved": len(planes), "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
