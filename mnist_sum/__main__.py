"""Answer for pictures in files: python -m mnist_sum seven.png --add 5.

The one module of the library that reads a command line and prints.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from mnist_sum.devices import use_processor
from mnist_sum.errors import InputError, UsageError, show
from mnist_sum.files.weights import PRETRAINED, load_run, load_weights
from mnist_sum.learning.network import Network
from mnist_sum.program_cache import keep_compiled_programs
from mnist_sum.reading.answer import Answer, answer_file, write_probability
from mnist_sum.recipe import NUM_NUMBERS
from mnist_sum.terminal import exit_code

MAX_DRAWN = 100  # files in a picture, which would be too high to look at
COLUMNS = ("digit", "number", "sum", "digit %", "  sum %")  # wide enough for "> 99.99"


class Parser(argparse.ArgumentParser):
    """Raises what is wrong as one sentence, and leaves it to the command to print it."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(f"{message[0].upper()}{message[1:]}; --help shows what to write.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    with warnings.catch_warnings(action="ignore"):  # of JAX, if it can keep no programs
        return exit_code(lambda: run(parse(argv)))


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse a command line; raises UsageError."""
    parser = Parser(
        "mnist-sum",
        description="Read the digit in each picture, and add a number to it.",
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="+", help="a picture of one digit: PNG, JPEG and others")
    parser.add_argument("--add", required=True, metavar="NUMBER", help="what to add: 0 .. 9")
    parser.add_argument(
        "--weights",
        type=Path,
        default=PRETRAINED,
        metavar="PATH",
        help="a file of weights, or the folder of a run; the package's own if not given",
    )
    parser.add_argument("--json", action="store_true", help="print a list of JSON objects")
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="PNG",
        help="draw each picture, what the network is given of it, and all probabilities",
    )
    options = parser.parse_args(argv)
    if options.add not in map(str, range(NUM_NUMBERS)):
        raise UsageError(f"--add is {show(options.add)} and must be 0 .. {NUM_NUMBERS - 1}.")
    if "-" in options.file:
        raise UsageError("- is no file, and pictures are not read from a pipe: name their files.")
    if options.picture and len(options.file) > MAX_DRAWN:
        raise UsageError(f"--picture is for {MAX_DRAWN} files at most: give it some of them.")
    return options


def run(options: argparse.Namespace) -> int:
    """Answer for all files, as far as they can be read; returns the exit code."""
    draw = import_drawing() if options.picture else None
    use_processor()  # as a GPU takes longer to start
    keep_compiled_programs(0)  # an answer without them only takes longer
    load = load_run if options.weights.is_dir() else load_weights
    network = load(options.weights)
    answers = []
    several = len(options.file) > 1 and not options.json
    width = max(4, *(len(printable(file)) for file in options.file)) if several else 0
    if several:
        print("file".ljust(width), *COLUMNS, sep="  ")
    for answer in answer_files(network, options):
        answers.append(answer)
        if not options.json:
            print_answer(answer, width)
    if options.json:
        print(json.dumps([answer.fields() for answer in answers], indent=2))
    if draw and answers:
        try:
            draw(answers, options.picture)
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(f"{options.picture} cannot be written ({reason}).") from error
    return 0 if len(answers) == len(options.file) else 2


def import_drawing() -> Callable[[Sequence[Answer], Path], None]:
    """Import what draws, before anything takes time; raises UsageError without matplotlib."""
    try:
        from mnist_sum.reading.drawing import draw_answers
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--picture needs {error.name}: install mnist_sum[experiments], or leave it out."
        ) from error
    return draw_answers


def answer_files(network: Network, options: argparse.Namespace) -> Iterator[Answer]:
    """Answer for each file that can be read, and name the others."""
    for file in options.file:
        try:
            yield answer_file(network, file, int(options.add))
        except InputError as error:
            sys.stdout.flush()
            print(f"error: {error}", file=sys.stderr)


def print_answer(answer: Answer, width: int) -> None:
    """Print an answer as a row of the table, or as a sentence where the table has no width."""
    fields = answer.fields()
    digit, number, sum_ = fields["digit"], fields["number"], fields["sum"]
    highest = (fields[name] for name in ("digit_probability", "sum_probability"))
    sure = [write_probability(probability, 2).rstrip("%") for probability in highest]
    if width:
        values = zip((digit, number, sum_, *sure), COLUMNS, strict=True)
        cells = (f"{value:>{len(column)}}" for value, column in values)
        print(printable(answer.file).ljust(width), *cells, sep="  ", flush=True)
    else:
        print(f"digit {digit} ({sure[0]} %), plus {number} makes {sum_} ({sure[1]} %)")


def printable(name: str) -> str:
    """Spell out the characters of a file's name that the terminal does not have."""
    encoding = sys.stdout.encoding or "utf-8"
    return name.encode(encoding, "backslashreplace").decode(encoding)


if __name__ == "__main__":
    sys.exit(main())
