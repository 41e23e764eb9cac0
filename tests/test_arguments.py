"""Command lines: what they mean; test_bad_input.py has those that mean nothing."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from experiments.configs import Config, base, fields_of, sample, vary
from experiments.run import RunOptions
from experiments.summarize import SummarizeOptions
from experiments.system.arguments import ConfigOptions, parse, resume_command
from mnist_sum.errors import DataError, RecipeError
from tests.hostile_input import FIELDS, attempt, hostile


@pytest.mark.parametrize(
    ("argv", "name", "config"),
    [
        ([], "base", base()),
        (["--config", "sample"], "sample", sample()),
        (["--config=sample", "--config", "base", "--seed=3"], "base", Config(seed=3)),
    ],
)
def test_a_config_is_chosen_by_name(argv, name, config):
    assert parse(ConfigOptions, "run", argv) == ConfigOptions(name=name, config=config)


def test_the_home_folder_of_every_path_is_found(monkeypatch):
    home = Path("/home/somebody")
    monkeypatch.setenv("HOME", str(home))
    line = "--workdir=~/run --data-dir ~ --manual-dir c:/kept"
    options = parse(RunOptions, "run", line.split())
    assert (options.workdir, options.data.data_dir) == (home / "run", home)
    assert options.data.manual_dir == Path("c:/kept")
    line = "~/1 2 --output ~/out"
    options = parse(SummarizeOptions, "summarize", line.split())
    assert options == SummarizeOptions((home / "1", Path("2")), home / "out")


def test_every_field_can_be_overridden():
    other = {
        "dataset": "sample", "train_examples": 100, "held_out": 10, "numbers": "fresh",
        "unseen_pairs": True, "adder": "exact", "seed": 7, "epochs": 3, "batch_size": 64,
        "learning_rate": 0.5, "schedule": "one_cycle", "warmup": 0.2, "momentum": 0.8,
        "nesterov": True, "weight_decay": 0.1, "dropout_rate": 0.2, "digit_weight": 2.0,
        "sum_weight": 3.0, "shift": 1.5, "rotation": 9.0, "scale": 0.1, "shear": 0.3,
        "renew_statistics": True,
    }  # fmt: skip
    assert other.keys() == fields_of(base()).keys()
    line = " ".join(
        f"--{name.replace('_', '-')} {'' if value is True else value}"
        for name, value in other.items()
    )
    options = parse(ConfigOptions, "run", line.split())
    assert options.config == vary(base(), **other)


def test_help_begins_with_what_is_used_every_day_and_ends_with_several_processes(
    capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stop:
        parse(RunOptions, "run", ["--config", "sample", "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "(default: one_cycle)" in shown
    options = re.findall(r"^\W{2}(--[a-z][a-z-]+)", shown, re.MULTILINE)
    assert set(options[:7]) == {
        "--config", "--workdir", "--resume", "--seeds", "--device", "--epochs", "--seed",
    }  # fmt: skip
    data, devices = options.index("--data-dir"), options.index("--devices")
    assert options.index("--epochs") < options.index("--shear") < data < devices
    assert options[data + 1] == "--manual-dir"
    assert options[-3:] == ["--coordinator", "--processes", "--process-id"]


@pytest.mark.parametrize(
    ("argv", "more"),
    [
        ([], " --resume --workdir 'a b'"),
        (["--workdir", "a b", "--seed=1"], " --workdir 'a b' --seed=1 --resume"),
        (["--resume", "--workdir=x"], " --resume --workdir=x"),
    ],
)
def test_the_command_that_goes_on_is_the_one_that_began(argv, more):
    assert resume_command(argv, Path("a b")).endswith(f" -m experiments.run{more}")


OPTIONS = [f"--{name.replace('_', '-')}" for name in FIELDS]
OPTIONS += ["--config", "--data-dir", "--manual-dir", "--no-nesterov", "--help", "-h", "--", "-"]
VALUES = ["3", "-1", "nan", "inf", "1e999", "9" * 5000, "", "None", "sample", "smoke", "a\nb", "~"]
words = st.sampled_from(OPTIONS) | st.sampled_from(VALUES) | st.text(max_size=5)
pairs = st.builds("{}={}".format, st.sampled_from(OPTIONS), st.sampled_from(VALUES) | st.text())


@hostile
@given(st.lists(words | pairs, max_size=5))
@example(["--config=--"])
@example(["--learning-rate", "9" * 400])
def test_a_command_line_is_parsed_or_refused(line: list[str]) -> None:
    try:
        parsed, refusal = attempt((DataError, RecipeError), parse, ConfigOptions, "run", line)
        ends = bool(refusal) or isinstance(parsed.config, Config)
    except SystemExit as stop:
        ends = stop.code == 2 or (stop.code == 0 and not {"--help", "-h"}.isdisjoint(line))
    assert ends
