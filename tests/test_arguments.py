"""Command lines: what they mean, and one sentence for each that means nothing."""

import re
from pathlib import Path

import pytest

from experiments.configs import base, config_of, fields_of, sample
from experiments.run import RunOptions
from experiments.summarize import SummarizeOptions
from experiments.system.arguments import ConfigOptions, parse, parse_options
from mnist_sum.errors import RecipeError, UsageError


def test_base_is_the_config_if_none_is_named():
    assert parse(ConfigOptions, "run", []) == ("base", ConfigOptions(config=base()))


@pytest.mark.parametrize("argv", [["--config", "sample"], ["--config=sample"]])
def test_a_config_is_chosen_by_name(argv):
    assert parse(ConfigOptions, "run", argv) == ("sample", ConfigOptions(config=sample()))


def test_the_home_folder_of_every_path_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    line = "--workdir=~/run --data-dir ~ --manual-dir c:/kept"
    _, options = parse(RunOptions, "run", line.split())
    assert (options.workdir, options.data.data_dir) == (tmp_path / "run", tmp_path)
    assert options.data.manual_dir == Path("c:/kept")
    line = "~/1 2 --output ~/out"
    options = parse_options(SummarizeOptions, "summarize", line.split())
    assert options == SummarizeOptions((tmp_path / "1", Path("2")), tmp_path / "out")


def test_every_field_can_be_overridden():
    other = {
        "dataset": "sample", "train_examples": 100, "held_out": 10, "numbers": "fresh",
        "unseen_pairs": True, "adder": "exact", "seed": 7, "epochs": 3, "batch_size": 64,
        "learning_rate": 0.5, "schedule": "one_cycle", "warmup": 0.2, "momentum": 0.8,
        "nesterov": True, "weight_decay": 0.1, "dropout_rate": 0.2, "digit_weight": 2.0,
        "sum_weight": 3.0, "shift": 1.5, "rotation": 9.0, "scale": 0.1, "shear": 0.3,
        "elastic": 0.4, "erase": 5, "renew_statistics": True,
    }  # fmt: skip
    assert {*other, "label_smoothing"} == fields_of(base()).keys()
    line = " ".join(
        f"--{name.replace('_', '-')} {'' if value is True else value}"
        for name, value in other.items()
    )
    _, options = parse(ConfigOptions, "run", line.split())
    assert options.config == config_of(other)
    _, options = parse(ConfigOptions, "run", ["--label-smoothing", "0.1"])
    assert options.config == config_of({"label_smoothing": 0.1})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "--config nobody",
            "There is no config 'nobody'; choose one of base, sample, ",
        ),
        ("--config", "--config needs the name of a config."),
        ("--epochs ten", "Error parsing --epochs: invalid literal for int"),
        ("--epochs", "epochs"),
        ("--numbers odd", "invalid choice 'odd' for argument '--numbers'. Expected one of"),
        ("--hidden-size 3", "Unrecognized options: --hidden-size"),
        ("--batch-size 0", "batch_size is 0 and must be at least 2"),
        ("--epochs -1", "epochs is -1 and must be at least 1."),
        ("--learning-rate nan", "learning_rate is nan and must be positive and finite."),
    ],
)
def test_a_wrong_command_line_is_one_sentence(line, message, capsys):
    with pytest.raises((UsageError, RecipeError)) as caught:
        parse(ConfigOptions, "run", line.split())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_a_narrow_terminal_does_not_cut_the_sentence(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(UsageError, match=r"invalid choice 'odd'.*\('fixed', 'fresh', 'all'\)"):
        parse(ConfigOptions, "run", ["--numbers", "odd"])


def test_help_lists_every_field_with_its_default(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    with pytest.raises(SystemExit) as stop:
        parse(ConfigOptions, "run", ["--config", "sample", "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--learning-rate", "--batch-size", "--train-examples", "(default: one_cycle)"):
        assert option in shown


def test_help_begins_with_what_is_used_every_day_and_ends_with_several_processes(
    capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        parse(RunOptions, "run", ["--help"])
    options = re.findall(r"^\W{2}(--[a-z][a-z-]+)", capsys.readouterr().out, re.MULTILINE)
    assert set(options[:6]) == {
        "--workdir", "--resume", "--seeds", "--device", "--epochs", "--seed",
    }  # fmt: skip
    data, devices = options.index("--data-dir"), options.index("--devices")
    assert options.index("--epochs") < options.index("--erase") < data < devices
    assert options[data + 1] == "--manual-dir"
    assert options[-3:] == ["--coordinator", "--processes", "--process-id"]
