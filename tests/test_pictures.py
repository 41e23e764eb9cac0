"""The pictures of a report: all that they say is there, has room and is where it belongs."""

from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from experiments.configs import CONFIGS, base
from experiments.report import original_records, pictures
from experiments.report.layers import list_layers
from experiments.report.pictures import confusion, tiles
from experiments.report.pictures.confusion import draw_digits, draw_sums
from experiments.report.pictures.curves import draw_curves, draw_seeds, move_apart
from experiments.report.pictures.graph import draw_model
from experiments.report.pictures.tiles import draw_mistakes, draw_right_answers, draw_samples
from mnist_sum.data import Dataset, load
from mnist_sum.learning.model import Outputs
from mnist_sum.recipe import Recipe
from tests.commands import run_python
from tests.pictures import make_records, size_of_png

TIMES = "\N{MULTIPLICATION SIGN}"
ORIGINAL = original_records(base())
TRAIN = load("sample").train
SAMPLES = "The first 24 training images"
DISTORTED = f"{SAMPLES}, before they are distorted: each"


@pytest.fixture
def drawn(monkeypatch):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    monkeypatch.setattr(pictures, "write", lambda *_: None)

    def draw(function, *arguments):
        function(*arguments, Path())
        figures[-1].draw_without_rendering()
        return figures[-1]

    return draw


def texts_of(figure: Figure) -> list[Text]:
    """List the texts of a figure that are drawn, among them those of ticks within the limits."""
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            first, last = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not axes.axison or not first <= tick.get_loc() <= last:
                    hidden |= {tick.label1, tick.label2}
    texts = figure.findobj(Text)
    return [x for x in texts if x.get_visible() and x.get_text() and x not in hidden]


def labels_of(axes) -> list[str]:
    """List the labels of the y axis that are shown, the greatest value last."""
    shown, labels = texts_of(axes.figure), [x.label1 for x in axes.yaxis.get_major_ticks()]
    return [label.get_text() for label in labels if label in shown]


def read(digit, number, read_digit, read_sum, digit_probability=0.9876, sum_probability=0.6552):
    image, digits = np.zeros((28, 28), np.uint8), np.eye(10)[read_digit] * digit_probability
    return tiles.Reading(image, digit, number, digits, np.eye(19)[read_sum] * sum_probability)


def in_short(readings):
    return [(x.digit, x.number, x.digits.argmax(), x.sums.argmax()) for x in readings]


def counts_of(labels: int, mistakes: int) -> np.ndarray:
    counts = np.diag(np.arange(labels) * 500)
    counts[1, 2] = mistakes
    return counts


SURE_CAPTION = "7 + 5 = 12\ndigit 7: 98.76 %\nsum 12: > 99.99 %"
SURE = read(7, 5, 7, 12, 0.9876, 0.99996)
RIGHT, WRONG = read(8, 8, 8, 16, 1, 1), read(8, 8, 8, 18, 1, 0.99999)
READ = "Digit and sum read right"
MISREAD, MISREAD_SUM = "Digit misread", "Digit read right, but a sum misread"
THREE_SEEDS = [make_records(3, error) for error in (0.012, 0.010, 0.0114)]
BAND = "Line: mean of 3 seeds. Band: from the lowest of them to the highest."
SCENES = [  # what draws, from what, and some of what is then to be read
    *(
        (draw_curves, [make_records(epochs, error), ORIGINAL], "Digit accuracy, %", "epoch")
        for epochs in (1, 2, 3, 25, 60)
        for error in (0.45, 0.04, 0.0)
    ),
    (draw_seeds, [THREE_SEEDS], "mean 98.89\nstd 0.10", "mean 97.77\nstd 0.21", BAND),
    (draw_seeds, [[make_records(2, 0.0)] * 2], "mean 100.00\nstd 0.00"),
    (draw_digits, [counts_of(10, 0)], "-", "100.0 %", "Digits: 0 of 22,500 misread (0.00 %)"),
    (draw_digits, [counts_of(10, 3000)], "Digits: 3,000 of 25,500 misread (11.76 %)", "3,000"),
    (draw_sums, [counts_of(19, 30)], "Sums: 30 of 85,530 misread (0.04 %)"),
    (draw_sums, [counts_of(19, 0)], "Ways to misread one: none"),
    (draw_sums, [counts_of(19, 3000)], "Ways to misread one: 1", "1 read as 2", "3,000 of 3,500"),
    (draw_sums, [np.full((19, 19), 10000)], "Ways to misread one: the 12 most frequent of 342"),
    (draw_right_answers, [[]], f"{READ}: none"),
    (draw_right_answers, [[RIGHT] * 974], f"{READ}: the first 12 of 974 images"),
    (draw_right_answers, [[SURE]], f"{READ}: 1 image", SURE_CAPTION),
    (draw_mistakes, [[WRONG] * 18, []], f"{MISREAD}: 18 images", f"{MISREAD_SUM}: none"),
    (draw_mistakes, [[], [WRONG] * 1300], f"{MISREAD_SUM}: the 12 most confident of 1,300 images"),
    (
        *(draw_mistakes, [[read(4, 7, 9, 16), read(4, 6, 9, 10)], [read(2, 3, 2, 6)]]),
        "digit 4, read 9\n4 + 7 = 11, read 16\n98.8 % for digit 9",
        "digit 4, read 9\n4 + 6 = 10, right\n98.8 % for digit 9",
        "digit 2, right\n2 + 3 = 5, read 6\n65.5 % for sum 6",
    ),
    *(
        (draw_samples, [TRAIN, CONFIGS[config].recipe], *words)
        for config, *words in (
            ("base", f"{SAMPLES}: each is trained with one number", "0 + 1 = 1"),
            ("sample", f"{SAMPLES}: each gets one of ten numbers in every epoch", "0"),
            ("unseen_pairs", f"{DISTORTED} gets one of nine numbers in every epoch", "0"),
            ("fast", f"{DISTORTED} is trained with all ten numbers", "0"),
        )
    ),
    (draw_model, [list_layers(Recipe())], "concatenate", "adder\n14,003 parameters"),
    (draw_model, [list_layers(Recipe(adder="exact"))], "encoder\n7,840 parameters"),
]


@pytest.mark.parametrize("scene", SCENES)
def test_all_texts_of_a_picture_are_in_it_and_none_is_over_another(drawn, scene):
    function, arguments, *words = scene
    figure = drawn(function, *arguments)
    texts = texts_of(figure)
    assert set(words) <= {text.get_text() for text in texts}
    boxes = [text.get_window_extent() for text in texts]
    gap = 0.08 if function.__module__.endswith("tiles") else 0.01  # inches
    for text, box in zip(texts, boxes, strict=True):
        assert min(box.x0, box.y0, *(figure.bbox.size - box.max)) >= 0, text
    for (one, box), (other, other_box) in combinations(zip(texts, boxes, strict=True), 2):
        assert not box.padded(gap * figure.dpi).overlaps(other_box), (one, other)


@pytest.mark.parametrize(
    ("digit", "sum_", "labels"),  # accuracies by epoch; labels, the best last
    [
        ([0.7, 0.994], [0.1, 0.98], ["10", "20", "50", "80", "90", "95", "98", "99", "99.5"]),
        ([0.97, 0.994], [0.99, 0.99], ["95", "98", "99", "99.5"]),
        ([0.99], [0.99], ["99", "99.5"]),
        ([1.0], [1.0], ["99.98", "≥ 99.99"]),
        ([0.0], [0.04], ["≤ 1", "2", "5"]),
    ],
)
def test_accuracies_have_a_common_scale_of_round_values(drawn, digit, sum_, labels):
    records = make_records(len(digit))
    for record, one, other in zip(records, digit, sum_, strict=True):
        record["test"] |= {"digit_accuracy": one, "sum_accuracy": other}
    left, right = drawn(draw_seeds, [records, records]).axes
    assert labels_of(left) == labels
    assert labels_of(right) == []  # they stand beside the first
    assert left.get_ylim() == right.get_ylim()


@pytest.mark.parametrize(("epochs", "top"), [(3, "100"), (4, "0.5")])
def test_only_the_start_of_long_training_may_lie_outside(drawn, epochs, top):
    records = make_records(epochs)
    for record, loss in zip(records, [90.0, 0.4, 0.3, 0.3], strict=False):
        record["train"] = record["train"] | {"digit_loss": loss}
    _, _, digit, sum_ = drawn(draw_curves, records, []).axes
    assert (labels_of(digit)[0], labels_of(digit)[-1]) == ("0.02", top)
    assert digit.get_ylim() == sum_.get_ylim()
    assert labels_of(sum_) == []


def test_the_whole_band_of_the_seeds_is_shown(drawn):
    figure = drawn(draw_seeds, [make_records(3, error) for error in (0.002, 0.002, 0.05)])
    for axes in figure.axes:
        box = axes.collections[0].get_datalim(axes.transData)
        lowest, highest = axes.get_ylim()
        assert (lowest <= box.y0, highest >= box.y1) == (True, True)


def test_labels_move_apart_no_further_than_they_must():
    assert move_apart([0.5, 0.1, 0.5], 0.2) == pytest.approx([0.4, 0.1, 0.6])
    assert move_apart([0.3, 0.7], 0.1) == pytest.approx([0.3, 0.7])
    assert move_apart([0.0, 0.01, 0.9], 0.08) == pytest.approx([0.04, 0.12, 0.9])


def test_the_matrix_fills_its_picture_and_the_shares_stand_free_of_it(drawn):
    figure = drawn(draw_digits, counts_of(10, 0))
    (axes,) = figure.axes
    assert axes.get_window_extent().width > 0.9 * figure.bbox.width
    assert not axes.collections[0].get_clip_on()  # half of each outer line is outside
    edge = axes.transData.transform((9.5, 0))[0]
    shares = [x.get_window_extent().x0 for x in axes.texts if x.get_text() in ("100.0 %", "-")]
    assert len(shares) == 10
    assert min(shares) > edge + 0.04 * figure.dpi


def test_sums_that_are_misread_most_stand_first_with_how_often_and_how_far_off(drawn):
    counts = np.diag(np.full(19, 900))
    counts[11, 16], counts[0, 1:14] = 7, 1
    pairs, distances = drawn(draw_sums, counts).axes
    assert labels_of(pairs)[:2] == ["11 read as 16", "0 read as 1"]
    assert [text.get_text() for text in pairs.texts][:2] == ["7 of 907", "1 of 913"]
    assert pairs.yaxis_inverted()  # the first is the uppermost
    heights = {round(x.get_x() + x.get_width() / 2): x.get_height() for x in distances.patches}
    assert heights[5] == 8  # 11 read as 16, and 0 as 5
    assert heights[0] == heights[-1] == 0  # right sums are not counted
    assert sum(heights.values()) == 20


@pytest.mark.parametrize(("digits", "sums", "shown"), [(0, 0, 0), (18, 6, 24), (99, 99, 30)])
def test_as_many_images_are_shown_as_there_is_room_for(drawn, digits, sums, shown):
    (axes,) = drawn(draw_mistakes, [WRONG] * digits, [WRONG] * sums).axes
    assert len(axes.images) == shown


@pytest.mark.parametrize(("adder", "rows"), [("mlp", 16), ("exact", 12)])
def test_the_number_comes_from_the_left_and_the_digit_leaves_to_the_right(drawn, adder, rows):
    layers = list_layers(Recipe(adder=adder))
    figure = drawn(draw_model, layers)
    assert figure.get_size_inches().tolist() == pytest.approx([8, 0.58 * rows])
    texts = [text.get_text() for text in texts_of(figure)]
    places = [text.get_position() for text in texts_of(figure)]
    x, y = (dict(zip(texts, axis, strict=True)) for axis in zip(*places, strict=True))
    logits, join = f"conv 5{TIMES}5\n2,500", "adder" if adder == "exact" else "concatenate"
    enters = "number" if adder == "exact" else "one hot"
    assert x["image"] == x[logits] == x[join] == x["sum logits"]
    assert y["image"] < y[logits] < y[join] < y["sum logits"]
    assert x["number"] == x[enters] < x[join]
    assert y["number"] <= y[enters] == y[join]
    assert x["log softmax"] == x["digit log\nprobabilities"] > x[logits]
    assert y["digit log\nprobabilities"] > y["log softmax"] == y[logits]
    assert {"block3", f"conv 3{TIMES}3\n1,350", f"15{TIMES}11{TIMES}11", "conv8"} <= {*texts}
    for kind in ("relu", "dropout"):
        assert texts.count(kind) == sum(layer.name.endswith(kind) for layer in layers)


def test_what_a_user_has_set_for_other_pictures_changes_nothing(tmp_path):
    draw_curves(make_records(2), [], tmp_path / "plain.png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 30}):
        draw_curves(make_records(2), [], tmp_path / "set.png")
        assert matplotlib.rcParams["font.size"] == 30
    plain, other = sorted(tmp_path.iterdir())  # and nothing half-written
    assert plain.read_bytes() == other.read_bytes()
    assert size_of_png(plain) == (1280, 992)


def test_importing_changes_no_setting_of_the_process():
    code = "import os, sys, signal as s; s.signal(2, s.default_int_handler); "
    code += "before = dict(os.environ); import experiments.run, experiments.report.page; "
    code += "sys.exit(before != os.environ or 'matplotlib.pyplot' in sys.modules"
    code += " or s.getsignal(2) != s.default_int_handler)"
    backend = "module://of_a_notebook"  # that need not be there
    assert run_python(code, MPLBACKEND=backend) == ("", "", 0)


STUCK = "import tempfile; tempfile.mkdtemp = lambda **_: open('/dev/null/file')\n"  # without /tmp
DESCRIBE = "import experiments.describe as x; exit(x.main(['--config', 'smoke', '--output', '/o']))"
ANSWER = "import mnist_sum.__main__ as x; exit(x.main(['a.png', '--picture', 'o.png']))"


@pytest.mark.parametrize(
    ("code", "setting"),
    [
        (STUCK + DESCRIBE, {"MPLCONFIGDIR": "/dev/null/none"}),
        (STUCK + ANSWER, {"MPLCONFIGDIR": "/dev/null/none"}),
        (DESCRIBE, {"MPLBACKEND": "of-nothing"}),
    ],
)
def test_where_matplotlib_cannot_start_one_sentence_names_what_to_set(code, setting):
    output, errors, code = run_python(code, **setting)
    assert (code, output) == (2, "")
    assert errors.count("\n") == 1
    assert "set MPLCONFIGDIR to a folder that can be written, and MPLBACKEND to" in errors


DIGITS = [3, 5, 9]
TEST = Dataset(np.zeros((3, 28, 28), np.uint8), *np.array([DIGITS, [1, 2, 4]], np.int32))


def outputs_of(digits, certainty=20.0):
    logits = np.eye(10, dtype=np.float32)[np.asarray(digits)] * certainty
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    sums = np.add.outer(DIGITS, np.arange(10))
    return Outputs(log_probabilities, np.eye(19, dtype=np.float32)[sums] * certainty)


def test_what_is_right_is_right_in_digit_and_in_the_sum_with_its_own_number():
    outputs = outputs_of(DIGITS, certainty=3.0)
    right, digits, sums = tiles.sort_out(TEST, outputs)
    assert (in_short(right), digits, sums) == ([(3, 1, 3, 4), (5, 2, 5, 7), (9, 4, 9, 13)], [], [])
    assert right[0].digits[3] == pytest.approx(np.exp(3) / (np.exp(3) + 9))
    assert right[0].sums[4] == pytest.approx(np.exp(3) / (np.exp(3) + 18))
    outputs.sum_logits[2, 4] = np.eye(19)[0] * 9  # 9 + 4, its own number, is read as 0
    outputs.sum_logits[0, 7] = np.eye(19)[0] * 9  # 3 + 7 is read as 0, but its own number is 1
    assert [x.digit for x in tiles.sort_out(TEST, outputs)[0]] == [3, 5]


def test_misread_digits_come_with_their_own_number_the_most_confident_first():
    _, digits, sums = tiles.sort_out(TEST, outputs_of([3, 8, 9]))
    assert (in_short(digits), sums) == ([(5, 2, 8, 7)], [])
    outputs = outputs_of([1, 1, 1])
    outputs.digit_log_probabilities[:, 1] = np.log([0.6, 0.9, 0.7])
    assert [x.digit for x in tiles.sort_out(TEST, outputs)[1]] == [5, 9, 3]


def test_misread_sums_come_once_with_their_most_confident_number_and_only_of_digits_read_right():
    outputs = outputs_of([3, 8, 9], certainty=2.0)
    outputs.sum_logits[2, 4] = np.eye(19)[0] * 3  # 9 + 4 is read as 0, and
    outputs.sum_logits[2, 6] = np.eye(19)[1] * 5  # 9 + 6, more confidently, as 1
    outputs.sum_logits[0, 0] = np.eye(19)[2] * 6  # 3 + 0, most confidently, as 2
    outputs.sum_logits[1, 0] = np.eye(19)[0] * 9  # 5 + 0, but the 5 is misread
    assert in_short(tiles.sort_out(TEST, outputs)[2]) == [(3, 0, 3, 2), (9, 6, 9, 1)]


def test_confusions_are_counted_by_true_and_read_label_and_listed_by_frequency():
    counts = confusion.count_confusions(np.array([0, 0, 2]), np.eye(3)[[0, 1, 1]])
    assert counts.tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 0]]
    counts = np.diag([5, 6, 7])
    counts[0, 2], counts[2, 1], counts[1, 0] = 1, 3, 1
    assert confusion.list_confusions(counts) == [(2, 1, 3, 10), (0, 2, 1, 6), (1, 0, 1, 7)]
