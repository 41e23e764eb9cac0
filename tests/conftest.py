"""Strictness for all tests: eight CPU devices, shapes checked, no warnings, no rank promotion."""

import os
from pathlib import Path

import jax
import pytest
from jaxtyping import install_import_hook

CACHE = Path(__file__).parents[1] / ".pytest_cache" / "jax"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))  # for commands that tests run
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "8")  # and for ours, that would count the cores
jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_rank_promotion", "raise")

# Before anything imports them: the modules of functions on arrays. A state also holds what JAX maps
# its arrays to, and a config says itself what is wrong with a field.
CHECKED = (
    "augment batch convolution data.dataset evaluate layers loss "
    "model predict sharding summary torch_weights train weights"
)
install_import_hook([f"mnist_sum.{name}" for name in CHECKED.split()], "beartype.beartype")


@pytest.fixture(scope="session")
def dataset():
    """Load a few real images, for tests that train."""
    from mnist_sum.data import Dataset, load
    from tests.tiny import EXAMPLES

    return Dataset(*(jax.numpy.asarray(x[:EXAMPLES]) for x in load("sample").train))


@pytest.fixture(scope="session")
def batch(dataset):
    """Take the first batch of them."""
    from mnist_sum.batch import take_batch
    from tests.tiny import RECIPE

    return take_batch(dataset, jax.numpy.arange(RECIPE.batch_size))
