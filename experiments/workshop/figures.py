"""Write the figures of the records into the texts: python -m experiments.workshop.figures.

What is between <!-- figures: NAME --> and <!-- end --> in a text is made here, of the files in
experiments/results/ and of what others have published.
"""

import dataclasses
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from experiments.system import workdir
from experiments.system.arguments import exit_code, parse_options
from experiments.workshop.documents.accuracies import recipes, results, studies
from experiments.workshop.documents.records import RESULTS
from experiments.workshop.documents.search import lengths, search
from experiments.workshop.documents.speeds import kernels, ratios, speeds
from mnist_sum.errors import UsageError

ROOT = Path(__file__).parents[2]
TEXTS = ("README.md", "docs/recipes.md", "docs/performance.md", "docs/gpu.md")
PLACE = re.compile(r"(<!-- figures: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
FIGURES: dict[str, Callable[[Path], str]] = {
    make.__name__: make
    for make in (results, ratios, search, lengths, recipes, studies, speeds, kernels)
}


@dataclasses.dataclass(frozen=True)
class FiguresOptions:
    """Write the figures of the records into README.md and docs/."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return exit_code(lambda: run(parse_options(FiguresOptions, "figures", argv)))


def run(_: FiguresOptions) -> None:
    """Write the texts that do not say what the records do, and name all."""
    for name in TEXTS:
        path = ROOT / name
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path} cannot be read ({error.strerror}).") from None
        made = with_figures(text, ROOT / RESULTS)
        if made != text:
            workdir.write(path, made)
        print(f"{name}: {'as it was' if made == text else 'written anew'}")


def with_figures(text: str, records: Path) -> str:
    """Put the figures of a folder of records into the places that a text has for them."""

    def fill(place: re.Match[str]) -> str:
        start, name, end = place.groups()
        if name not in FIGURES:
            raise UsageError(f"There are no figures {name!r}; choose one of {', '.join(FIGURES)}.")
        return f"{start}\n{FIGURES[name](records)}\n\n{end}"

    return PLACE.sub(fill, text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
