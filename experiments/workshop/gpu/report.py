"""Measure everything that a GPU is asked for.

    python -m experiments.workshop.gpu.report --output FOLDER

For a fresh machine with one NVIDIA GPU and no internet, where the package is installed with its
extras cuda13, test and parity. Each part is a process or a few and has ten minutes. What it says is
in report.json and report.md as soon as it is done.
"""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from experiments.system.arguments import parse_options
from experiments.workshop.gpu import parts
from experiments.workshop.gpu.parts import Figures, Work
from mnist_sum.errors import UsageError
from mnist_sum.terminal import exit_code

PART_SECONDS = 600


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Measure training, evaluation and tests on a GPU, part by part."""

    output: Path
    """Folder for the report, and for the runs and logs that it is made of."""
    parts: tuple[str, ...] = ()
    """Names of the parts to do; all that the folder does not have yet, if not given."""
    data_dir: Path | None = None
    """Folder of prepared data sets; that of tensorflow-datasets if not given."""
    manual_dir: Path | None = None
    """Folder with the four original files of MNIST."""
    small: bool = False
    """Do each part on a few images for a few steps, on whatever there is, to try the command."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return exit_code(lambda: run(parse_options(ReportOptions, "gpu.report", argv)))


def run(options: ReportOptions) -> None:
    """Do the parts, and write down what each says as soon as it is done."""
    unknown = set(options.parts) - parts.PARTS.keys()
    if unknown:
        raise UsageError(
            f"--parts names {', '.join(sorted(unknown))}; there are {', '.join(parts.PARTS)}."
        )
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "report.json"
    report: dict[str, Figures] = json.loads(path.read_text()) if path.exists() else {}
    for name in options.parts or [name for name in parts.PARTS if name not in report]:
        report[name] = measure(name, parts.PARTS[name], options)
        path.write_text(json.dumps(report, indent=1) + "\n")
        (options.output / "report.md").write_text(write_page(report))
    print(f"Read {options.output / 'report.md'}.")


def measure(name: str, part: Callable[[Work], Figures], options: ReportOptions) -> Figures:
    """Do one part; what goes wrong in it is a figure of its own and stops no other."""
    print(f"{name} ...", end=" ", flush=True)
    end = time.monotonic() + PART_SECONDS

    def call(label: str, *arguments: str, **environment: str) -> str:
        log = options.output / f"{name}-{label}.log"
        with log.open("w") as file:
            subprocess.run(
                [sys.executable, *arguments],
                stdout=file,
                stderr=subprocess.STDOUT,
                env=os.environ | environment,
                timeout=max(1, end - time.monotonic()),
                check=True,
            )
        return log.read_text()

    folders = {"--data-dir": options.data_dir, "--manual-dir": options.manual_dir}
    data = [word for k, v in folders.items() if v for word in (k, str(v))]
    start = time.monotonic()
    try:
        figures = part(Work(call, options.output / name, tuple(data), options.small))
    except subprocess.TimeoutExpired:
        figures = {"failed": f"took more than {PART_SECONDS} s"}
    except (subprocess.CalledProcessError, LookupError, ValueError, OSError) as error:
        figures = {"failed": f"{type(error).__name__}: {error}"}
    figures["part_seconds"] = time.monotonic() - start
    print(figures.get("failed", f"{figures['part_seconds']:.0f} s"), flush=True)
    return figures


def write_page(report: dict[str, Figures]) -> str:
    """Write for each part a row for each of its trainings, and its other figures in a list."""
    lines = ["# What a GPU does"]
    for name, figures in report.items():
        rows = {key: value for key, value in figures.items() if isinstance(value, dict)}
        lines += ["", f"## {name}", ""]
        lines += [f"- {k}: {show(v)}" for k, v in figures.items() if k not in rows]
        if rows:
            columns = list(next(iter(rows.values())))
            lines += ["", row("", columns), row("---", ["---"] * len(columns))]
            lines += [row(key, map(show, values.values())) for key, values in rows.items()]
    return "\n".join(lines) + "\n"


def row(name: str, cells: Iterable[str]) -> str:
    """Write a row of a table."""
    return f"| {' | '.join([name, *cells])} |"


def show(value: Any) -> str:
    """Write a figure for a reader; what is long stays in report.json."""
    if isinstance(value, list):
        return "in report.json"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
