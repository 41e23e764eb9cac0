"""The summary over seeds: literal figures, and one sentence for runs that do not go together."""

import json
import re

import pytest

from experiments.configs import config_of
from experiments.summarize import main
from experiments.system import workdir
from tests.pictures import size_of_png


@pytest.fixture
def make_run(tmp_path):
    """Make a function that writes a run of a few epochs with given digit accuracies."""

    def make(seed, accuracies, **fields):
        folder = tmp_path / f"run-{seed}"
        with workdir.hold(
            folder, "base", config_of({"seed": seed, "epochs": 8} | fields), {}, False
        ):
            pass
        records = [
            {
                "epoch": epoch,
                "test": {"digit_loss": 1.0, "digit_accuracy": x, "sum_accuracy": x / 2},
                "seconds": 1,
            }
            for epoch, x in enumerate(accuracies, 1)
        ]
        workdir.write_metrics(folder, records)
        return str(folder)

    return make


def test_the_spread_is_over_the_seeds(make_run, tmp_path, capsys):
    runs = [make_run(1, [0.1] + [0.5] * 7), make_run(2, [0.1] + [0.6] * 6 + [0.8])]
    assert main([*runs, "--output", str(tmp_path / "out")]) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["seeds"] == [1, 2]
    last = summary["test"]["last_epoch"]["digit_accuracy"]
    assert last == pytest.approx({"mean": 0.65, "std": 0.2121320, "min": 0.5, "max": 0.8})
    seven = summary["test"]["mean_of_last_7"]["sum_accuracy"]
    assert seven["max"] == pytest.approx((6 * 0.6 + 0.8) / 7 / 2)
    for seed, folder in enumerate(runs, 1):
        copied = (tmp_path / "out" / f"seed-{seed}.jsonl").read_text()
        assert copied == (workdir.Path(folder) / workdir.METRICS).read_text()
    *table, last = capsys.readouterr().out.splitlines()
    assert re.search(r"last epoch +digit accuracy +65 +21 +50 +80$", table[1])
    out = tmp_path / "out"
    assert last == f"See {out}/seeds.png; the figures of all seeds are in {out}/summary.json."
    assert summary["training_seconds"]["mean"] == 8
    assert size_of_png(tmp_path / "out" / "seeds.png") == (1280, 576)


def assert_refused(line, message, capsys):
    assert main([*line, "--output", "/dev/null/out"]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_runs_that_do_not_go_together_are_refused(make_run, capsys):
    one = make_run(1, [0.5] * 8)
    assert_refused([one], "at least two runs", capsys)
    assert_refused([one, one], "each with its own", capsys)
    assert_refused([one, make_run(2, [0.5] * 8, momentum=0.5)], "differs from the first", capsys)
    assert_refused([one, make_run(3, [0.5] * 7)], "has 7 of 8 epochs", capsys)
    assert_refused([one, "/nowhere"], "does not hold a run", capsys)
    assert_refused([one, make_run(4, [0.5] * 8)], "/dev/null/out cannot be written", capsys)
    assert_refused([], "Give the work folders", capsys)
    (workdir.Path(one) / workdir.METRICS).write_text('{"epoch": 1')
    assert_refused([one], "does not hold a run", capsys)


def test_a_mean_of_seven_epochs_needs_seven(make_run, tmp_path):
    runs = [make_run(seed, [0.5] * 3, epochs=3) for seed in (1, 2)]
    assert main([*runs, "--output", str(tmp_path / "out")]) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert list(summary["test"]) == ["last_epoch"]
