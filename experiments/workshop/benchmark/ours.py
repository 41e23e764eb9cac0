"""Our side of the bench: epochs of training, and evaluation."""

import jax

import mnist_sum as ms
from experiments.system.device import choose_devices, device_name
from experiments.workshop.benchmark.turn import Figures, Job, answer, measure_calls
from mnist_sum.learning.sharding import data_mesh, replicate


def measure(job: Job) -> Figures:
    config, recipe = job.config, job.config.recipe
    devices = choose_devices(job.device, batch_size=recipe.batch_size)
    if devices[0].platform == "gpu":
        del devices[1:]  # PyTorch's side has one card
    mesh = data_mesh(devices)
    train, test = replicate(job.load_images(devices[0].platform), mesh)
    images = len(train.digit)
    init_key, key = jax.random.split(jax.random.key(config.seed))
    steps = config.epochs * ms.count_steps(recipe, images)
    state = replicate(ms.create_state(recipe, init_key, steps), mesh)

    def train_epoch(epoch: int) -> None:
        nonlocal state
        epoch_key = jax.random.fold_in(key, epoch)
        trained, _ = ms.train_epoch(recipe, state, train, epoch_key, mesh)
        jax.block_until_ready(trained)
        state = trained if epoch else state

    epochs = config.epochs if job.to_the_end else 1
    figures = measure_calls(train_epoch, images, epochs, job.seconds)
    network = ms.Network(recipe, state.variables)
    if config.renew_statistics:
        network = ms.renew_statistics(network, train)
    tested = measure_calls(
        lambda _: jax.block_until_ready(ms.evaluate(network, test, mesh)),
        len(test.digit),
        seconds=job.seconds,
    )
    facts = {
        "device": device_name(devices[0]),
        "devices": len(devices),
        "platform": devices[0].platform,
        "version": f"JAX {jax.__version__}",
        "evaluation": tested,
    }
    return figures | facts | ms.averages(ms.evaluate(network, test, mesh))


if __name__ == "__main__":
    answer(measure)
