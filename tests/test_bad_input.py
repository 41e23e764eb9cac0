"""Bad command lines, and what is said of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from experiments import describe, export, run, summarize
from experiments.workshop import bench

COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": run.main,
    "describe": describe.main,
    "export": export.main,
    "bench": bench.main,
    "summarize": summarize.main,
}

LINES = {
    "run --config": "Missing value for argument '--config'",
    "run --config=--": "There is no config '--'; choose one of base, sample, ",
    "run --config Base": "There is no config 'Base'; choose one of base, sample, ",
    "run --epochs": "Missing value for argument '--epochs'",
    "run --epochs ten": "Error parsing --epochs: invalid literal for int() with base 10: 'ten'",
    "run --epochs 2.5": "Error parsing --epochs: invalid literal for int() with base 10: '2.5'",
    "run --epochs 0": "epochs is 0 and must be at least 1.",
    "run --learning-rate 1e999": "learning_rate is inf and must be positive and finite.",
    "run --learning-rate 0,1": "Error parsing --learning-rate: could not convert string to float",
    "run --batch_size 1": "batch_size is 1 and must be at least 2, as batch norm needs a",
    "run --numbers odd": "invalid choice 'odd' for argument '--numbers'. Expected one of",
    "run --dataset cifar": "invalid choice 'cifar' for argument '--dataset'",
    "run --seeds 0": "--seeds is 0 and must be at least 1.",
    "run --workdir new --seeds 2 --coordinator here:1 --processes 2 --process-id 0": (
        "--seeds is for a process on its own"
    ),
    "run --unseen-pairs": "unseen_pairs is True and needs numbers to be 'fresh'.",
    "run --adder exact --label-smoothing 0.1": "label_smoothing is 0.1 and must be 0 for adder",
    "run --device tpu": "invalid choice 'tpu' for argument '--device'",
    "run --epochz 3": "Perhaps you meant: --epochs INT",
    "run --no_nestrov": "Perhaps you meant: --nesterov, --no-nesterov",
    "run --workdri run": "Perhaps you meant: --workdir ",
    "run --hidden-size 3": "Unrecognized options: --hidden-size",
    "run sample": "Unrecognized options: sample",
    "run --config smoke --held-out 499": "held_out is 499 and must leave 2 of 500 images.",
    "run --config smoke --workdir file": "file cannot be written (File exists); choose another",
    "run --config smoke --workdir file/run": "file/run cannot be written (Not a directory); choose",
    "run --workdir gs://bucket/run": "gs://bucket/run must be a path on this machine: copy",
    "run --config smoke --data-dir=s3://bucket": "s3://bucket must be a path on this",
    "run --workdir ~no_one/run": "~no_one/run names a home folder that does not exist.",
    "describe --output GS://bucket": "GS://bucket must be a path on this machine",
    "bench --manual-dir file:///mnist": "file:///mnist must be a path on this machine",
    "summarize run gs://bucket/run --output out": "gs://bucket/run must be a path on this machine",
    "describe --config nobody": "There is no config 'nobody'",
    "describe --output": "Missing value for argument '--output'",
    "describe --workdir run": "Unrecognized options: --workdir",
    "bench --rounds 0": "--rounds is 0 and must be positive and finite.",
    "bench --rounds many": "Error parsing --rounds: invalid literal for int()",
    "bench --seconds inf": "--seconds is inf and must be positive and finite.",
    "bench --time-to-accuracy -1": "--time-to-accuracy is -1 and must be positive and finite.",
    "bench --no-torch --output file": "file exists and would be lost; name another output",
    "bench --config sample --no-torch --batch-size 31": "which leaves a last batch of one image",
    "bench --torch yes": "Unrecognized options: yes",
    "summarize": "--output",
    "export x --to tf --output y": "invalid choice 'tf' for argument '--to'",
    "summarize --output out": "Give at least two runs, each with a seed of",
    "summarize nowhere other --output out": "nowhere does not hold a run (",
    "summarize file other --output out": "file does not hold a run (",
}


@pytest.mark.parametrize(("line", "sentence"), LINES.items())
def test_a_bad_command_line_is_said_to_be(
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
    assert sentence in " ".join(printed.err.replace("│", "").split())  # out of tyro's frame
    assert "Traceback" not in printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
