"""Answer for pictures in files: python -m mnist_sum seven.png --add 5.

The one module of the library that reads a command line.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from mnist_sum.devices import keep_compiled_programs, use_processor
from mnist_sum.errors import InputError, UsageError
from mnist_sum.files.weights import PRETRAINED, load_weights
from mnist_sum.reading.answer import Answer, answer_picture, name_runner_up, write_percent
from mnist_sum.recipe import NUM_NUMBERS
from mnist_sum.terminal import exit_code

COLUMNS = ("digit", "number", "sum", "digit %", "  sum %")  # wide enough for "> 99.99"


class Parser(argparse.ArgumentParser):
    """Raises what is wrong as one sentence, and leaves it to the command to print it."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[0].upper()}{message[1:]}; see --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    with warnings.catch_warnings(action="ignore"):  # of Pillow, and of JAX if it keeps no programs
        return exit_code(lambda: run(parse(argv)))


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse a command line; raises UsageError."""
    purpose = "Read the digit in each picture, and add a number to it."
    parser = Parser("mnist-sum", description=purpose, allow_abbrev=False)
    parser.add_argument("file", nargs="+", help="a picture of one digit: PNG, JPEG and others")
    parser.add_argument(
        "--add", type=int, choices=range(NUM_NUMBERS), metavar="NUMBER", help="what to add: 0 .. 9"
    )
    weights = "a file of weights, or the folder of a run; the package's own if not given"
    parser.add_argument("--weights", type=Path, default=PRETRAINED, metavar="PATH", help=weights)
    parser.add_argument("--json", action="store_true", help="print JSON: a list, one object a file")
    picture = (
        "draw each picture, what the network is given of it, and all probabilities: .png, .jpg, "
        ".pdf or .svg; replaces no file but such a drawing"
    )
    parser.add_argument("--picture", type=Path, metavar="FILE", help=picture)
    return parser.parse_args(argv)


def run(options: argparse.Namespace) -> int:
    """Answer for all files that can be read, and name the others; returns the exit code."""
    drawing = import_drawing(options) if options.picture else None
    use_processor()  # as a GPU takes longer to start
    keep_compiled_programs(0)  # an answer without them only takes longer
    network = load_weights(options.weights)
    width = max(map(len, ["file", *options.file]))
    columns = COLUMNS[::3] if options.add is None else COLUMNS
    several = len(options.file) > 1
    if several and not options.json:
        print("file".ljust(width), *columns, sep="  ")
    answers, entries = [], []
    for file in options.file:
        try:
            answer = answer_picture(network, file, options.add)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            entries.append({"file": file, "error": str(error)})
            continue
        answers.append(answer)
        entries.append(answer.fields())
        if not options.json:
            print(row(answer, width, columns) if several else answer.sentence(), flush=True)
    if options.json:
        print(json.dumps(entries, indent=2))
    if drawing and answers:
        drawing.draw_answers(answers, options.picture)
    return 0 if len(answers) == len(options.file) else 2


def import_drawing(options: argparse.Namespace) -> ModuleType:
    """Import what draws, and check where; raises UsageError before anything takes time."""
    try:
        from mnist_sum.reading import drawing
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--picture needs {error.name}; in the project's folder, run {sys.executable} -m pip "
            "install -e '.[picture]'"
        ) from error
    drawing.check_picture(options.picture, map(Path, [*options.file, options.weights]))
    if len(options.file) > drawing.MOST:
        raise UsageError(f"--picture takes at most {drawing.MOST} files: give fewer.")
    return drawing


def row(answer: Answer, width: int, columns: Sequence[str]) -> str:
    """Write an answer as a row of a table."""
    percents = (write_percent(x.max(), 2) for x in (answer.digits, answer.sums))
    cells = answer.fields() | dict(zip(("digit %", "  sum %"), percents, strict=True))
    notes = filter(None, [name_runner_up(answer.digits), answer.page])
    values = [f"{cells[column]:>{len(column)}}" for column in columns]
    return "  ".join([answer.name.ljust(width), *values, *notes])


if __name__ == "__main__":
    sys.exit(main())
