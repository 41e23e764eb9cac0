"""A teacher: what it makes of the images that a student sees, and how it is matched."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_sum.batch import draw_batch, take_batch
from mnist_sum.check import InputError
from mnist_sum.loss import divergence, matching_loss
from mnist_sum.model import Outputs, make_model
from mnist_sum.network import Network
from mnist_sum.recipe import Recipe
from mnist_sum.sharding import data_mesh, replicate
from mnist_sum.state import create_state
from mnist_sum.teacher import teach, teacher_logits
from mnist_sum.train import begin_epoch, train_step, train_steps, zero_tally
from tests.tiny import EXAMPLES, RECIPE

DISTORTED = dataclasses.replace(RECIPE, shift=2.0)
STUDENT = dataclasses.replace(RECIPE, temperature=2.0, numbers="all", adder="exact")
KEY = jax.random.key(3)


@pytest.fixture(scope="module")
def teacher():
    recipe = Recipe(width=2, adder="exact")
    return Network(recipe, create_state(recipe, jax.random.key(1)).variables)


@pytest.fixture(scope="module")
def state():
    return create_state(STUDENT, jax.random.key(2))


def test_a_teacher_twice_as_wide_has_four_times_the_parameters_within(teacher):
    kernels = teacher.variables["params"]["encoder"]
    assert kernels["block1"]["conv"]["kernel"].shape == (3, 3, 1, 20)
    assert kernels["block3"]["conv"]["kernel"].shape == (3, 3, 20, 30)
    assert kernels["conv8"]["kernel"].shape == (5, 5, 20, 10)


def test_divergence_is_that_of_the_probabilities_at_a_temperature_times_its_square():
    fair, unfair = jnp.zeros((1, 2)), jnp.array([[0.0, np.log(3)]])
    # 1/4 ln(1/4 / 1/2) + 3/4 ln(3/4 / 1/2)
    np.testing.assert_allclose(divergence(unfair, fair, 1.0), [0.130812], rtol=1e-5)
    np.testing.assert_allclose(divergence(2 * unfair, fair, 2.0), [0.523248], rtol=1e-5)
    np.testing.assert_allclose(divergence(unfair, unfair, 4.0), [0.0], atol=1e-7)


def test_both_outputs_are_matched_each_with_its_weight():
    def outputs(digit, sum_):
        return Outputs(
            jnp.zeros((1, 10)).at[0, 0].set(digit), jnp.zeros((1, 19)).at[0, 0].set(sum_)
        )

    def loss(teacher, **weights):
        return float(matching_loss(outputs(0, 0), teacher, Recipe(temperature=1.0, **weights)))

    both, digit, sum_ = outputs(2.0, 3.0), outputs(2.0, 0.0), outputs(0.0, 3.0)
    assert loss(both) == pytest.approx(loss(digit) + loss(sum_), rel=1e-5)
    assert loss(both, sum_weight=0.0) == pytest.approx(loss(digit), rel=1e-5)
    assert loss(both, digit_weight=0.5, sum_weight=2.0) == pytest.approx(
        0.5 * loss(digit) + 2 * loss(sum_), rel=1e-5
    )


def test_a_teacher_adds_without_error():
    logits = 9.0 * jnp.eye(10, dtype=jnp.float16)[jnp.array([7, 0])]
    digit, sums = teach(RECIPE, logits, jnp.array([5, 9]))
    chex.assert_trees_all_equal(digit, logits.astype(jnp.float32))
    assert sums.argmax(-1).tolist() == [12, 9]
    probabilities = jax.nn.softmax(sums)
    np.testing.assert_allclose(probabilities[0, 5:15], jax.nn.softmax(digit)[0], rtol=1e-6)
    assert probabilities[0, :5].sum() == probabilities[0, 15:].sum() == 0.0
    _, every = teach(STUDENT, logits, jnp.array([5, 9]))
    assert every.argmax(-1).tolist() == [list(range(7, 17)), list(range(10))]


def test_it_reads_the_very_images_of_a_step(teacher, dataset):
    logits = teacher_logits(teacher, DISTORTED, dataset, KEY)
    chex.assert_shape(logits, (EXAMPLES, 10))
    assert logits.dtype == jnp.float16
    rows = jnp.array([40, 3, 17])
    batch = draw_batch(DISTORTED, dataset, rows, KEY)
    assert (batch.image != take_batch(dataset, rows).image).any()
    outputs = teacher.model.apply(teacher.variables, batch.image, batch.number, train=False)
    chex.assert_trees_all_close(
        logits[rows].astype(jnp.float32), outputs.digit_log_probabilities, rtol=1e-2, atol=1e-2
    )
    other = teacher_logits(teacher, DISTORTED, dataset, jax.random.key(4))
    assert (jnp.abs(other - logits) > 0.1).any()


def test_many_devices_read_what_one_reads(teacher, dataset):
    mesh = data_mesh(jax.devices())
    part = jax.tree.map(lambda x: x[:45], dataset)  # which does not divide by eight
    together = teacher_logits(
        *replicate((teacher,), mesh), DISTORTED, replicate(part, mesh), KEY, mesh
    )
    alone = teacher_logits(teacher, DISTORTED, part, KEY)
    assert together.sharding.is_fully_replicated
    chex.assert_trees_all_close(jax.device_get(together), jax.device_get(alone), atol=1e-2)


def test_who_is_like_the_teacher_has_nothing_to_learn(state, batch):
    outputs, _ = make_model(STUDENT).apply(
        state.variables, batch.image, batch.number, train=True, mutable="batch_stats"
    )
    logits = outputs.digit_log_probabilities
    after, totals = train_step(STUDENT, state, batch, KEY, None, logits)
    chex.assert_trees_all_close(after.params, state.params, atol=1e-6)
    assert totals.digit_loss > 1.0  # which is by the labels
    other = train_step(STUDENT, state, batch, KEY, None, 5 * jax.nn.one_hot(batch.digit, 10))[0]
    moved = jax.tree.map(lambda x, y: jnp.abs(x - y).max(), other.params, state.params)
    assert max(jax.tree.leaves(moved)) > 1e-3


def test_an_epoch_gives_each_image_the_logits_of_its_row(state, dataset):
    logits = jax.random.normal(KEY, (EXAMPLES, 10))
    epoch = begin_epoch(jax.random.key(5), EXAMPLES)._replace(teacher_logits=logits)
    expected = state
    for step in range(3):
        rows = epoch.order[16 * step : 16 * step + 16]
        batch = draw_batch(STUDENT, dataset, rows, epoch.example_key)
        expected, _ = train_step(STUDENT, expected, batch, KEY, None, logits[rows])
    copy = jax.tree.map(jnp.copy, state)
    whole, _ = train_steps(STUDENT, copy, zero_tally(), dataset, epoch, (0, 3))
    chex.assert_trees_all_close(whole.params, expected.params, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("recipe", "logits", "message"),
    [
        (STUDENT, None, r"teacher_logits is of type NoneType, expected .* \[16, 10\]"),
        (STUDENT, jnp.zeros((15, 10)), r"teacher_logits is float32\[15, 10\], expected"),
        (RECIPE, jnp.zeros((16, 10)), r"expected none for a temperature of 0"),
    ],
)  # fmt: skip
def test_a_teacher_and_a_temperature_come_together(state, batch, recipe, logits, message):
    with pytest.raises(InputError, match=message):
        train_step.__wrapped__(recipe, state, batch, KEY, None, logits)
