"""Try on a GPU what no card has run yet, and write down what came of it in OUTPUT/report.md.

    python -m experiments.workshop.gpu.report OUTPUT [--manual-dir FOLDER]

For a fresh machine with one NVIDIA GPU and no internet, where the package is installed with its
extras cuda13, experiments, test and parity. Options that are not listed below go to every run.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tabulate import tabulate

RUN = "experiments.run"
COMMANDS = {
    "as_it_is": f"{RUN} --config base --epochs 5",
    "whole_graph": f"{RUN} --config base --epochs 5 --whole-graph",
    "tf32": f"{RUN} --config base --epochs 5 --precision tf32",
    "deterministic": f"{RUN} --config base --epochs 5 --deterministic",
    "deterministic_again": f"{RUN} --config base --epochs 5 --deterministic",
    "profile": f"{RUN} --config base --epochs 1 --profile TRACE",
    "base": f"{RUN} --config base",
    "seeds": f"{RUN} --config fast --seeds 10",
    "bench": "experiments.workshop.bench --config base",
    "tests": "pytest -n0 -p no:warnings",
}
SMALL = {"base": "smoke", "fast": "smoke", "5": "1", "10": "2"}  # words of runs, for others
LIMIT = ("timeout", "10m")  # of which the exit code is 124
ON_A_CARD = {"JAX_PLATFORMS": "cuda,cpu", "JAX_DEFAULT_MATMUL_PRECISION": "highest"}


def main(argv: Sequence[str]) -> int:
    """Run the commands, and write the page after each; returns 1 if one has failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", nargs="+", metavar="COMMAND", choices=COMMANDS, default=COMMANDS)
    parser.add_argument("--small", action="store_true", help="try the runs in small, on any device")
    options, of_runs = parser.parse_known_args(argv)
    output, done = options.output, []
    output.mkdir(parents=True, exist_ok=True)
    replaced = {"TRACE": str(output / "trace")} | (SMALL if options.small else {})
    environment = os.environ | ({} if options.small else ON_A_CARD)
    for name in options.only:
        words = COMMANDS[name].split()
        if words[0] == RUN:
            words = [replaced.get(word, word) for word in words]
            words += ["--resume", "--workdir", str(output / name), *of_runs]
        print(name, "...", flush=True)
        start = time.monotonic()
        with (output / f"{name}.log").open("w") as log:
            command = [*LIMIT, sys.executable, "-m", *words]
            ended = subprocess.run(command, stdout=log, stderr=log, env=environment)
        row = {"command": name, "exit code": ended.returncode}
        done.append(row | {"seconds": round(time.monotonic() - start)})
        write_page(output, done)
    return 1 if any(row["exit code"] for row in done) else 0


def write_page(output: Path, done: list[dict[str, Any]]) -> None:
    """Write how the commands ended and what the runs reached; all else is in their logs."""
    files = sorted(output.rglob("metrics.jsonl"))
    runs = [{"run": path.parent.relative_to(output)} | read_metrics(path) for path in files]
    style: Any = {"headers": "keys", "tablefmt": "github", "disable_numparse": True}
    ended, reached = tabulate(done, **style), tabulate(runs, **style)
    page = f"# What a GPU does\n\n{ended}\n\n124: ended after ten minutes.\n\n{reached}\n"
    (output / "report.md").write_text(page, encoding="utf-8")


def read_metrics(path: Path) -> dict[str, Any]:
    """Read how fast a run was and what it reached; runs of the same bits have the same digest."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    bits = json.dumps([[record["train"], record["test"]] for record in records])
    return {
        "epochs": len(records),
        "median epoch, s": round(median(record["seconds"] for record in records), 3),
        "digit %": f"{100 * records[-1]['test']['digit_accuracy']:.2f}",
        "sum %": f"{100 * records[-1]['test']['sum_accuracy']:.2f}",
        "digest": hashlib.sha256(bits.encode()).hexdigest()[:8],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
