"""A ratio is to the fastest of PyTorch's float32 rows, and only of what was quiet."""

import pytest

from experiments.workshop.benchmark import results


def row(what, speeds, left=1.0):
    turns = [{"images": speed * 2, "seconds": 2, "left": left, "used": 0.987} for speed in speeds]
    return results.row_of(what, {}, turns)


OURS = row("ours", [300, 330, 270])
EAGER = row("PyTorch", [150, 165, 150])
CHANNELS_LAST = row("PyTorch channels last", [200, 150, 180])
BFLOAT16 = row("PyTorch bfloat16, channels last", [400, 400, 400])
DISTURBED = row("PyTorch compiled", [10, 10, 10], left=0.89)
LACKING = {"what": "PyTorch compiled", "cannot": "there is no compiler"}


def group(*rows):
    return {"on": "2 cores", "rows": list(rows), "ratio": results.compare(rows)}


def test_the_ratio_is_to_the_fastest_in_float32():
    ratio = results.compare([OURS, EAGER, CHANNELS_LAST, BFLOAT16, LACKING])
    assert ratio == {"to": "PyTorch channels last", "median": 1.5, "least": 1.5, "most": 2.2}


def test_a_disturbed_row_leaves_no_ratio():
    """Even a slow one: it might have been the fastest."""
    assert results.compare([OURS, EAGER, DISTURBED]) is None
    assert results.compare([row("ours", [300, 330, 270], left=0.5), EAGER]) is None


def test_without_pytorch_there_is_no_ratio():
    assert results.compare([OURS]) is None
    assert results.conclusions([group(OURS)]) == []


def test_the_table_gives_medians_ranges_and_shares():
    table = results.comparison_table([group(OURS, EAGER, DISTURBED, BFLOAT16, LACKING)])
    ours, eager, disturbed, bfloat16 = (" ".join(line.split()) for line in table.splitlines()[1:])
    assert ours == "2 cores ours 300 270 330 100 % 98 %"
    assert eager == "2 cores PyTorch 150 150 165 100 % 98 % 2.00 times as fast"
    assert disturbed == "2 cores PyTorch compiled 10 10 10 89 % 98 % not quiet"
    assert bfloat16.endswith("0.75 times as fast")


def test_the_conclusion_says_what_was_found():
    assert results.conclusions([group(OURS, EAGER, LACKING)]) == [
        "2 cores: ours trains on 2.00 times as many images a second as the fastest of PyTorch's "
        "ways in float32, PyTorch (1.80 to 2.00, round by round).",
        "2 cores: PyTorch compiled is not measured: there is no compiler.",
    ]
    (sentence,) = results.conclusions([group(OURS, DISTURBED)])
    assert sentence.startswith("2 cores: no ratio: ")


def run(seed, seconds, left=1.0):
    accuracies = {"digit_accuracy": 0.99 + seed / 1000, "sum_accuracy": 0.98}
    return {"seed": seed, "training_seconds": seconds, "left": left, "used": 1.0} | accuracies


def test_time_to_accuracy_is_a_mean_over_seeds():
    sentences = results.run_sentences([run(1, 30.0), run(2, 32.0), run(3, 90.0, left=0.3)])
    assert sentences == [
        "31.0 ± 1.4 s from the first step to the last; then 99.20 ± 0.10 % of the test "
        "digits are right, and 98.00 ± 0.00 % of the sums (mean and deviation over 3 seeds).",
        "Runs that were disturbed, and whose times are left out: 1.",
    ]
    (sentence,) = results.run_sentences([run(1, 30.0, left=0.3)])
    assert sentence.startswith("It was never quiet: an unknown time from")


@pytest.mark.parametrize(("share", "words"), [(0.8999, "89 %"), (0.9, "90 %"), (1.0, "100 %")])
def test_a_share_is_rounded_down(share, words):
    assert results.percent(share) == words
