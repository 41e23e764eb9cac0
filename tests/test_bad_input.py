"""Bad input, and what is said of it: commands and configs."""

import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments import describe, run, summarize
from experiments.configs import config_of
from experiments.workshop import bench
from mnist_sum.errors import RecipeError

COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": run.main,
    "describe": describe.main,
    "bench": bench.main,
    "summarize": summarize.main,
}

LINES = {
    "run --config": "--config needs the name of a config.",
    "run --config=--": "--config needs the name of a config.",
    "run --config Base": "There is no config 'Base'; choose one of base, sample, ",
    "run --epochs": "Missing value for argument '--epochs'",
    "run --epochs ten": "Error parsing --epochs: invalid literal for int() with base 10: 'ten'",
    "run --epochs 2.5": "Error parsing --epochs: invalid literal for int() with base 10: '2.5'",
    "run --epochs 0": "epochs is 0 and must be at least 1.",
    "run --learning-rate 1e999": "learning_rate is inf and must be positive and finite.",
    "run --learning-rate 0,1": "Error parsing --learning-rate: could not convert string to float",
    "run --batch_size 1": "batch_size is 1 and must be at least 2, as batch norm needs a variance.",
    "run --numbers odd": "invalid choice 'odd' for argument '--numbers'. Expected one of",
    "run --dataset cifar": "invalid choice 'cifar' for argument '--dataset'",
    "run --seeds 0": "--seeds is 0 and must be at least 1.",
    "run --seeds 2": "--seeds needs --workdir, a folder for all seeds and their summary.",
    "run --workdir new --seeds 2 --coordinator here:1 --processes 2 --process-id 0": (
        "--seeds is for a process on its own"
    ),
    "run --unseen-pairs": "unseen_pairs is True and needs numbers to be 'fresh'.",
    "run --adder exact --label-smoothing 0.1": "label_smoothing is 0.1 and must be 0 for adder",
    "run --device tpu": "invalid choice 'tpu' for argument '--device'",
    "run --epochz 3": "Unrecognized options: --epochz, 3; is --epochs meant?",
    "run --no_nestrov --shift 1": "Unrecognized options: --no_nestrov; is --no-nesterov meant?",
    "run --confg=fast": "Unrecognized options: --confg=fast; is --config meant?",
    "run --workdri run": "Unrecognized options: --workdri, run; is --workdir meant?",
    "run --hidden-size 3": "Unrecognized options: --hidden-size",
    "run sample": "Unrecognized options: sample",
    "run --config smoke --held-out 499": "held_out is 499 and must leave 2 of 500 images.",
    "run --config smoke --workdir file": "The work folder file cannot be written",
    "run --config smoke --workdir file/run": "The work folder file/run cannot be written",
    "run --workdir gs://bucket/run": "workdir is gs://bucket/run and must be on this machine: copy",
    "run --config smoke --data-dir=s3://bucket": "data_dir is s3://bucket and must be on this",
    "run --workdir ~no_one/run": "workdir is ~no_one/run, and there is no such home folder.",
    "describe --output GS://bucket": "output is GS://bucket and must be on this machine",
    "bench --manual-dir file:///mnist": "manual_dir is file://mnist and must be on this machine",
    "summarize run gs://bucket/run --output out": "runs is gs://bucket/run and must be on this",
    "describe --config nobody": "There is no config 'nobody'",
    "describe --output": "Missing value for argument '--output'",
    "describe --workdir run": "Unrecognized options: --workdir",
    "bench --rounds 0": "--rounds is 0 and must be at least 1.",
    "bench --rounds many": "Error parsing --rounds: invalid literal for int()",
    "bench --steps 469": "--steps is 469 and must be 1 .. 468, the whole batches of an epoch.",
    "bench --batch-size 60001": "batch_size is 60001 and must be at most 60,000 here.",
    "bench --torch yes": "Unrecognized options: yes",
    "summarize": "--output",
    "summarize --output out": "Give at least two runs, each with a seed of its own, not [].",
    "summarize nowhere other --output out": "nowhere does not hold a run (",
    "summarize file other --output out": "file does not hold a run (",
}


@pytest.mark.parametrize(("line", "sentence"), LINES.items())
def test_a_bad_command_line_is_one_sentence(
    line: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    command, *arguments = line.split()
    assert COMMANDS[command](arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert "--" * 5 not in printed.err  # a part of a frame
    assert sentence in printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_the_sentence_is_the_same_in_a_terminal_of_any_encoding(
    encoding: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", terminal)  # by which tyro chooses its frame
    assert COMMANDS["run"](["--epochs", "ten"]) == 2
    assert capsys.readouterr().err == (
        "error: Error parsing --epochs: invalid literal for int() with base 10: 'ten'; "
        "--help lists the options.\n"
    )


FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"epochs": None}, "epochs is None and must be a whole number."),
    ({"epochs": "3"}, "epochs is '3' and must be a whole number."),
    ({"held_out": -1}, "held_out is -1 and must be at least 0."),
    ({"learning_rate": 10**400}, "... and must be positive and finite."),
    ({"momentum": -(10**5000)}, "momentum is of type int and must be in [0, 1)."),
    ({"seed": list(range(100))}, "seed is [0, 1, 2, 3, "),
    ({"numbers": b"fresh"}, "numbers is b'fresh' and must be 'fixed', 'fresh' or 'all'."),
    ({"dataset": "a\nb"}, r"dataset is 'a\nb' and must be 'mnist' or 'sample'."),
    ({"erase": 29}, "erase is 29 and must be in 0 .. 28, the side of an image."),
    ({"warmup": 1.0}, "warmup is 1.0 and must be in (0, 1)."),
    ({"rotation": float("nan")}, "rotation is nan and must be in [0, 180]."),
]


@pytest.mark.parametrize(("fields", "sentence"), FIELDS)
def test_a_bad_config_is_one_sentence(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecipeError) as caught:
        config_of(fields)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 160
