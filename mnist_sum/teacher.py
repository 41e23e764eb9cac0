"""A teacher: what a larger network makes of the very images that a smaller one is shown."""

from functools import partial
from typing import cast

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import Mesh
from jaxtyping import Array, Float, Float16, Int, Key

from mnist_sum.batch import draw_batch
from mnist_sum.data import Dataset
from mnist_sum.model import Outputs, add_exactly
from mnist_sum.network import Network
from mnist_sum.recipe import NUM_NUMBERS, Recipe
from mnist_sum.sharding import EVERYWHERE, SPLIT, keep_replicated

CHUNK = 500  # images at a time on a device, to bound the memory


@partial(jax.jit, static_argnames=("recipe", "mesh"))
def teacher_logits(
    teacher: Network,
    recipe: Recipe,
    dataset: Dataset,
    example_key: Key[Array, ""],
    mesh: Mesh | None = None,
) -> Float16[Array, "example 10"]:
    """Compute a teacher's logits of every image, distorted as `recipe` does in an epoch.

    The key is the epoch's, as `draw_batch` takes it: a step of that epoch sees the same images. The
    logits are log-probabilities, in half precision, as there is one such array for every epoch.
    """
    examples = len(dataset.digit)
    devices = 1 if mesh is None else mesh.size
    chunk = min(CHUNK, -(-examples // devices))
    rows = jnp.arange(examples + -examples % (chunk * devices)) % examples  # to divide
    read = partial(_read, recipe, chunk)
    if mesh is not None:
        specs = (EVERYWHERE, EVERYWHERE, EVERYWHERE, SPLIT)
        read = jax.shard_map(read, mesh=mesh, in_specs=specs, out_specs=SPLIT)
    return keep_replicated(read(teacher, dataset, example_key, rows), mesh)[:examples]


def _read(
    recipe: Recipe,
    chunk: int,
    teacher: Network,
    dataset: Dataset,
    example_key: Key[Array, ""],
    rows: Int[Array, " example"],
) -> Float16[Array, "example 10"]:
    """Compute the logits of some rows, so many at a time; six, as shard_map takes no closure."""

    def read_chunk(rows: Int[Array, " chunk"]) -> Float16[Array, "chunk 10"]:
        batch = draw_batch(recipe, dataset, rows, example_key)
        outputs = teacher.model.apply(teacher.variables, batch.image, batch.number, train=False)
        return cast(Outputs, outputs).digit_log_probabilities.astype(jnp.float16)

    return lax.map(read_chunk, rows.reshape(-1, chunk)).reshape(len(rows), -1)


def teach(
    recipe: Recipe, logits: Float[Array, "batch 10"], number: Int[Array, " batch"]
) -> Outputs:
    """Make of a teacher's logits what both outputs are to match: it adds without error.

    The sums are of the batch's numbers, or of all ten, as the recipe says.
    """
    logits = logits.astype(jnp.float32)
    if recipe.numbers == "all":
        every = jnp.broadcast_to(jnp.arange(NUM_NUMBERS), (len(logits), NUM_NUMBERS))
        return Outputs(logits, add_exactly(jnp.repeat(logits[:, None], NUM_NUMBERS, 1), every))
    return Outputs(logits, add_exactly(logits, number))
