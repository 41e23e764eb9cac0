"""Batches: the rows asked for, and numbers that are uniform and the key's own."""

import chex
import jax
import jax.numpy as jnp
import numpy as np

from mnist_sum.data import Dataset
from mnist_sum.learning.batch import (
    draw_batch,
    draw_number,
    draw_seen_number,
    take_batch,
    unseen_number,
)
from mnist_sum.recipe import Recipe

DATASET = Dataset(
    image=jnp.arange(5, dtype=jnp.uint8)[:, None, None] * jnp.ones((1, 28, 28), jnp.uint8),
    digit=jnp.arange(5),
    number=9 - jnp.arange(5),
)


def test_a_batch_holds_the_rows_asked_for():
    batch = take_batch(DATASET, jnp.array([3, 0, 3]))
    chex.assert_shape(batch.image, (3, 28, 28))
    assert batch.image[:, 0, 0].tolist() == [3, 0, 3]
    assert batch.digit.tolist() == [3, 0, 3]
    assert batch.number.tolist() == [6, 9, 6]


def test_numbers_are_uniform_from_0_to_9():
    count = 100_000
    numbers = jax.vmap(draw_number)(jax.random.split(jax.random.key(0), count))
    chex.assert_shape(numbers, (count,))
    frequencies = np.bincount(numbers, minlength=10) / count
    assert len(frequencies) == 10
    np.testing.assert_allclose(frequencies, 0.1, atol=5 * (0.09 / count) ** 0.5)


def test_numbers_are_those_of_their_key():
    keys = (jax.random.split(jax.random.key(seed), 50) for seed in (1, 1, 2))
    first, same, other = map(jax.vmap(draw_number), keys)
    assert (first == same).all()
    assert (first != other).any()


def test_numbers_of_a_batch_are_the_datasets_or_fresh():
    rows = jnp.arange(40) % 5
    fixed, fresh, other = (
        draw_batch(Recipe(numbers=numbers), DATASET, rows, jax.random.key(seed))
        for numbers, seed in (("fixed", 0), ("fresh", 0), ("fresh", 1))
    )
    assert (fixed.number == DATASET.number[rows]).all()
    assert (fresh.number != fixed.number).any()
    assert (fresh.number != other.number).any()
    chex.assert_trees_all_equal(fresh._replace(number=fixed.number), fixed)


def test_unseen_pairs_are_ten_and_are_not_drawn():
    digits = jnp.tile(jnp.arange(10), 1000)
    keys = jax.random.split(jax.random.key(0), len(digits))
    numbers = jax.vmap(draw_seen_number)(keys, digits)
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


def test_a_recipe_decides_what_is_left_to_chance(dataset):
    rows = jnp.arange(20)
    key = jax.random.key(0)
    plain = draw_batch(Recipe(), dataset, rows, key)
    chex.assert_trees_all_equal(plain, take_batch(dataset, rows))
    moved = draw_batch(Recipe(shift=2.0), dataset, rows, key)
    assert (moved.image != plain.image).any()
    chex.assert_trees_all_equal(moved.number, plain.number)
    unseen = draw_batch(Recipe(numbers="fresh", unseen_pairs=True), dataset, rows, key)
    assert (unseen.number != unseen_number(unseen.digit)).all()


def test_what_is_drawn_for_an_image_depends_on_its_row_and_not_on_its_batch(dataset):
    recipe = Recipe(numbers="fresh", shift=2.0, rotation=5.0, elastic=1.0, erase=4)
    key = jax.random.key(0)
    whole = draw_batch(recipe, dataset, jnp.arange(20), key)
    part = draw_batch(recipe, dataset, jnp.arange(10, 20), key)
    chex.assert_trees_all_close(jax.tree.map(lambda x: x[10:], whole), part, rtol=1e-5, atol=1e-3)
    turned = draw_batch(recipe, dataset, jnp.arange(20)[::-1], key)
    chex.assert_trees_all_close(
        jax.tree.map(lambda x: x[::-1], whole), turned, rtol=1e-5, atol=1e-3
    )
