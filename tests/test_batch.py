"""Batches: the rows asked for, and what a recipe draws for them."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np

from mnist_sum.data import Dataset
from mnist_sum.learning.batch import (
    all_sums,
    draw_batch,
    draw_number,
    draw_seen_number,
    sums,
    take_batch,
    unseen_number,
)
from mnist_sum.recipe import Recipe

DATASET = Dataset(
    image=jnp.arange(5, dtype=jnp.uint8)[:, None, None] * jnp.ones((1, 28, 28), jnp.uint8),
    digit=jnp.arange(5),
    number=9 - jnp.arange(5),
)
KEY = jax.random.key(0)


def test_a_batch_holds_the_rows_asked_for():
    batch = take_batch(DATASET, jnp.array([3, 0, 3]))
    chex.assert_shape(batch.image, (3, 28, 28))
    assert batch.image[:, 0, 0].tolist() == [3, 0, 3]
    assert batch.digit.tolist() == [3, 0, 3]
    assert batch.number.tolist() == [6, 9, 6]


def test_sums_are_of_one_number_or_of_all():
    assert sums(np.array([1, 2]), np.array([3, 9])).tolist() == [4, 11]
    assert all_sums(np.array([9]))[0].tolist() == list(range(9, 19))


def test_numbers_are_uniform_from_0_to_9():
    count = 100_000
    numbers = jax.vmap(draw_number)(jax.random.split(KEY, count))
    frequencies = np.bincount(numbers, minlength=10) / count
    assert len(frequencies) == 10
    np.testing.assert_allclose(frequencies, 0.1, atol=5 * (0.09 / count) ** 0.5)


def test_unseen_pairs_are_ten_and_are_not_drawn():
    digits = jnp.tile(jnp.arange(10), 1000)
    numbers = jax.vmap(draw_seen_number)(jax.random.split(KEY, len(digits)), digits)
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (np.asarray(digits), np.asarray(numbers)), 1)
    unseen = np.asarray(unseen_number(jnp.arange(10)))
    assert sorted(unseen) == list(range(10))
    assert (counts[np.arange(10), unseen] == 0).all()
    counts[np.arange(10), unseen] = 111
    np.testing.assert_allclose(counts, 111, atol=60)


def test_no_sum_is_made_by_unseen_pairs_alone():
    pairs = {(digit, int(unseen_number(jnp.array(digit)))) for digit in range(10)}
    seen = {d + n for d in range(10) for n in range(10) if (d, n) not in pairs}
    assert seen == set(range(19))


def test_a_recipe_decides_which_numbers_a_batch_is_trained_with(batch):
    drawn = {
        numbers: draw_batch(Recipe(numbers=numbers), batch, KEY)
        for numbers in ("fixed", "fresh", "all")
    }
    chex.assert_trees_all_equal(drawn["fixed"], batch)
    assert (drawn["fresh"].number != batch.number).any()
    chex.assert_trees_all_equal(drawn["fresh"]._replace(number=batch.number), batch)
    other = draw_batch(Recipe(numbers="fresh"), batch, jax.random.key(1))
    assert (other.number != drawn["fresh"].number).any()
    assert drawn["all"].number.tolist() == [list(range(10))] * len(batch.digit)
    unseen = draw_batch(Recipe(numbers="fresh", unseen_pairs=True), batch, KEY)
    assert (unseen.number != unseen_number(unseen.digit)).all()


def test_devices_do_not_change_what_is_drawn(batch):
    recipe = Recipe(numbers="fresh", shift=2.0, rotation=5.0)
    parts = jax.tree.map(lambda x: x.reshape(8, -1, *x.shape[1:]), batch)
    draw = partial(jax.jit(draw_batch, static_argnums=(0, 3)), recipe)
    drawn = jax.vmap(lambda part: draw(part, KEY, "data"), axis_name="data")(parts)
    drawn = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), drawn)
    alone = draw(batch, KEY)
    assert (alone.image != batch.image).any()
    chex.assert_trees_all_close(drawn, alone, rtol=1e-5, atol=1e-3)
