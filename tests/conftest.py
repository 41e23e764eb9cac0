"""Strictness for all tests: shapes checked, no warnings, no rank promotion, exact products.

They run on eight CPU devices; JAX_PLATFORMS=cuda runs those on a GPU that do not need these.
"""

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
PLATFORM = os.environ.setdefault("JAX_PLATFORMS", "cpu").split(",")[0]
jax.config.update("jax_platforms", os.environ["JAX_PLATFORMS"])
jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_default_matmul_precision", "highest")  # a GPU's own default is TF32
jax.config.update("jax_numpy_rank_promotion", "raise")

ABOUT_CPU_DEVICES = {"test_device", "test_distributed", "test_seeds", "test_sharding"}
# About digits, bits or speed of what users run. The rest is compiled in half the time.
EXACT = "accuracy bench convolution distributed epoch golden layers plain_model precision"
EXACT += " pretrained readme resume sharding step torch_parity"
OPTIMIZED = {f"test_{name}" for name in EXACT.split()}


def pytest_configure(config):
    """Leave files in the order below, which pytest-xdist would change."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    """Begin with what is optimized, for programs not to be compiled in both ways.

    Leave out, on another platform, what is about the eight devices of a processor.
    """
    items.sort(key=lambda item: item.path.stem not in OPTIMIZED)
    for item in items:
        about_cpu = item.path.stem in ABOUT_CPU_DEVICES or "devices" in item.name
        if PLATFORM != "cpu" and about_cpu:
            item.add_marker(pytest.mark.skip(reason="needs eight CPU devices"))


# Before anything imports them: the modules of functions on arrays. A state also holds what JAX maps
# its arrays to, and a config says itself what is wrong with a field.
LEARNING = "augment batch convolution epoch evaluate layers loss model predict sharding step"
CHECKED = [f"mnist_sum.learning.{name}" for name in LEARNING.split()]
CHECKED += ["mnist_sum.data.dataset", "mnist_sum.files.torch", "mnist_sum.files.weights"]
CHECKED += ["experiments.report.layers"]
install_import_hook(CHECKED, "beartype.beartype")


@pytest.fixture(scope="module", autouse=True)
def optimization(request):
    """Choose how what a module compiles, and what the commands that it runs do, is optimized."""
    less = PLATFORM == "cpu" and request.path.stem not in OPTIMIZED
    if os.environ.get("JAX_DISABLE_MOST_OPTIMIZATIONS") == "True" and not less:
        jax.clear_caches()
    jax.config.update("jax_disable_most_optimizations", less)
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = str(less)


@pytest.fixture(scope="session")
def dataset():
    """Load a few real images, for tests that train."""
    from mnist_sum.data import Dataset, load
    from tests.tiny import EXAMPLES

    return Dataset(*(jax.numpy.asarray(x[:EXAMPLES]) for x in load("sample").train))


@pytest.fixture(scope="session")
def batch(dataset):
    """Take the first batch of them."""
    from mnist_sum.learning.batch import take_batch
    from tests.tiny import RECIPE

    return take_batch(dataset, jax.numpy.arange(RECIPE.batch_size))


@pytest.fixture(scope="session")
def network():
    """Make a network that has learnt nothing."""
    from mnist_sum.learning.network import Network
    from mnist_sum.learning.state import create_state
    from tests.tiny import RECIPE

    return Network(RECIPE, create_state(RECIPE, jax.random.key(0)).variables)
