"""PyTorch's side of the bench: the original's training step, in the ways that PyTorch has."""

import torch

from experiments.system.device import available_cores
from experiments.workshop.benchmark import torch_reference as reference
from experiments.workshop.benchmark.turn import Figures, Job, answer, measure_calls
from mnist_sum.errors import UsageError


def measure(job: Job) -> Figures:
    """Train in the way that the job names; raises UsageError for what the machine lacks."""
    recipe, on_gpu = job.config.recipe, job.device == "gpu"
    if on_gpu and not torch.cuda.is_available():
        raise UsageError("This PyTorch sees no GPU.")
    place = torch.device("cuda" if on_gpu else "cpu")
    torch.set_num_threads(available_cores())
    train, _ = job.load_images(job.device)
    images = len(train.digit)
    image, digit, number = (x.to(place) for x in reference.torch_batch(train, 0, images))
    model = reference.TorchMnistSum(recipe.dropout_rate).to(place)
    optimizer = torch.optim.SGD(model.parameters(), recipe.learning_rate, reference.MOMENTUM)
    change(model, job.way)

    def train_epoch(_: int) -> None:
        for rows in torch.randperm(images, device=place).split(recipe.batch_size):
            reference.train_step(model, optimizer, (image[rows], digit[rows], number[rows]))
        if on_gpu:
            torch.cuda.synchronize()

    figures = measure_calls(train_epoch, images, seconds=job.seconds)
    return figures | {"version": torch.__version__, "threads": torch.get_num_threads()}


def change(model: reference.TorchMnistSum, way: str) -> None:
    if "channels last" in way:  # from the weights, it passes on to what is computed
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if "compiled" in way:
        model.compile(mode="reduce-overhead" if "CUDA graphs" in way else None)


if __name__ == "__main__":
    answer(measure)
