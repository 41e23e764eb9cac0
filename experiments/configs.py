"""The named configs: each a function that returns a variant of `base`."""

import dataclasses

from mnist_sum.config import Config, ConfigError


def base() -> Config:
    """Follow the original's recipe on full MNIST: SGD with momentum, 25 epochs, numbers drawn once.

    python -m experiments.run --config base
    """
    return Config()


def sample() -> Config:
    """Train on the embedded 5,000 images, offline: a result in well under a minute on 2 CPU cores.

    python -m experiments.run --config sample
    """
    return dataclasses.replace(
        base(),
        dataset="sample",
        batch_size=100,  # a divisor of 4,000: no shorter batch to compile a second step for
        epochs=12,
        learning_rate=0.1,
        schedule="one_cycle",
        nesterov=True,
        weight_decay=5e-4,
        numbers="fresh",
    )


def smoke() -> Config:
    """Take a few steps on a few images, to see that everything works: seconds.

    python -m experiments.run --config smoke
    """
    return dataclasses.replace(sample(), epochs=2, train_examples=500)


def fast() -> Config:
    """Reach the original's accuracy in 3 epochs instead of 25, a minute or two on one CPU core.

    python -m experiments.run --config fast
    """
    return dataclasses.replace(
        base(),
        epochs=3,
        batch_size=64,
        learning_rate=0.07,
        schedule="one_cycle",
        warmup=0.15,
        nesterov=True,
        weight_decay=5e-4,
        dropout_rate=0.0,
        numbers="all",
        shift=1.0,
        rotation=4.0,
        scale=0.04,
        shear=0.04,
    )


def best() -> Config:
    """Train longer on images distorted more, for the accuracy that the network can reach.

    python -m experiments.run --config best
    """
    return dataclasses.replace(
        fast(),
        epochs=60,
        weight_decay=1e-3,
        shift=1.2,
        rotation=8.0,
        scale=0.08,
        shear=0.08,
    )


def fixed_numbers() -> Config:
    """Pair each image with one number, always the same, as the original does; else as `fast`.

    python -m experiments.run --config fixed_numbers
    """
    return dataclasses.replace(fast(), numbers="fixed")


def fresh_numbers() -> Config:
    """Pair each image with a number drawn for every batch; else as `fast`.

    python -m experiments.run --config fresh_numbers
    """
    return dataclasses.replace(fast(), numbers="fresh")


def exact_adder() -> Config:
    """Add without parameters, the upper bound of what an adder can learn; else as `fast`.

    python -m experiments.run --config exact_adder
    """
    return dataclasses.replace(fast(), adder="exact")


def sum_alone() -> Config:
    """Learn from the sum's label alone, with no digit's; else as `fresh_numbers`.

    python -m experiments.run --config sum_alone
    """
    return dataclasses.replace(fresh_numbers(), digit_weight=0.0)


def sum_alone_exact() -> Config:
    """Learn from the sum's label alone, through an adder that knows how to add.

    python -m experiments.run --config sum_alone_exact
    """
    return dataclasses.replace(sum_alone(), adder="exact")


def unseen_pairs() -> Config:
    """Keep ten pairs of digit and number out of training; else as `fresh_numbers`.

    python -m experiments.run --config unseen_pairs
    """
    return dataclasses.replace(fresh_numbers(), unseen_pairs=True)


def unseen_pairs_exact() -> Config:
    """Keep ten pairs out of training, with an adder that knows how to add.

    python -m experiments.run --config unseen_pairs_exact
    """
    return dataclasses.replace(unseen_pairs(), adder="exact")


STUDIES = (
    fixed_numbers,
    fresh_numbers,
    exact_adder,
    sum_alone,
    sum_alone_exact,
    unseen_pairs,
    unseen_pairs_exact,
)
CONFIGS = {make.__name__: make for make in (base, sample, smoke, fast, best, *STUDIES)}


def named_config(name: str) -> Config:
    """Look a config up by its name; raises ConfigError for one that does not exist."""
    if name not in CONFIGS:
        raise ConfigError(f"There is no config {name!r}; choose one of {', '.join(CONFIGS)}.")
    return CONFIGS[name]()
