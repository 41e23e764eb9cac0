"""Count what each program launches on an H100, which need not be there: make gpu-compile.

XLA compiles for a GPU from a description of it, and writes down what it would launch. Nothing runs:
these are kernels, not times. Needs the extra 'cuda13' and Python 3.12 or newer.
"""

import json
import os
import re
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental.topologies import get_topology_desc
from jax.sharding import SingleDeviceSharding
from jax.stages import Lowered, Traced

import mnist_sum as ms
from experiments.configs import named_config
from experiments.system.device import IN_GRAPHS, add_xla_flag
from mnist_sum.learning.epoch import begin_epoch, train_steps, zero_tally
from mnist_sum.learning.sharding import data_mesh

CARD = Path(__file__).with_name("h100.textproto")
RECORD = Path(__file__).parents[2] / "results" / "gpu" / "h100.json"
TRAIN, TEST, FEW = 60_000, 10_000, 100  # images
AFTER_PASSES = "*.thunk_sequence_after_thunk_passes.txt"
THUNK = re.compile(r"(?P<indent> *)\d+: k(?P<kind>\w+)")
PROGRAMS = ("train_steps of base", "train_steps of fast", "evaluate", "predict")
WAYS: Any = {"": {}, ", --whole-graph": {"xla_gpu_enable_command_buffer": IN_GRAPHS}}


def trace(name: str, device: jax.Device) -> Traced:
    """Trace a program as if its arguments lay on the device; nothing is computed."""
    function, _, config = name.partition(" of ")
    recipe, mesh = named_config(config or "base").recipe, data_mesh([device])

    def make() -> Any:
        key = jax.random.key(0)
        state, epoch = ms.create_state(recipe, key, total_steps=1), begin_epoch(key, TRAIN)
        network, zeros = ms.Network(recipe, state.variables), jnp.zeros(TRAIN, jnp.int32)
        images = ms.Dataset(jnp.zeros((TRAIN, 28, 28), jnp.uint8), zeros, zeros)
        if function == "train_steps":
            return state, zero_tally(), images, epoch, (jnp.int32(0), jnp.int32(1))
        if function == "evaluate":
            return network, jax.tree.map(lambda x: x[:TEST], images)
        return network, images.image[:FEW], images.number[:FEW]

    place = partial(jax.ShapeDtypeStruct, sharding=SingleDeviceSharding(device))
    arguments = jax.tree.map(lambda x: place(x.shape, x.dtype), jax.eval_shape(make))
    if function == "train_steps":
        return train_steps.trace(recipe, recipe.batch_size, *arguments, mesh)
    program = ms.predict if function == "predict" else partial(ms.evaluate, mesh=mesh)
    return jax.jit(program).trace(*arguments)


def main() -> None:
    """Compile all programs, and record what they launch; git diff shows what has changed."""
    os.environ["JAX_SKIP_CUDA_CONSTRAINTS_CHECK"] = "1"
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_compilation_cache", False)  # or nothing would be written
    add_xla_flag("--xla_gpu_autotune_level=0")  # which would need the card
    with tempfile.TemporaryDirectory() as folder:
        add_xla_flag(f"--xla_dump_to={folder} --xla_dump_hlo_as_text")
        card = get_topology_desc("h100", "cuda", target_config=CARD.read_text(), topology="1x1x1")
        device = card.devices[0]
        programs = {name: count(trace(name, device).lower(), Path(folder)) for name in PROGRAMS}
    record = json.dumps({"jax": jax.__version__, "programs": programs}, indent=1)
    print(record)
    RECORD.write_text(record + "\n")


def count(lowered: Lowered, folder: Path) -> dict[str, int]:
    """Compile in each way, and count what XLA says that the program will launch."""
    counts: dict[str, int] = {}
    for way, options in WAYS.items():
        before = set(folder.glob(AFTER_PASSES))
        lowered.compile(options)
        written = set(folder.glob(AFTER_PASSES)) - before
        text = max(written, key=lambda path: path.stat().st_size).read_text()
        counts |= {f"{key}{way}": number for key, number in read_thunks(text).items()}
    return counts


def read_thunks(text: str) -> dict[str, int]:
    """Count in XLA's list of what a program does, whose indentation says what is within what.

    Kernels and launches are those of a turn of the longest loop, or of the whole program if it has
    no loop; so are launches if the loop is in a graph. A host loop consults the host each turn.
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
    launches = turn["launches"] or whole["launches"]
    return {"kernels": turn["kernels"], "launches": launches, "host loops": whole["host loops"]}


if __name__ == "__main__":
    main()
