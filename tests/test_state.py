"""The state: what it starts from."""

import chex
import jax

from mnist_sum.state import create_state
from tests.tiny import CONFIG


def test_it_starts_from_step_zero_without_momentum():
    state = create_state(CONFIG, jax.random.key(0))
    assert state.step == 0
    assert state.config == CONFIG
    assert all((x == 0).all() for x in jax.tree.leaves(state.opt_state))
    assert sum(x.size for x in jax.tree.leaves(state.opt_state)) == 21_843


def test_its_weights_are_those_of_the_key():
    one, same, other = (create_state(CONFIG, jax.random.key(seed)) for seed in (0, 0, 1))
    chex.assert_trees_all_equal(one, same)
    for a, b in zip(
        jax.tree.leaves(one.params["encoder"]["conv8"]),
        jax.tree.leaves(other.params["encoder"]["conv8"]),
        strict=True,
    ):
        assert (a != b).all()
