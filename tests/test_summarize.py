"""The summary over seeds: literal figures, and one sentence for runs that do not go together."""

import json
import re
from pathlib import Path

import pytest

from experiments import run
from experiments.configs import Config, vary
from experiments.summarize import main
from experiments.system import workdir
from tests.pictures import size_of_png


@pytest.fixture
def make_run(tmp_path):
    def make(seed, accuracies, **fields):
        folder = tmp_path / f"run-{seed}"
        config = vary(Config(), **{"seed": seed, "epochs": 8} | fields)
        folder.mkdir()
        workdir.note(folder, "base", config, {})
        tests = [{"loss": 1.0, "digit_accuracy": x, "sum_accuracy": x / 2} for x in accuracies]
        workdir.write_metrics(folder, [{"test": test, "seconds": 1} for test in tests])
        return str(folder)

    return make


def test_the_spread_is_over_the_seeds(make_run, tmp_path, capsys):
    runs = [make_run(1, [0.1] + [0.5] * 7), make_run(2, [0.1] + [0.6] * 6 + [0.8])]
    out = tmp_path / "out"
    for _ in range(2):  # what it has made itself, it may replace
        assert main([*runs, "--output", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["seeds"] == [1, 2]
    last = summary["test"]["last_epoch"]["digit_accuracy"]
    assert last == pytest.approx({"mean": 0.65, "std": 0.2121320, "min": 0.5, "max": 0.8})
    seven = summary["test"]["mean_of_last_7"]["sum_accuracy"]
    assert seven["max"] == pytest.approx((6 * 0.6 + 0.8) / 7 / 2)
    assert summary["training_seconds"]["mean"] == 8
    for seed, folder in enumerate(runs, 1):
        copied = (out / f"seed-{seed}.jsonl").read_text()
        assert copied == (Path(folder) / workdir.METRICS).read_text()
    *table, last = capsys.readouterr().out.splitlines()
    assert re.search(r"last epoch +digit accuracy +65.00 +21.21 +50.00 +80.00$", table[1])
    assert last == f"See {out}/seeds.png; the figures of all seeds are in {out}/summary.json."
    assert size_of_png(out / "seeds.png") == (1280, 576)
    short = [make_run(seed, [0.5] * 3, epochs=3) for seed in (3, 4)]  # too short for a mean of 7
    assert main([*short, "--output", str(out)]) == 0
    assert list(json.loads((out / "summary.json").read_text())["test"]) == ["last_epoch"]


def assert_refused(line, message, capsys, output="/dev/null/out"):
    assert main([*line, "--output", str(output)]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_runs_that_do_not_go_together_are_refused(make_run, capsys):
    one = make_run(1, [0.5] * 8)
    cut_off = make_run(5, [0.5] * 8)
    (Path(cut_off) / workdir.METRICS).write_text('{"epoch": 1')
    unmeasured = make_run(6, [0.5] * 8)
    (Path(unmeasured) / workdir.METRICS).unlink()
    for others, message in (
        ([], "Give at least two runs with different seeds, not [1]."),
        ([one], "Give at least two runs with different seeds, not [1, 1]."),
        ([make_run(2, [0.5] * 8, momentum=0.5)], "the first: momentum was 0.9 and is 0.5."),
        ([make_run(3, [0.5] * 7)], "has 7 of 8 epochs"),
        (["/nowhere"], "error: /nowhere/config.json cannot be read (No such file or directory).\n"),
        ([cut_off], "metrics.jsonl is not that of a run (Expecting ',' delimiter: "),
        ([unmeasured], "metrics.jsonl is not that of a run (No such file or directory).\n"),
        ([make_run(4, [0.5] * 8)], "/out cannot be written (Not a directory)"),
    ):
        assert_refused([one, *others], message, capsys)


@pytest.mark.parametrize("name", ["seeds.png", "summary.json", "seed-2.jsonl"])
def test_a_file_that_it_has_not_made_is_left_as_it_is(make_run, tmp_path, capsys, name):
    runs = [make_run(seed, [0.5] * 8) for seed in (1, 2)]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text('{"mine": 1}\n')
    assert_refused(runs, f"out/{name} exists and would be lost", capsys, tmp_path / "out")
    assert run.main(["--config=smoke", "--seeds=2", f"--workdir={tmp_path / 'out'}"]) == 2
    assert f"out/{name} exists and would be lost" in capsys.readouterr().err
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ['{"mine": 1}\n']
