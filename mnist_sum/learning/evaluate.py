"""Evaluation: every image of a dataset, each with all ten numbers."""

from functools import partial
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding
from jaxtyping import Array, Int, Real

from mnist_sum.data import Dataset
from mnist_sum.inputs import check_examples, check_images
from mnist_sum.learning.batch import all_numbers, all_sums, unseen_number
from mnist_sum.learning.loss import Totals, total
from mnist_sum.learning.model import Outputs
from mnist_sum.learning.network import Network, check_network
from mnist_sum.learning.sharding import EVERYWHERE, SPLIT
from mnist_sum.recipe import NUM_NUMBERS

CHUNK = 1000  # images at a time on a device, to bound the memory


def evaluate(network: Network, dataset: Dataset, mesh: Mesh | None = None) -> Totals:
    """Add up losses and right answers: one digit an image, and ten sums.

    Raises InputError for what is no Network, for arrays of another shape or dtype than a Dataset's,
    and for digits out of range in numpy arrays.
    """
    check_network(network)
    check_examples("dataset", dataset)
    return evaluate_unchecked(network, dataset, mesh)


@partial(jax.jit, static_argnames="mesh")
def evaluate_unchecked(network: Network, dataset: Dataset, mesh: Mesh | None) -> Totals:
    """Evaluate as `evaluate` does, which checks before."""
    outputs = predict_outputs(network, jnp.asarray(dataset.image), mesh)
    digit = jnp.asarray(dataset.digit)
    return total(outputs, digit, all_numbers(len(digit)))


def predict_outputs(
    network: Network,
    image: Real[Array | np.ndarray, "batch 28 28"],
    mesh: Mesh | None = None,
    chunk: int = CHUNK,
) -> Outputs:
    """Compute the outputs of each image with all ten numbers, a chunk of images at a time.

    The digits' log-probabilities are [batch, 10], the sums' logits [batch, number, 19]. Raises
    InputError for images of another shape or dtype.
    """
    check_network(network)
    check_images("image", image)
    return _predict_outputs(network, image, mesh, chunk)


@partial(jax.jit, static_argnames=("mesh", "chunk"))
def _predict_outputs(
    network: Network, image: Real[Array, "batch 28 28"], mesh: Mesh | None, chunk: int
) -> Outputs:
    predict = partial(_predict_chunks, chunk=chunk)
    if mesh is None:
        return predict(network, image)
    count = len(image)
    image = jnp.pad(image, ((0, -count % mesh.size), (0, 0), (0, 0)))  # to divide by the devices
    predict = jax.shard_map(predict, mesh=mesh, in_specs=(EVERYWHERE, SPLIT), out_specs=SPLIT)
    outputs = lax.with_sharding_constraint(predict(network, image), NamedSharding(mesh, EVERYWHERE))
    return jax.tree.map(lambda x: x[:count], outputs)


def _predict_chunks(network: Network, image: Real[Array, "batch 28 28"], chunk: int) -> Outputs:
    def predict_chunk(image: Real[Array, "chunk 28 28"]) -> Outputs:
        outputs = network.model.apply(network.variables, image, all_numbers(len(image)))
        return cast(Outputs, outputs)

    whole = len(image) - len(image) % chunk
    parts = [predict_chunk(image[whole:])] if whole < len(image) else []
    if whole:
        chunks = lax.map(predict_chunk, image[:whole].reshape(-1, chunk, 28, 28))
        parts.insert(0, jax.tree.map(lambda x: x.reshape(whole, *x.shape[2:]), chunks))
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *parts)


def unseen_accuracy(outputs: Outputs, digit: Int[Array | np.ndarray, " batch"]) -> float:
    """Compute how many sums are right of the pairs that training by `unseen_pairs` leaves out.

    `outputs` are those with all ten numbers. The value is a fraction, on the host.
    """
    digit = jnp.asarray(digit)
    unseen = jnp.arange(NUM_NUMBERS)[None] == unseen_number(digit)[:, None]
    correct = outputs.sum_logits.argmax(-1) == all_sums(digit)
    return float((unseen & correct).sum() / unseen.sum())
