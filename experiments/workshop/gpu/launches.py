"""Count what each program launches on an H100, which need not be there: make gpu-compile.

XLA compiles for a GPU from a description of it, and writes down what it would launch. Nothing runs:
these are kernels, not times. Needs the extra 'cuda13' and Python 3.12 or newer.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental.topologies import get_topology_desc
from jax.sharding import SingleDeviceSharding
from jax.stages import Lowered, Traced

from experiments.configs import named_config
from experiments.system.device import IN_GRAPHS, add_xla_flag
from mnist_sum.data import Dataset
from mnist_sum.learning.epoch import begin_epoch, train_steps, zero_tally
from mnist_sum.learning.evaluate import evaluate
from mnist_sum.learning.network import Network
from mnist_sum.learning.predict import predict
from mnist_sum.learning.sharding import data_mesh
from mnist_sum.learning.state import create_state
from mnist_sum.recipe import Recipe

CARD = Path(__file__).with_name("h100.textproto")
RECORD = Path(__file__).parents[2] / "results" / "gpu" / "h100.json"
TRAIN, TEST, FEW = 60_000, 10_000, 100  # images
AFTER_PASSES = "*.thunk_sequence_after_thunk_passes.txt"
THUNK = re.compile(r"(?P<indent> *)\d+: k(?P<kind>\w+)")
WAYS = {"": {}, ", --whole-graph": {"xla_gpu_enable_command_buffer": IN_GRAPHS}}


def _images(count: int) -> Dataset:
    zeros = jnp.zeros(count, jnp.int32)
    return Dataset(jnp.zeros((count, 28, 28), jnp.uint8), zeros, zeros)


def _network() -> Network:
    return Network(Recipe(), create_state(Recipe(), jax.random.key(0)).variables)


def train(config: str, device: jax.Device) -> Traced:
    """Trace a call of train_steps on an epoch of MNIST."""
    recipe = named_config(config).recipe

    def arguments() -> Any:
        key = jax.random.key(0)
        state, epoch = create_state(recipe, key, total_steps=1), begin_epoch(key, TRAIN)
        return state, zero_tally(), _images(TRAIN), epoch, (jnp.int32(0), jnp.int32(1))

    return train_steps.trace(
        recipe, recipe.batch_size, *place(arguments, device), data_mesh([device])
    )


def evaluation(device: jax.Device) -> Traced:
    """Trace the evaluation of all test images."""
    arguments = place(lambda: (_network(), _images(TEST)), device)
    return jax.jit(partial(evaluate, mesh=data_mesh([device]))).trace(*arguments)


def prediction(device: jax.Device) -> Traced:
    """Trace the prediction of a few images."""
    arguments = place(lambda: (_network(), _images(FEW).image, _images(FEW).number), device)
    return jax.jit(predict).trace(*arguments)


PROGRAMS: dict[str, Callable[[jax.Device], Traced]] = {
    "train_steps of base": partial(train, "base"),
    "train_steps of fast": partial(train, "fast"),
    "evaluate": evaluation,
    "predict": prediction,
}


def place(make: Callable[[], Any], device: jax.Device) -> Any:
    """Take the shapes of what a function makes, as if it lay on the device."""
    as_if = partial(jax.ShapeDtypeStruct, sharding=SingleDeviceSharding(device))
    return jax.tree.map(lambda x: as_if(x.shape, x.dtype), jax.eval_shape(make))


def main(argv: Sequence[str]) -> int:
    """Compile the programs that are named, or all; returns 1 if one launches more than recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="programs, by a part of their names")
    parser.add_argument("--write", action="store_true", help="record what all programs launch")
    options = parser.parse_args(argv)
    parts = options.names or [""]
    names = [name for name in PROGRAMS if any(part in name for part in parts)]
    if not names:
        parser.error(f"There is no such program; choose from {', '.join(PROGRAMS)}.")
    record = json.loads(RECORD.read_text())
    print(f"JAX {jax.__version__}; recorded is what JAX {record['jax']} launches")
    found: dict[str, dict[str, int]] = {name: {} for name in names}
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        card = get_topology_desc("h100", "cuda", target_config=CARD.read_text(), topology="1x1x1")
        for name in names:
            lowered = PROGRAMS[name](card.devices[0]).lower()
            for way, how in WAYS.items():
                counts = count(lowered, Path(folder), how)
                found[name] |= {f"{key}{way}": number for key, number in counts.items()}
            print(name, found[name], flush=True)
    if options.write:
        record = {"jax": jax.__version__, "programs": record["programs"] | found}
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    more = [
        f"error: {name}: {key} {number}, recorded {record['programs'][name][key]}\n"
        for name, counts in found.items()
        for key, number in counts.items()
        if number > record["programs"][name][key]
    ]
    sys.stderr.writelines(more)
    return 1 if more else 0


def prepare(folder: str) -> None:
    """Have XLA compile for a GPU where there is none, and write into a folder what it launches.

    Call before JAX first looks for devices.
    """
    os.environ["JAX_SKIP_CUDA_CONSTRAINTS_CHECK"] = "1"
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_compilation_cache", False)  # or nothing would be written
    add_xla_flag("--xla_gpu_autotune_level=0")  # which would need the card
    add_xla_flag(f"--xla_dump_to={folder} --xla_dump_hlo_as_text")


def count(lowered: Lowered, folder: Path, options: dict[str, Any]) -> dict[str, int]:
    """Compile, and count what XLA says that the program will launch."""
    before = set(folder.glob(AFTER_PASSES))
    lowered.compile(options)
    written = set(folder.glob(AFTER_PASSES)) - before
    return read_thunks(max(written, key=lambda path: path.stat().st_size).read_text())


def read_thunks(text: str) -> dict[str, int]:
    """Count in XLA's list of what a program does, in which indentation says what is within what.

    Kernels and launches are those of a turn of the longest loop, which in training is a step. They
    are those of the whole program where there is no loop; so are launches where it is in a graph.
    Host loops are in no graph: the host is asked after each turn.
    """
    whole: Counter[str] = Counter()
    loops: list[Counter[str]] = []
    outer: list[tuple[int, str, Counter[str]]] = []  # what a line lies within
    for thunk in filter(None, map(THUNK.match, text.splitlines())):
        indent, kind, own = len(thunk["indent"]), thunk["kind"], Counter[str]()
        outer = [x for x in outer if x[0] < indent]
        on_host = all(kind != "CommandBuffer" for _, kind, _ in outer)
        if kind == "While":
            loops.append(own)
            whole["host loops"] += on_host
        elif kind not in ("Conditional", "Sequential"):
            for counts in (whole, *(turn for _, kind, turn in outer if kind == "While")):
                counts["launches"] += on_host
                counts["kernels"] += kind != "CommandBuffer"
        outer.append((indent, kind, own))
    turn = max(loops, key=lambda counts: counts["kernels"], default=whole)
    return {
        "kernels": turn["kernels"],
        "launches": turn["launches"] or whole["launches"],
        "host loops": whole["host loops"],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
