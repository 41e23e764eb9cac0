"""Our side of the bench: epochs of training, and evaluation."""

import jax

import mnist_sum as ms
from experiments.system.device import choose_devices, device_name
from experiments.workshop.benchmark.turn import Figures, Job, answer, measure_calls
from mnist_sum.learning.sharding import data_mesh, replicate


def measure(job: Job) -> Figures:
    recipe = job.config.recipe
    devices = choose_devices(job.device, batch_size=recipe.batch_size)
    if devices[0].platform == "gpu":
        del devices[1:]  # PyTorch's side has one card
    mesh = data_mesh(devices)
    train, test = replicate(job.load_images(devices[0].platform), mesh)
    images = len(train.digit)
    key = jax.random.key(job.config.seed)
    steps = job.config.epochs * ms.count_steps(recipe, images)
    state = replicate(ms.create_state(recipe, key, steps), mesh)

    def train_epoch(epoch: int) -> None:
        nonlocal state
        epoch_key = jax.random.fold_in(key, epoch)
        state, _ = ms.train_epoch(recipe, state, train, epoch_key, mesh)
        jax.block_until_ready(state)

    figures = measure_calls(train_epoch, images, job.seconds)
    network = ms.Network(recipe, state.variables)
    tested = measure_calls(
        lambda _: jax.block_until_ready(ms.evaluate(network, test, mesh)),
        len(test.digit),
        job.seconds,
    )
    figures["facts"] |= {
        "device": device_name(devices[0]),
        "devices": len(devices),
        "platform": devices[0].platform,
        "jax": jax.__version__,
    }
    figures["evaluated_images_per_second"] = tested["images_per_second"]
    return figures


if __name__ == "__main__":
    answer(measure)
