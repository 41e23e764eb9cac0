"""Our side of the bench: epochs of training, and evaluation."""

import jax

import mnist_sum as ms
from experiments.configs import config_of
from experiments.system.device import choose_devices, device_name
from experiments.workshop.benchmark.process import answer, load_images
from experiments.workshop.benchmark.quiet import Figures, measure_calls
from mnist_sum.learning.sharding import data_mesh, replicate


def measure(job: Figures) -> Figures:
    """Train as a run does, for the job's epochs and seconds, and evaluate if it says so."""
    config = config_of(job["config"])
    recipe = config.recipe
    devices = choose_devices(job["device"], batch_size=recipe.batch_size)
    platform = devices[0].platform
    if platform == "gpu":
        del devices[1:]  # PyTorch's side has one card
    mesh = data_mesh(devices)
    train, test = replicate(load_images(job, platform), mesh)
    images = len(train.digit)
    init_key, key = jax.random.split(jax.random.key(config.seed))
    steps = config.epochs * ms.count_steps(recipe, images)
    state = replicate(ms.create_state(recipe, init_key, steps), mesh)

    def train_epoch(epoch: int) -> None:
        nonlocal state
        epoch_key = jax.random.fold_in(key, epoch)
        state, _ = ms.train_epoch(recipe, state, train, epoch_key, mesh)
        if epoch == 0:
            state = replicate(ms.create_state(recipe, init_key, steps), mesh)
        jax.block_until_ready(state)

    def evaluate(_: int) -> None:
        jax.block_until_ready(ms.evaluate(network, test, mesh))

    figures = measure_calls(train_epoch, images, job["epochs"], job["seconds"])
    figures["facts"] |= {
        "device": device_name(devices[0]),
        "devices": len(devices),
        "platform": platform,
        "jax": jax.__version__,
    }
    if job["evaluate"]:
        network = ms.Network(recipe, state.variables)
        if config.renew_statistics:
            network = ms.renew_statistics(network, train)
        figures["evaluation"] = measure_calls(evaluate, len(test.digit), 1, job["seconds"])
        figures |= ms.averages(ms.evaluate(network, test, mesh))
    return figures


if __name__ == "__main__":
    answer(measure)
