"""Measure how well digits of one's own are read: python -m experiments.read_folder pictures/."""

if __name__ == "__main__":
    from experiments.system.interruption import end_on_ctrl_c

    end_on_ctrl_c()  # the imports take seconds

import csv
import dataclasses
import sys
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import tyro
from tabulate import tabulate

from experiments.system.arguments import command
from mnist_sum.devices import use_processor
from mnist_sum.errors import InputError, UsageError
from mnist_sum.files.weights import PRETRAINED, load_weights
from mnist_sum.reading.answer import answer_picture
from mnist_sum.reading.opening import Picture

SURE = 0.99
DIGITS = tuple("0123456789")
HELP = "see --help."
HEAD = ("digit", "pictures", "right", "refused", "wrong", "of these > 99 % sure", "right %")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """Read pictures whose digits are known, and count by digit how many are read right.

    The source is a folder of folders 0 to 9 with pictures; or a CSV with the columns file, relative
    to it, and label (rows without a digit are skipped); or an .npz of the arrays image
    [example, height, width], on any scale, and digit [example], such as UCI's digits:
    x = sklearn.datasets.load_digits(); numpy.savez("uci.npz", image=x.images, digit=x.target).
    """

    source: tyro.conf.Positional[Path]
    """The folder, CSV or .npz."""
    weights: Path = PRETRAINED
    """Folder of a run or file of weights; the weights of the package if not given."""
    picture: Path | None = None
    """Draw what was misread, the surest first, into a .png, .jpg, .pdf or .svg."""
    list: bool = False
    """Name what was misread or refused."""


def run(options: ReadOptions) -> None:
    examples = load_examples(options.source)
    if options.picture:
        from mnist_sum.reading import drawing  # and Matplotlib, which nothing else needs here

        files = [picture for _, picture, _ in examples if isinstance(picture, Path)]
        drawing.check_picture(options.picture, [options.source, options.weights, *files])
    use_processor()
    network = load_weights(options.weights)
    counts = np.zeros((10, 4), int)
    misread = []
    for name, picture, digit in examples:
        name = f"{name} shows {digit}"
        try:
            answer = answer_picture(network, picture, name=name)
            result, wrong = answer.sentence(), int(answer.digits.argmax()) != digit
            outcome = (not wrong, False, wrong, wrong and answer.digits.max() > SURE)
            misread += [answer] * wrong
        except InputError as error:
            result, outcome = f"{error}", (False, True, False, False)
        counts[digit] += outcome
        if options.list and not outcome[0]:
            print(f"{name}: {result}", flush=True)
    rows = [HEAD]
    for label, row in zip([*DIGITS, "all"], [*counts, counts.sum(0)], strict=True):
        if count := row[:3].sum():
            rows.append((label, count, *row, f"{100 * row[0] / count:.2f}"))
    print(tabulate(rows, tablefmt="plain", disable_numparse=True, stralign="right"))
    if counts[:, 1:].any() and not options.list:
        print("--list names what was refused or misread.")
    if options.picture and misread:
        misread.sort(key=lambda answer: answer.digits.max(), reverse=True)
        drawing.draw_answers(misread[: drawing.MOST], options.picture)


def load_examples(source: Path) -> list[tuple[str, Picture, int]]:
    """List the name, the picture and the digit of each example; raises UsageError."""
    try:
        if source.is_dir():
            listed = [(f"{x}", x, x.parent.name) for x in sorted(source.glob("[0-9]/[!.]*"))]
        elif source.suffix == ".npz":
            with np.load(source) as arrays:
                pairs = zip(arrays["image"], arrays["digit"].tolist(), strict=True)
                listed = [(f"image {i}", x, f"{digit}") for i, (x, digit) in enumerate(pairs)]
        else:
            with source.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.DictReader(file)
                listed = [(x["file"], source.parent / x["file"], x["label"]) for x in rows]
    except (OSError, ValueError, KeyError, TypeError, csv.Error, BadZipFile) as error:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        raise UsageError(f"{source} cannot be read ({reason}); {HELP}") from error
    missing = [x for _, x, _ in listed if isinstance(x, Path) and not x.is_file()]
    if missing or not listed:
        what = f"{missing[0]}, and there is no such file" if missing else "no pictures"
        raise UsageError(f"{source} lists {what}; {HELP}")
    return [(name, x, int(label)) for name, x, label in listed if label in DIGITS]


main = command(ReadOptions, "read_folder", run)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
