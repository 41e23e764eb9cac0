"""The plain network and ours are the same: outputs, gradients, running statistics, in float64."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.traverse_util import flatten_dict, unflatten_dict

from mnist_sum.data import load
from mnist_sum.files.torch import from_torch
from mnist_sum.learning.model import MnistSum
from tests.plain_model import PlainMnistSum
from tests.test_golden import GOLDEN_FILE, group

BATCH = 16
PLAIN = {  # ours: the name that Flax gives, in the order of the calls
    **{f"encoder/block{i}/conv": f"Conv_{i - 1}" for i in range(1, 8)},
    **{f"encoder/block{i}/norm": f"BatchNorm_{i - 1}" for i in range(1, 8)},
    "encoder/conv8": "Conv_7",
    **{f"adder/block{i}/dense": f"Dense_{i - 1}" for i in range(1, 4)},
    **{f"adder/block{i}/norm": f"BatchNorm_{i + 6}" for i in range(1, 4)},
    "adder/dense4": "Dense_3",
}
VALUES = {  # how many values of a feature a batch norm sees
    **{f"BatchNorm_{i}": BATCH * side**2 for i, side in enumerate((26, 24, 22, 11, 9, 7, 5))},
    **{f"BatchNorm_{i}": BATCH for i in range(7, 10)},
}
LAYERS = {"Conv", "BatchNorm", "Dropout", "Dense"}


def to_plain(tree):
    """Give arrays the plain network's names; their layouts are the same."""
    return unflatten_dict(
        {(PLAIN["/".join(path)], array): x for (*path, array), x in flatten_dict(tree).items()}
    )


def compute(model, variables):
    """Evaluate and train on a batch: both outputs, gradients and new running statistics."""
    image, digit, number = (jnp.asarray(x[:BATCH]) for x in load("sample").train)
    inputs = image, number

    @jax.jit
    def evaluate_and_train(params, batch_stats):
        def loss(params):
            weights = {"params": params, "batch_stats": batch_stats}
            outputs, updates = model.apply(weights, *inputs, train=True, mutable="batch_stats")
            labels = digit, digit + number
            losses = map(optax.softmax_cross_entropy_with_integer_labels, outputs, labels)
            return sum(x.mean() for x in losses), (outputs, updates["batch_stats"])

        gradients, (outputs, stats) = jax.grad(loss, has_aux=True)(params)
        evaluated = model.apply(
            {"params": params, "batch_stats": batch_stats}, *inputs, train=False
        )
        return (evaluated, outputs), gradients, stats

    with jax.enable_x64(True):
        return jax.device_get(evaluate_and_train(**variables))


def assert_same(ours, plain):
    assert jax.tree.structure(ours) == jax.tree.structure(plain)
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(plain), strict=True):
        assert one.dtype == other.dtype == np.float64
        assert np.linalg.norm(one - other) <= 1e-9 * max(np.linalg.norm(other), 1e-3)


def test_outputs_and_gradients_are_the_same_and_statistics_but_for_the_unbiased_variance():
    with np.load(GOLDEN_FILE) as golden:  # weights of which none is at its default
        variables, _ = from_torch(group(golden, "weights"))
    variables = jax.tree.map(np.float64, variables)
    outputs, *trees = compute(MnistSum(dropout_rate=0.0), variables)
    gradients, ours = map(to_plain, trees)
    converted = {collection: to_plain(tree) for collection, tree in variables.items()}
    expected, plain_gradients, plain = compute(PlainMnistSum(dropout_rate=0.0), converted)
    assert_same(outputs, expected)  # in evaluation and in training
    assert_same(gradients, plain_gradients)
    start = converted["batch_stats"]
    for name, count in VALUES.items():
        biased = (plain[name]["var"] - 0.9 * start[name]["var"]) / 0.1
        plain[name]["var"] = 0.9 * start[name]["var"] + 0.1 * biased * count / (count - 1)
    assert_same(ours, plain)


def test_layers_follow_each_other_alike():
    """Dropout draws other bits in both, so that its place is compared and not its outcome."""
    ours, plain = (calls(model(dropout_rate=0.01)) for model in (MnistSum, PlainMnistSum))
    assert ours == plain
    assert ours.count("Dropout") == 9


def calls(model):
    """List the kinds of the layers in the order of their calls."""
    kinds = []

    def record(call, args, kwargs, context):
        module, kind = context.module, type(context.module).__name__
        if context.method_name == "__call__" and kind in LAYERS and getattr(module, "rate", 1):
            kinds.append(kind)
        return call(*args, **kwargs)

    inputs = jnp.zeros((1, 28, 28)), jnp.zeros(1, int)
    with nn.intercept_methods(record):
        jax.eval_shape(partial(model.init, train=False), jax.random.key(0), *inputs)
    return kinds
