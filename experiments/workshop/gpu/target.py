"""A GPU that is not there: XLA compiles for it all the same, from a description of it."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import jax
from jax.experimental import topologies
from jax.sharding import NamedSharding

from experiments.system.device import add_xla_flag
from mnist_sum.learning.sharding import EVERYWHERE, data_mesh

DESCRIPTION = Path(__file__).with_name("h100.textproto")
AFTER_PASSES = "*.thunk_sequence_after_thunk_passes.txt"
THUNK = re.compile(r"(?P<indent> *)\d+: k(?P<kind>\w+)")


class Launches(NamedTuple):
    """What a compiled program launches."""

    kernels: int
    """In a turn of its longest loop, which for training is a step; in all if it has no loop."""
    calls: int
    """By the host, for a whole call of the program; a graph counts as one."""
    host_loops: int
    """Loops outside of graphs, which ask the host after every turn."""


def prepare() -> Path:
    """Let XLA compile for a GPU where there is none; returns the folder in which it says what.

    Call before JAX first looks for devices.
    """
    folder = Path(tempfile.mkdtemp(prefix="thunks-"))
    os.environ["JAX_SKIP_CUDA_CONSTRAINTS_CHECK"] = "1"
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_compilation_cache", False)  # or nothing would be written
    add_xla_flag("--xla_gpu_autotune_level=0")  # which would need the card
    add_xla_flag(f"--xla_dump_to={folder} --xla_dump_hlo_as_text")
    return folder


def h100() -> jax.Device:
    """Describe one H100 to XLA."""
    described = DESCRIPTION.read_text()
    topology = topologies.get_topology_desc(
        "h100", "cuda", target_config=described, topology="1x1x1"
    )
    return topology.devices[0]


def place(tree: Any, device: jax.Device) -> Any:
    """Give the shapes of all arrays, as if they lay on the device."""
    everywhere = NamedSharding(data_mesh([device]), EVERYWHERE)
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=everywhere), tree)


def count_launches(lowered: jax.stages.Lowered, folder: Path) -> Launches:
    """Compile, and count what XLA says that the program will launch."""
    before = set(folder.glob(AFTER_PASSES))
    lowered.compile()
    written = set(folder.glob(AFTER_PASSES)) - before
    return read_thunks(max(written, key=lambda path: path.stat().st_size).read_text())


def read_thunks(text: str) -> Launches:
    """Count in XLA's list of what a program does, in which indentation says what is within what."""
    stack: list[tuple[int, str]] = []  # what encloses the line: indentation and kind
    loops: dict[int, int] = {}  # by the line of each loop, the kernels in it
    kernels = calls = host_loops = 0
    open_loops: list[tuple[int, int]] = []
    for number, line in enumerate(text.splitlines()):
        match = THUNK.match(line)
        if match is None:
            continue
        indent, kind = len(match["indent"]), match["kind"]
        while stack and stack[-1][0] >= indent:
            stack.pop()
        while open_loops and open_loops[-1][0] >= indent:
            open_loops.pop()
        in_graph = any(outer == "CommandBuffer" for _, outer in stack)
        if kind == "While":
            host_loops += not in_graph
            open_loops.append((indent, number))
            loops[number] = 0
        elif kind not in ("CommandBuffer", "Conditional", "Sequential"):
            kernels += 1
            for _, loop in open_loops:
                loops[loop] += 1
        calls += not in_graph and kind not in ("While", "Conditional", "Sequential")
        stack.append((indent, kind))
    return Launches(max(loops.values(), default=kernels), calls, host_loops)
