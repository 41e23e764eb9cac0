"""Prediction: the most likely digit and sum."""

from functools import partial

import chex
import jax
import jax.numpy as jnp

from mnist_sum.evaluate import predict_outputs
from mnist_sum.network import Network
from mnist_sum.predict import predict
from mnist_sum.state import create_state
from tests.tiny import RECIPE


def test_predictions_are_the_most_likely_digit_and_sum(batch):
    network = Network(RECIPE, create_state(RECIPE, jax.random.key(0)).variables)
    prediction = predict(network, batch.image, batch.number)
    chex.assert_shape(prediction, (len(batch.digit),))
    outputs = predict_outputs(network, batch.image)
    assert (prediction.digit == jnp.argmax(outputs.digit_log_probabilities, 1)).all()
    sums = jnp.argmax(outputs.sum_logits, 2)
    assert (prediction.sum == sums[jnp.arange(len(sums)), batch.number]).all()


def test_a_user_may_call_it_while_tracing(batch):
    state = jax.eval_shape(partial(create_state, RECIPE), jax.random.key(0))
    prediction = jax.eval_shape(
        predict, Network(RECIPE, state.variables), batch.image, batch.number
    )
    assert prediction.digit.shape == prediction.sum.shape == batch.digit.shape
