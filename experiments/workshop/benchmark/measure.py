"""What is measured: which processes are prepared for what, and what they are asked for."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from experiments.configs import Config, fields_of, vary
from experiments.workshop.benchmark.quiet import own_cores
from experiments.workshop.benchmark.results import OURS, compare, row_of
from experiments.workshop.benchmark.turns import Ask, take_turns, worker
from experiments.workshop.benchmark.worker import Figures, UnavailableError

OUR_MODULE = "experiments.workshop.benchmark.ours"
TORCH_MODULE = "experiments.workshop.benchmark.pytorch"
CPU_STEPS = 40  # in a call; a GPU takes an epoch's
WAYS = {
    "cpu": ("", "channels last", "compiled", "bfloat16, channels last"),
    "gpu": ("", "CUDA graphs"),
}
"""How PyTorch computes on a processor and on a GPU: as it comes, and otherwise."""
SWEEP = (32, 64, 128, 256, 512, 1024, 2048, 4096)
SWEEP_WAYS = {"cpu": ("", "channels last"), "gpu": ("", "CUDA graphs")}
SWEEP_EXAMPLES = 8_192  # in a call, at every batch size
SEEDS = 16


class Plan(NamedTuple):
    """How the two sides are compared."""

    rounds: int
    steps: int | None
    """In a call; as many as suit the device if not given."""
    seconds: float
    """How long a turn is at least."""
    ways: Mapping[str, Sequence[str]]
    """The ways of PyTorch to compare with, by platform."""


def compare_sides(job: Figures, plan: Plan) -> list[Figures]:
    """Compare on one core and on all that this process may use; or on a GPU."""
    cores = own_cores()
    everywhere = compare_on(cores, job, plan)
    if everywhere["on"] == "GPU" or len(cores) == 1:
        return [everywhere]
    return [compare_on(cores[-1:], job, plan), everywhere]  # the first core serves interrupts


def compare_on(cores: Sequence[int], job: Figures, plan: Plan) -> Figures:
    """Compare ours with each way of PyTorch; every process may use these cores, in its turn."""
    size = job["config"]["batch_size"]
    with ExitStack() as stack:
        print(f"On {name_cores(cores)}: preparing ours", end="", flush=True)
        facts, ask = stack.enter_context(worker(OUR_MODULE, cores, job))
        platform = facts["platform"]
        asks, known, lacking = {OURS: ask}, {OURS: facts}, dict[str, str]()
        for way in plan.ways[platform]:
            name = f"PyTorch {way}".strip()
            print(f", {name}", end="", flush=True)
            torch_job = job | {"way": way, "platform": platform}
            try:
                prepared = stack.enter_context(worker(TORCH_MODULE, cores, torch_job))
            except UnavailableError as reason:
                lacking[name] = str(reason)
            else:
                known[name], asks[name] = prepared
        steps = plan.steps or (CPU_STEPS if platform == "cpu" else job["examples"] // size)
        request = {"do": "train", "steps": steps, "seconds": plan.seconds}
        print(f"; {plan.rounds} rounds in turns ...", flush=True)
        turns = take_turns(asks, request, plan.rounds)
        evaluation = ask({"do": "evaluate"})
    rows = [row_of(name, known[name], turns[name]) for name in asks]
    rows += [{"what": name, "cannot": reason} for name, reason in lacking.items()]
    return {
        "on": name_cores(cores) if platform == "cpu" else "GPU",
        "cores": list(cores),
        "steps": steps,
        "rows": rows,
        "ratio": compare(rows),
        "evaluation": evaluation,
    }


def name_cores(cores: Sequence[int]) -> str:
    """Say how many cores they are."""
    return "1 core" if len(cores) == 1 else f"{len(cores)} cores"


def sweep_batch_sizes(job: Figures, config: Config, plan: Plan) -> list[Figures]:
    """Compare at every batch size, on all cores or on the GPU."""
    ways = SWEEP_WAYS if any(plan.ways.values()) else plan.ways
    groups = []
    for size in SWEEP:
        sized = job | {"config": fields_of(vary(config, batch_size=size))}
        steps = min(SWEEP_EXAMPLES, job["examples"]) // size
        group = compare_on(own_cores(), sized, plan._replace(steps=steps, ways=ways))
        groups.append(group | {"on": f"{group['on']}, batch {size:,}"})
    return groups


def train_seeds_at_once(job: Figures) -> list[Figures]:
    """Train one seed to the end of the config, and several in one program in two ways."""
    with worker(OUR_MODULE, own_cores(), job) as (_, ask):
        ways = ((1, "map"), (SEEDS, "map"), (SEEDS, "vmap"))
        return [ask({"do": "seeds", "seeds": seeds, "way": way}) for seeds, way in ways]


def train_to_the_end(job: Figures, seeds: Sequence[int]) -> tuple[Figures, list[Figures]]:
    """Train each seed to the end of the config, once more if it is disturbed."""
    with worker(OUR_MODULE, own_cores(), job) as (facts, ask):
        return facts, [run_until_quiet(ask, seed) for seed in seeds]


def run_until_quiet(ask: Ask, seed: int) -> Figures:
    """Train one seed, and once more if that was disturbed."""
    (run,) = take_turns({OURS: ask}, {"do": "run", "seed": seed}, 1)[OURS]
    return run
