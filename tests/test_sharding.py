"""Data parallelism: eight devices compute what one computes, however they are put to work."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import pytest
from jax.sharding import Mesh, PartitionSpec

from mnist_sum.evaluate import evaluate
from mnist_sum.sharding import DATA_AXIS, data_sharding, replicate, shard_batch
from mnist_sum.state import create_state
from mnist_sum.train import train_epoch, train_step
from tests.tiny import CONFIG

DEVICES = jax.devices()
KEY = jax.random.key(1)


def assert_same(actual, expected):
    chex.assert_trees_all_close(
        jax.device_get(actual), jax.device_get(expected), rtol=1e-3, atol=1e-5
    )


@pytest.fixture(scope="module")
def state():
    return create_state(CONFIG, jax.random.key(0))


@pytest.fixture(scope="module")
def one_device_step(state, batch):
    return train_step(state, batch, KEY)


def test_there_are_eight_devices():
    assert len(DEVICES) == 8


def test_a_batch_is_split_only_where_it_divides():
    split = jax.jit(partial(shard_batch, sharding=data_sharding(DEVICES)))
    assert split(jnp.zeros((16, 3))).sharding.shard_shape((16, 3)) == (2, 3)
    assert split(jnp.zeros((12, 3))).sharding.is_fully_replicated


def test_replicated_arrays_are_everywhere():
    x = replicate(jnp.arange(3), data_sharding(DEVICES))
    assert x.sharding.is_fully_replicated
    assert x.sharding.device_set == set(DEVICES)


def test_an_epoch_on_a_mesh_is_that_of_one_device(dataset):
    sharding = data_sharding(DEVICES)
    state = replicate(create_state(CONFIG, jax.random.key(0)), sharding)
    on_mesh = train_epoch(state, replicate(dataset, sharding), KEY, sharding)
    alone = train_epoch(create_state(CONFIG, jax.random.key(0)), dataset, KEY)
    assert_same(on_mesh, alone)
    state, _ = on_mesh
    assert_same(
        evaluate(state, replicate(dataset, sharding), sharding), evaluate(alone[0], dataset)
    )


def test_a_step_under_pmap_is_that_of_one_device(state, batch, one_device_step):
    split = jax.tree.map(lambda x: x.reshape(8, 2, *x.shape[1:]), batch)
    step = jax.pmap(partial(train_step, axis_name=DATA_AXIS), DATA_AXIS, in_axes=(None, 0, None))
    everywhere = step(state, split, KEY)
    for device in (0, 7):
        assert_same(jax.tree.map(lambda x, device=device: x[device], everywhere), one_device_step)


def test_a_step_under_shard_map_is_that_of_one_device(state, batch, one_device_step):
    step = jax.shard_map(
        partial(train_step, axis_name=DATA_AXIS),
        mesh=Mesh(DEVICES, (DATA_AXIS,)),
        in_specs=(PartitionSpec(), PartitionSpec(DATA_AXIS), PartitionSpec()),
        out_specs=PartitionSpec(),
    )
    assert_same(jax.jit(step)(state, batch, KEY), one_device_step)
