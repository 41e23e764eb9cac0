"""PyTorch's side of the bench: the original's training step, in the ways that PyTorch has."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from experiments.workshop.benchmark.images import load_images
from experiments.workshop.benchmark.quiet import own_cores
from experiments.workshop.benchmark.torch_reference import (
    TorchBatch,
    TorchMnistSum,
    make_optimizer,
    torch_batch,
    train_step,
)
from experiments.workshop.benchmark.worker import Figures, Prepared, UnavailableError, serve

BFLOAT16_INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}
PROCESSOR = Path("/proc/cpuinfo")
WARMUP_STEPS = 11

Step = Callable[[Tensor], None]


def prepare(job: Figures) -> Prepared:
    """Put the images where it computes, and take the first steps in the way that the job names."""
    torch.set_num_threads(len(own_cores()))
    place = find_place(job["platform"])
    dataset = load_images(job).train
    columns = TorchBatch(*(x.to(place) for x in torch_batch(dataset, 0, len(dataset.digit))))
    order = torch.randperm(len(dataset.digit), device=place)
    batches = order.split(job["config"]["batch_size"])
    start = time.perf_counter()
    step = make_step(job, columns, batches[0])

    def train(steps: int, seconds: float) -> Figures:
        start, images = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            for rows in batches[:steps]:
                step(rows)
                images += len(rows)
            if place.type == "cuda":
                torch.cuda.synchronize()
        return {"images": images}

    facts = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "compile_seconds": time.perf_counter() - start,
    }
    return Prepared(facts, {"train": train})


def find_place(platform: str) -> torch.device:
    """Find where our side computes; raises UnavailableError if PyTorch does not see it."""
    if platform == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise UnavailableError("this PyTorch sees no GPU")
    return torch.device("cuda")


def make_step(job: Figures, columns: TorchBatch, rows: Tensor) -> Step:
    """Make a training step, warmed up on some rows; raises UnavailableError if it cannot be."""
    config, way = job["config"], job["way"]
    model = TorchMnistSum(config["dropout_rate"]).to(columns.image.device)
    optimizer = make_optimizer(model, config["learning_rate"])
    change(model, way)

    def step(rows: Tensor) -> None:
        train_step(model, optimizer, TorchBatch(*(column[rows] for column in columns)))

    try:
        for _ in range(WARMUP_STEPS):
            step(rows)
        return captured(step, rows) if way == "CUDA graphs" else step
    except RuntimeError as error:
        if not way:
            raise
        raise UnavailableError(f"it fails, {str(error).splitlines()[0]}") from error


def change(model: TorchMnistSum, way: str) -> None:
    """Have the network compute in this way; raises UnavailableError for what the machine lacks."""
    if "channels last" in way:  # from the weights, it passes on to what is computed
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if "bfloat16" in way:
        if BFLOAT16_INSTRUCTIONS.isdisjoint(PROCESSOR.read_text().split()):
            raise UnavailableError("this processor has no instructions for bfloat16")
        model.forward = torch.autocast("cpu", torch.bfloat16)(model.forward)  # type: ignore[method-assign]
    if "compiled" in way:
        compiler = os.environ.get("CXX", "g++")
        if shutil.which(compiler) is None:
            raise UnavailableError(f"it needs a C++ compiler, and there is no {compiler}")
        model.compile()


def captured(step: Step, rows: Tensor) -> Step:
    """Capture a step on a GPU in a graph, which reads its rows from the same place every time."""
    static_rows = rows.clone()
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # PyTorch wants to be warm on another stream than the usual one
        step(static_rows)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(static_rows)

    def replay(rows: Tensor) -> None:
        static_rows.copy_(rows)
        graph.replay()

    return replay


if __name__ == "__main__":
    serve(prepare)
