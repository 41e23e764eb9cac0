"""PyTorch's side of the bench: the original's training step, in the ways that PyTorch has."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from experiments.system.device import available_cores
from experiments.workshop.benchmark.process import answer, load_images
from experiments.workshop.benchmark.quiet import Figures, measure_calls
from experiments.workshop.benchmark.torch_reference import (
    TorchBatch,
    TorchMnistSum,
    make_optimizer,
    torch_batch,
    train_step,
)
from mnist_sum.errors import UsageError

PROCESSOR = Path("/proc/cpuinfo")
WARMUP_STEPS = 11  # before a step is captured

Step = Callable[[Tensor], None]


def measure(job: Figures) -> Figures:
    """Train in the way that the job names; raises UsageError for what the machine lacks."""
    size, on_gpu = job["config"]["batch_size"], job["device"] == "gpu"
    if on_gpu and not torch.cuda.is_available():
        raise UsageError("This PyTorch sees no GPU.")
    place = torch.device("cuda" if on_gpu else "cpu")
    torch.set_num_threads(available_cores())
    train, _ = load_images(job, job["device"])
    images = len(train.digit)
    columns = TorchBatch(*(column.to(place) for column in torch_batch(train, 0, images)))
    model = TorchMnistSum(job["config"]["dropout_rate"]).to(place)
    optimizer = make_optimizer(model, job["config"]["learning_rate"])
    change(model, job["way"])

    def take_step(rows: Tensor) -> None:
        train_step(model, optimizer, TorchBatch(*(column[rows] for column in columns)))

    graphs = job["way"] == "CUDA graphs"
    step = captured(take_step, torch.arange(size, device=place)) if graphs else take_step

    def train_epoch(_: int) -> None:
        for rows in torch.randperm(images, device=place).split(size):
            step(rows)
        if on_gpu:
            torch.cuda.synchronize()

    figures = measure_calls(train_epoch, images, job["epochs"], job["seconds"])
    figures["facts"] |= {"torch": torch.__version__, "threads": torch.get_num_threads()}
    return figures


def change(model: TorchMnistSum, way: str) -> None:
    """Have the network compute in this way; raises UsageError for what the machine lacks."""
    if "channels last" in way:  # from the weights, it passes on to what is computed
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if "bfloat16" in way:
        if "avx512_bf16" not in PROCESSOR.read_text():  # processors with AMX have it too
            raise UsageError("This processor has no instructions for bfloat16.")
        model.forward = torch.autocast("cpu", torch.bfloat16)(model.forward)  # type: ignore[method-assign]
    if "compiled" in way:
        compiler = os.environ.get("CXX", "g++")
        if shutil.which(compiler) is None:
            raise UsageError(f"It needs a C++ compiler, and there is no {compiler}.")
        model.compile()


def captured(step: Step, rows: Tensor) -> Step:
    """Capture a step on a GPU in a graph, which reads its rows from the same place every time."""
    graph, aside = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # PyTorch wants to be warm on another stream than the usual one
        for _ in range(WARMUP_STEPS):
            step(rows)
    torch.cuda.current_stream().wait_stream(aside)
    with torch.cuda.graph(graph):
        step(rows)

    def replay(new_rows: Tensor) -> None:
        rows.copy_(new_rows)
        graph.replay()

    return replay


if __name__ == "__main__":
    answer(measure)
