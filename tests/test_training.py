"""The training of a seed: in which parts, and where it stops; test_resume.py has the rest."""

import dataclasses
import re
from concurrent.futures import wait
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import MagicMock

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.configs import Config
from experiments.system.workdir import Run
from experiments.training import epochs
from experiments.training.epochs import check_finite, check_same, run_facts
from mnist_sum.data import Dataset, Splits
from mnist_sum.errors import UsageError
from mnist_sum.files.checkpoint import Checkpoint
from mnist_sum.learning.epoch import Tally
from mnist_sum.learning.evaluate import evaluate
from mnist_sum.learning.loss import Total, add_totals, averages, is_finite, zero_totals
from mnist_sum.learning.network import Network, renew_statistics
from mnist_sum.learning.sharding import data_mesh, replicate
from mnist_sum.learning.state import create_state
from tests.tiny import RECIPE


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["digit_loss", "sum_loss"])
def test_the_first_step_whose_loss_is_not_finite_is_found(name, wrong):
    tally = Tally(zero_totals(), jnp.zeros((), jnp.int32))
    for value in (1.0, 2.0, wrong, 3.0, wrong):
        step = zero_totals() | {name: Total(jnp.array(value), jnp.array(1))}
        totals = add_totals(tally.totals, step)
        tally = Tally(totals, tally.finite_steps + is_finite(totals))
    check_finite(int(tally.finite_steps), epoch=7, steps=2)
    with pytest.raises(UsageError, match="no longer finite after step 3 of epoch 7"):
        check_finite(int(tally.finite_steps), epoch=7, steps=5)


DATA = Dataset(np.zeros((4, 28, 28), np.uint8), np.zeros(4, np.int32), np.zeros(4, np.int32))
SPLITS = Splits(DATA, DATA)
RUN = Run("base", Config(RECIPE), Path("run"), jax.devices(), SPLITS)


def saved_run(**changes):
    """Give a checkpoint of that run, with some of its facts changed."""
    facts = {k: v for k, v in (run_facts(RUN) | changes).items() if v != "missing"}
    return Checkpoint(RECIPE, None, [{"epoch": 1}], facts)


X64 = {"jax_enable_x64": True}
ONE_CYCLE = dataclasses.replace(RECIPE, schedule="one_cycle")
OTHERS = [
    ({}, {}, ""),
    ({"held_out": "missing"}, {}, ""),  # has its default
    ({"held_out": 3}, {}, "The run in run has another config: held_out was 3 and is 0."),
    ({"mixup": 0.5}, {}, "The run in run has another config: mixup was 0.5 and is 'unknown'."),
    ({"settings": "missing"}, {}, ""),
    ({"settings": {"jax_of_tomorrow": 1}}, {}, ""),
    ({"settings": X64}, {}, "has other settings of JAX: jax_enable_x64 was True and is False."),
    ({}, {"recipe": ONE_CYCLE}, "schedule was 'constant' and is 'one_cycle'."),
    ({"epochs": 5}, {}, ""),  # and 25 now
    ({"epochs": 26}, {}, "has another config: epochs was 26 and is 25."),
    ({"epochs": 5, "renew_statistics": True}, {"renew_statistics": True}, "and renew_statistics"),
]


@pytest.mark.parametrize(("changes", "config", "sentence"), OTHERS)
def test_a_run_goes_on_only_as_it_began(changes, config, sentence):
    run = RUN._replace(config=dataclasses.replace(RUN.config, **config))
    with pytest.raises(UsageError) if sentence else nullcontext() as error:
        check_same(saved_run(**changes), run)
    assert not sentence or sentence in str(error.value)


def test_one_cycle_does_not_go_on_for_more_epochs():
    run = RUN._replace(config=Config(ONE_CYCLE))
    saved = saved_run(epochs=5)._replace(recipe=ONE_CYCLE)
    with pytest.raises(UsageError, match=r"epochs was 5 and is 25, and one_cycle spreads"):
        check_same(saved, run)


def test_no_two_epochs_share_a_key(monkeypatch):
    begin = MagicMock(side_effect=InterruptedError)  # in the place of an epoch
    monkeypatch.setattr(epochs, "begin_epoch", begin)
    for epoch in range(1, 6):
        with pytest.raises(InterruptedError):
            epochs.run_epoch(None, RUN, epoch, None)
    keys = [jax.random.key_data(call.args[0]).tolist() for call in begin.call_args_list]
    assert len(set(map(tuple, keys))) == 5


@pytest.fixture
def trained(dataset):
    """Make a function that trains an epoch of two on one device; it compiles ahead before."""
    mesh = data_mesh(jax.devices()[:1])
    splits = replicate(Splits(dataset, dataset), mesh)
    start = replicate(create_state(RECIPE, jax.random.key(0)), mesh)

    def train(epoch, renew):
        config = Config(RECIPE, epochs=2, renew_statistics=renew)
        run = RUN._replace(config=config, splits=splits, devices=jax.devices()[:1])
        compiled = epochs.compile_ahead(start, run)
        wait([compiled])
        with jax.log_compiles():
            return epochs.run_epoch(jax.tree.map(jnp.copy, start), run, epoch, compiled)

    return train


def test_nothing_is_compiled_twice_and_what_fails_beside_the_first_steps_is_raised(
    trained, caplog, monkeypatch
):
    trained(2, renew=True)
    with jax.log_compiles():
        jax.jit(lambda: 0)()
    *compiled, last = re.findall(r"Compiling jit\((.+?)\)", caplog.text)
    assert last == "<lambda>"  # it is listened to
    assert not {"take_steps", "evaluate_unchecked", "renew_unchecked"} & set(compiled)
    fails = MagicMock(side_effect=RuntimeError("no memory"))
    monkeypatch.setattr(epochs, "evaluate_unchecked", MagicMock(lower=fails))
    with pytest.raises(RuntimeError, match="no memory"):
        trained(1, renew=False)


def test_statistics_are_taken_anew_after_the_last_epoch_alone(trained, dataset):
    chex.assert_trees_all_equal(trained(1, renew=True)[0], trained(1, renew=False)[0])
    (renewed, record), (kept, other) = trained(2, renew=True), trained(2, renew=False)
    chex.assert_trees_all_equal(renewed.params, kept.params)
    expected = renew_statistics(Network(RECIPE, kept.variables), dataset)
    chex.assert_trees_all_close(renewed.variables, expected.variables, rtol=1e-5)
    assert record["train"] == other["train"]
    means = averages(evaluate(expected, dataset))
    assert record["test"] == pytest.approx(means, rel=1e-4)
    assert record["test"] != pytest.approx(other["test"], rel=1e-2)
