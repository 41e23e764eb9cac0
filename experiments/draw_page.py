"""Make the page to draw on, with a network inside: python -m experiments.draw_page runs/base."""

if __name__ == "__main__":
    from experiments.system.interruption import end_on_ctrl_c

    end_on_ctrl_c()  # the imports take seconds

import base64
import dataclasses
import json
import sys
from pathlib import Path

import jax
import numpy as np
import tyro

from experiments.formats import fold
from experiments.system.arguments import command
from mnist_sum.devices import use_processor
from mnist_sum.files.weights import PRETRAINED, load_weights
from mnist_sum.learning.network import Network
from mnist_sum.outputs import check_output, write_output

PARTS = Path(__file__).with_name("drawing")
MARK = b'<meta name="generator" content="mnist_sum">'  # of a page that may be replaced


@dataclasses.dataclass(frozen=True, kw_only=True)
class PageOptions:
    """Make a page to draw on, which needs no server."""

    weights: tyro.conf.Positional[Path] = PRETRAINED
    """Folder of a run or file of weights; the weights of the package if not given."""
    output: Path = Path("draw.html")
    """The page."""


def run(options: PageOptions) -> None:
    check_output(options.output, [options.weights], MARK)
    use_processor()
    network = load_weights(options.weights)
    page = make_page(network).encode()
    write_output(options.output, lambda file: file.write(page))
    print(f"Open {options.output} in a browser and draw.")


def make_page(network: Network) -> str:
    """Put into page.html its parts, and the network as JSON, all weights in one string."""
    page = (PARTS / "page.html").read_text(encoding="utf-8")
    for part in sorted(PARTS.glob("*.[cj]s*")):
        page = page.replace(f"/* {part.name} */", part.read_text(encoding="utf-8").rstrip())
    layers = list(fold(network.variables))
    weights = np.concatenate([x.ravel() for _, *arrays in layers for x in arrays]).astype("<f4")
    description = {
        "adder": network.recipe.adder,
        "parameters": sum(x.size for x in jax.tree.leaves(network.variables["params"])),
        "layers": [{"name": name, "shape": kernel.shape} for name, kernel, _ in layers],
        "weights": base64.b64encode(weights.tobytes()).decode(),
    }
    return page.replace("/* network */", json.dumps(description))


main = command(PageOptions, "draw_page", run)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
