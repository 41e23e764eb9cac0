"""Try on a GPU what no card has run yet: python -m experiments.workshop.gpu.report OUTPUT.

It needs no internet, but the extras cuda13, experiments, test and parity. OUTPUT gets exit codes,
logs and work folders. Options that are not listed below, such as --manual-dir, go to every run.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

RUN = "experiments.run"
COMMANDS = {
    "as_it_is": f"{RUN} --config base --epochs 5",
    "whole_graph": f"{RUN} --config base --epochs 5 --whole-graph",
    "tf32": f"{RUN} --config base --epochs 5 --precision tf32",
    "deterministic": f"{RUN} --config base --epochs 5 --deterministic",
    "deterministic_again": f"{RUN} --config base --epochs 5 --deterministic",
    "profile": f"{RUN} --config base --epochs 1 --profile OUTPUT/trace",
    "base": f"{RUN} --config base",
    "seeds": f"{RUN} --config fast --seeds 10",
    "bench": "experiments.workshop.bench --config base",
    "tests": "pytest -n0 -p no:warnings",
}
LIMIT = ("timeout", "10m")  # of which the exit code is 124
ON_A_CARD = {"JAX_PLATFORMS": "cuda,cpu", "JAX_DEFAULT_MATMUL_PRECISION": "highest"}


def main(argv: Sequence[str]) -> int:
    """Run the commands one after the other; returns 1 if one has failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", nargs="+", metavar="COMMAND", choices=COMMANDS, default=COMMANDS)
    options, of_runs = parser.parse_known_args(argv)
    options.output.mkdir(parents=True, exist_ok=True)
    codes = {}
    for name in options.only:
        words = [x.replace("OUTPUT", str(options.output)) for x in COMMANDS[name].split()]
        command = [*LIMIT, sys.executable, "-m", *words]
        if RUN in command:
            command += ["--resume", "--workdir", str(options.output / name), *of_runs]
        with (options.output / f"{name}.log").open("w") as log:
            ended = subprocess.run(command, stdout=log, stderr=log, env=os.environ | ON_A_CARD)
        codes[name] = ended.returncode
        (options.output / "exit_codes.json").write_text(json.dumps(codes, indent=1) + "\n")
    return int(any(codes.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
