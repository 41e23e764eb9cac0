"""Pictures of a run: drawn from few epochs and many, from no mistake and hundreds."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from experiments.report import curves, original
from experiments.report.curves import Curve, draw_curves, draw_seeds, spread, values_to_show
from experiments.report.scales import accuracy_scales, loss_scales, round_values, write_accuracy
from tests.commands import ROOT
from tests.pictures import (
    assert_texts_are_apart,
    catch_figures,
    make_records,
    size_of_png,
    texts_of,
)


@pytest.mark.parametrize(
    ("epochs", "error"), [(1, 0.01), (2, 0.45), (25, 0.002), (60, 0.0)], ids=str
)
def test_curves_can_be_drawn_from_any_number_of_epochs_and_any_accuracy(tmp_path, epochs, error):
    draw_curves(make_records(epochs, error), tmp_path / "curves.png", original.records())
    assert size_of_png(tmp_path / "curves.png") == (1280, 992)
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]  # and nothing half-written


def test_what_a_user_has_set_for_other_pictures_changes_nothing(tmp_path):
    draw_curves(make_records(2, 0.1), tmp_path / "plain.png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 30}):
        draw_curves(make_records(2, 0.1), tmp_path / "set.png")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "set.png").read_bytes() == (tmp_path / "plain.png").read_bytes()


def test_the_backend_of_a_notebook_does_not_matter():
    draw = "import experiments.report.graph, matplotlib; print(matplotlib.rcParams['backend'])"
    finished = subprocess.run(
        [sys.executable, "-c", draw],
        capture_output=True,
        text=True,
        env=os.environ | {"MPLBACKEND": "of-another-environment"},
        cwd=ROOT,
    )
    assert (finished.stdout, finished.stderr) == ("agg\n", "")


def test_axis_spans_the_tests_and_the_end_of_the_training():
    training = Curve("", [0.4, 0.2, 0.1, 0.03], "k", is_test=False)
    test = Curve("", [0.012, 0.01, 0.006, 0.007], "k", is_test=True)
    assert values_to_show([training, test]) == [0.03, 0.012, 0.01, 0.006, 0.007]
    assert round_values([0.03, 0.012, 0.006]) == pytest.approx([0.005, 0.01, 0.02, 0.05])
    assert round_values([0.01, 0.01]) == pytest.approx([0.005, 0.01])


def test_axis_spans_all_of_a_training_of_few_epochs():
    training = Curve("", [0.4, 0.2, 0.03], "k", is_test=False)
    assert values_to_show([training]) == [0.4, 0.2, 0.03]


def test_outputs_that_are_learnt_have_a_common_scale_of_the_distance_from_all():
    digit, sum_ = accuracy_scales([[0.3, 0.006], [0.9, 0.02]])
    assert digit == sum_
    assert digit.kind == "log"
    assert digit.labels == ["0", "50", "80", "90", "95", "98", "99", "99.5"]
    assert digit.values[0] == 1  # at the bottom


def test_an_output_that_is_not_learnt_has_a_scale_of_its_own_from_zero():
    digit, sum_ = accuracy_scales([[0.691, 0.304, 0.49], [0.911, 0.89, 0.902]])
    assert (digit.kind, digit.labels) == ("linear", ["0", "20", "40", "60", "80"])
    assert (sum_.kind, sum_.labels) == ("linear", ["0", "5", "10", "15"])
    assert sum_.values == pytest.approx([1, 0.95, 0.9, 0.85])
    digit, sum_ = accuracy_scales([[0.11, 0.04], [0.93, 0.63]])
    assert (digit.kind, digit.labels) == ("log", ["80", "90", "95", "98"])
    assert (sum_.kind, sum_.labels) == ("linear", ["0", "10", "20", "30", "40"])


@pytest.mark.parametrize("error", [1.0, 0.11, 0.1])
def test_a_scale_from_zero_has_accuracies_that_there_are(error):
    for scale in accuracy_scales([[error], [error]]):
        assert scale.labels[0] == "0"
        assert 0 < float(scale.labels[-1]) <= 100


def test_losses_always_have_a_common_scale():
    digit, sum_ = loss_scales([[0.03, 0.2], [2.9]])
    assert digit == sum_
    assert digit.labels == ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5"]


@pytest.mark.parametrize("error", [0.45, 0.04, 0.0], ids=str)
@pytest.mark.parametrize("epochs", [1, 2, 3, 25])
def test_curves_have_room_for_their_labels(monkeypatch, epochs, error):
    figures = catch_figures(monkeypatch, curves)
    draw_curves(make_records(epochs, error), Path(), original.records())
    assert_texts_are_apart(figures[0])


def test_labels_that_both_panels_share_stand_beside_the_first(monkeypatch):
    figures = catch_figures(monkeypatch, curves)
    draw_curves(make_records(2, 0.01), Path())
    assert texts_of(figures[0]).count("99") == 1


def test_seeds_say_what_band_and_figures_are(monkeypatch):
    figures = catch_figures(monkeypatch, curves)
    draw_seeds([make_records(3, error) for error in (0.012, 0.010, 0.0114)], Path())
    texts = texts_of(figures[0])
    assert "Line: mean of 3 seeds. Band: from the lowest of them to the highest." in texts
    assert "mean 98.89\nstd 0.10" in texts
    assert "mean 97.8\nstd 0.2" in texts
    assert_texts_are_apart(figures[0])


def test_perfect_seeds_have_a_perfect_mean(monkeypatch):
    figures = catch_figures(monkeypatch, curves)
    draw_seeds([make_records(2, 0.0)] * 2, Path())
    assert texts_of(figures[0]).count("mean 100.00\nstd 0.00") == 2


def test_the_whole_band_of_the_seeds_is_shown(monkeypatch):
    figures = catch_figures(monkeypatch, curves)
    draw_seeds([make_records(3, error) for error in (0.002, 0.002, 0.05)], Path())
    for axes in figures[0].axes:
        (band,) = axes.collections
        lowest, highest = axes.get_ylim()
        assert lowest >= band.get_datalim(axes.transData).y1
        assert highest <= band.get_datalim(axes.transData).y0


def test_errors_are_written_as_accuracies():
    assert [write_accuracy(error) for error in (0.5, 0.005, 1e-4)] == ["50", "99.5", "≥ 99.99"]


def test_labels_move_apart_no_further_than_they_must():
    assert spread([0.5, 0.1, 0.5], 0.2) == pytest.approx([0.4, 0.1, 0.6])
    assert spread([0.3, 0.7], 0.1) == pytest.approx([0.3, 0.7])
    assert np.diff(np.sort(spread([0.0, 0.01, 0.05, 0.9], 0.08))).min() >= 0.08 - 1e-9
