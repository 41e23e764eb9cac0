"""Prediction: the most likely digit and sum, and how likely they are."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_sum.errors import InputError
from mnist_sum.learning.evaluate import predict_outputs
from mnist_sum.learning.network import Network
from mnist_sum.learning.predict import predict, predict_probabilities
from mnist_sum.learning.state import create_state
from tests.tiny import RECIPE


def test_predictions_are_the_most_likely_digit_and_sum_with_their_probabilities(network, batch):
    prediction = predict(network, batch.image, batch.number)
    chex.assert_shape(prediction, (16,))
    rows, outputs = np.arange(16), predict_outputs(network, batch.image)
    assert (prediction.digit == jnp.argmax(outputs.digit_log_probabilities, 1)).all()
    assert (prediction.sum == jnp.argmax(outputs.sum_logits, 2)[rows, batch.number]).all()
    digit, sum_ = predict_probabilities(network, batch.image, batch.number)
    expected = jnp.exp(outputs.digit_log_probabilities)
    expected_sum = jax.nn.softmax(outputs.sum_logits[rows, batch.number])
    chex.assert_trees_all_close((digit, sum_), (expected, expected_sum), atol=1e-5)
    chex.assert_trees_all_equal(prediction.digit_probability, digit[rows, prediction.digit])
    chex.assert_trees_all_equal(prediction.sum_probability, sum_[rows, prediction.sum])


@pytest.mark.parametrize("number", [7, np.int8(7), np.array(7), [7] * 16, jnp.full(16, 7)])
def test_one_number_is_for_all_images(network, batch, number):
    expected = predict(network, batch.image, np.full(16, 7))
    chex.assert_trees_all_equal(predict(network, batch.image, number), expected)


def test_one_image_has_an_answer_without_a_batch_axis(network, batch):
    one = predict(network, batch.image[3], 5)
    chex.assert_shape(one, ())
    assert int(one.digit) == int(predict(network, batch.image, 5).digit[3])
    chex.assert_shape(predict_probabilities(network, batch.image[3], 5), [(10,), (19,)])


def test_images_may_be_lists(network, batch):
    expected = predict(network, batch.image, 7)
    chex.assert_trees_all_equal(predict(network, list(np.asarray(batch.image)), 7), expected)
    numbers = np.asarray(batch.image).tolist()
    chex.assert_trees_all_equal(predict(network, numbers, 7).digit, expected.digit)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda x: 255 - x, r"image\[0\] is dark on light, expected .*: give 255 - image\."),
        (lambda x: x.at[2].set(0), r"image\[2\] is blank, expected a light digit on dark ground"),
        (lambda x: 255 - x[1], "image is dark on light"),
    ],
)
def test_inverted_and_blank_images_are_refused(network, batch, change, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        predict(network, change(batch.image), 0)


def test_a_user_may_call_it_while_tracing(batch):
    state = jax.eval_shape(partial(create_state, RECIPE), jax.random.key(0))
    prediction = jax.eval_shape(
        predict, Network(RECIPE, state.variables), batch.image, batch.number
    )
    assert prediction.digit.shape == prediction.sum.shape == batch.digit.shape
