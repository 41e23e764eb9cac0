"""Training and evaluation give the numbers that the original gave; tests/golden/make.py says which.

These need no PyTorch; test_torch_parity.py compares more where it is installed. Tolerances leave
room for rounding that takes a value across the kink of a ReLU, which differs between processors.
"""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist_sum.data import load
from mnist_sum.files.torch import from_torch, to_torch
from mnist_sum.learning.batch import take_batch
from mnist_sum.learning.evaluate import predict_outputs
from mnist_sum.learning.loss import averages
from mnist_sum.learning.network import Network
from mnist_sum.learning.state import TrainState, optimizer
from mnist_sum.learning.step import train_step
from mnist_sum.recipe import Recipe

GOLDEN_FILE = Path(__file__).with_name("golden") / "torch.npz"
RECIPE = Recipe(dropout_rate=0.0, learning_rate=1e-3, batch_size=64)
MAY_CHANGE = (
    "These numbers are the original's: make them anew (python tests/golden/make.py) only if "
    "the reference in PyTorch was wrong or the sample has changed, never to fit mnist_sum."
)


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN_FILE) as file:
        return dict(file)


@pytest.fixture(scope="module")
def run(golden):
    return train(RECIPE, start_from(group(golden, "weights"), RECIPE), len(golden["losses"]))


def train(recipe, state, steps):
    """Take steps, each on the next 64 images: the states before and after each, and the losses."""
    states, losses = [state], []
    for rows in np.arange(steps * recipe.batch_size).reshape(steps, -1):
        batch = take_batch(load("sample").train, rows)
        state, totals = train_step(recipe, state, batch, jax.random.key(0))
        states.append(state)
        losses.append((averages(totals)["digit_loss"], averages(totals)["sum_loss"]))
    return states, np.array(losses)


def group(golden, name):
    return {k.removeprefix(f"{name}/"): v for k, v in golden.items() if k.startswith(f"{name}/")}


def start_from(weights, recipe, total_steps=0):
    variables, step = from_torch(weights)
    opt_state = optimizer(recipe).init(variables["params"])
    step = 0 if total_steps else step  # a schedule begins anew
    return TrainState(jnp.asarray(step), jnp.asarray(total_steps), opt_state=opt_state, **variables)


def state_dict(state):
    return to_torch(state.variables, state.step)


def assert_close(ours, golden, rtol=0.0, atol=0.0):
    np.testing.assert_allclose(ours, golden, rtol, atol, err_msg=MAY_CHANGE)


@pytest.mark.parametrize(
    ("name", "step", "atol"), [("outputs", 0, 1e-5), ("final_outputs", -1, 5e-3)]
)
def test_evaluation(golden, run, name, step, atol):
    expected = group(golden, name)
    count = len(expected["sum_logits"])
    image, _, number = (column[:count] for column in load("sample").test)
    outputs = predict_outputs(Network(RECIPE, run[0][step].variables), jnp.asarray(image))
    assert_close(outputs.digit_log_probabilities, expected["digit_log_probabilities"], atol=atol)
    assert_close(outputs.sum_logits[np.arange(count), number], expected["sum_logits"], atol=atol)


def test_losses_gradients_and_running_statistics(golden, run):
    assert_close(run[1][0], golden["losses"][0], atol=1e-5)
    assert_close(run[1], golden["losses"], atol=1e-4)
    first = run[0][1]
    gradients = optax.tree_utils.tree_get(first.opt_state, "trace")  # momentum starts from zero
    ours = to_torch({"params": gradients, "batch_stats": first.batch_stats}, 0)
    norms = [np.linalg.norm(ours[name]) for name in golden["names"]]
    assert_close(norms, golden["gradient_norms"], rtol=1e-3, atol=1e-6)
    ours = state_dict(first)
    for name, values in group(golden, "statistics").items():
        assert_close(ours[name], values, rtol=1e-5, atol=1e-6)


def test_the_recipe_of_fast_does_what_its_words_say(golden):
    fields = {"numbers": "all", "nesterov": True, "weight_decay": 5e-4, "schedule": "one_cycle"}
    recipe = dataclasses.replace(RECIPE, learning_rate=7e-3, warmup=0.15, **fields)
    start = start_from(group(golden, "weights"), recipe, total_steps=10)
    states, losses = train(recipe, start, len(golden["fast_losses"]))
    assert_close(losses, golden["fast_losses"], atol=1e-4)
    assert_close(update_norms(golden, states), golden["fast_update_norms"], rtol=1e-3, atol=1e-6)


def test_parameters_after_all_steps(golden, run):
    assert_close(update_norms(golden, run[0]), golden["update_norms"], rtol=1e-2, atol=1e-6)


def update_norms(golden, states):
    before, after = state_dict(states[0]), state_dict(states[-1])
    return [np.linalg.norm(after[name] - before[name]) for name in golden["names"]]
