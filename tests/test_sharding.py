"""Data parallelism: many devices compute what one computes, however they are put to work."""

import dataclasses
from functools import partial

import chex
import jax
import jax.numpy as jnp
import pytest
from jax.sharding import PartitionSpec

from mnist_sum.learning import epoch as epoch_module
from mnist_sum.learning import step as step_module
from mnist_sum.learning.epoch import train_epoch
from mnist_sum.learning.evaluate import evaluate, predict_outputs
from mnist_sum.learning.sharding import DATA_AXIS, data_mesh, own_part, replicate, split_axis
from mnist_sum.learning.state import create_state
from mnist_sum.learning.step import train_step
from tests.tiny import RECIPE, small_network, small_state, small_step

DEVICES = jax.devices()
KEY = jax.random.key(1)
DRAWING = dataclasses.replace(RECIPE, numbers="fresh", shift=2.0, dropout_rate=0.1)


def assert_same(actual, expected, rtol=1e-3, atol=1e-5):
    actual, expected = jax.device_get((actual, expected))
    chex.assert_trees_all_close(actual, expected, rtol=rtol, atol=atol)


def test_a_batch_is_split_only_where_it_divides():
    assert len(DEVICES) == 8
    mesh = data_mesh(DEVICES)
    assert split_axis(16, mesh) == DATA_AXIS
    assert split_axis(12, mesh) is None
    assert split_axis(16, None) is None
    assert split_axis(16, data_mesh(DEVICES[:1])) is None


def test_each_device_takes_its_own_part():
    part, mesh = partial(own_part, axis_name=DATA_AXIS), data_mesh(DEVICES)
    whole, split = PartitionSpec(), PartitionSpec(DATA_AXIS)
    take = jax.shard_map(part, mesh=mesh, in_specs=whole, out_specs=split)
    assert take(jnp.arange(16)).tolist() == list(range(16))


def test_replicated_arrays_are_everywhere():
    x = replicate(jnp.arange(3), data_mesh(DEVICES))
    assert x.sharding.is_fully_replicated
    assert x.sharding.device_set == set(DEVICES)


# Three do not divide the batch, and compute it whole. No two steps may share what is compiled.
@pytest.mark.parametrize("count", [8, 3])
@pytest.mark.parametrize(
    ("step", "momentum"), [(small_step, 0.5), pytest.param(train_step, 0.9, marks=pytest.mark.long)]
)
def test_an_epoch_on_a_mesh_is_that_of_one_device(dataset, count, step, momentum, monkeypatch):
    monkeypatch.setattr(epoch_module, "train_step", step)
    mesh = data_mesh(DEVICES[:count])
    # Rounding takes values across the kinks of ReLUs: gradients jump, and a small rate hides that.
    recipe = dataclasses.replace(DRAWING, learning_rate=0.001, momentum=momentum)
    state = create_state(recipe, jax.random.key(0))
    on_mesh = train_epoch(recipe, *replicate((state, dataset), mesh), KEY, mesh)
    alone = train_epoch(recipe, state, dataset, KEY)
    compared = [(x.params, x.batch_stats, totals) for x, totals in (on_mesh, alone)]
    assert_same(*compared, atol=1e-3)


def test_a_step_that_draws_is_that_of_one_device_to_12_digits(batch):
    state = create_state(DRAWING, jax.random.key(0))
    with jax.enable_x64(True):
        state = jax.tree.map(
            lambda x: x.astype(jnp.float64) if x.dtype == jnp.float32 else x, state
        )
        step = jax.shard_map(
            partial(train_step, DRAWING, axis_name=DATA_AXIS),
            mesh=data_mesh(DEVICES),
            in_specs=(PartitionSpec(), PartitionSpec(DATA_AXIS), PartitionSpec()),
            out_specs=PartitionSpec(),
        )
        alone = train_step(DRAWING, state, batch, KEY)
        assert_same(jax.jit(step)(state, batch, KEY), alone, rtol=1e-10, atol=1e-12)


def test_evaluation_on_a_mesh_is_that_of_one_device(network, dataset):
    mesh = data_mesh(DEVICES)
    everywhere, part = replicate((network, dataset), mesh), dataset.image[:21]
    assert_same(evaluate(*everywhere, mesh), evaluate(network, dataset))
    outputs = predict_outputs(everywhere[0], part, mesh)  # 21 images do not divide by 8
    assert outputs.sum_logits.sharding.is_fully_replicated
    assert_same(outputs, jax.tree.map(lambda x: x[:21], predict_outputs(network, dataset.image)))


def test_a_step_under_pmap_is_that_of_one_device(batch, monkeypatch):
    monkeypatch.setattr(step_module, "make_model", small_network)
    state = small_state(KEY)
    split = jax.tree.map(lambda x: x.reshape(8, 2, *x.shape[1:]), batch)
    step = partial(train_step, RECIPE, axis_name=DATA_AXIS)
    everywhere = jax.pmap(step, DATA_AXIS, in_axes=(None, 0, None))(state, split, KEY)
    alone = train_step(RECIPE, state, batch, KEY)
    for device in (0, 7):
        assert_same(jax.tree.map(lambda x, device=device: x[device], everywhere), alone)
