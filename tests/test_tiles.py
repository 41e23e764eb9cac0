"""Images with captions: each says all that is true of it, and has room."""

from pathlib import Path

import numpy as np
import pytest

from experiments.configs import CONFIGS
from experiments.report.pictures.tiles import draw_answers, draw_mistakes, draw_samples
from experiments.report.readings import Reading
from mnist_sum.data import Dataset, load
from tests.pictures import assert_texts_are_apart, catch_figures, size_of_png, texts_of

CAPTION_GAP = 0.08  # inches, about a letter


def read(digit, number, read_digit, read_sum, digit_probability=0.9876, sum_probability=0.6552):
    probabilities = digit_probability, sum_probability
    image = np.zeros((28, 28), np.uint8)
    return Reading(image, digit, number, digit + number, read_digit, read_sum, *probabilities)


WIDEST = read(8, 8, 8, 18, sum_probability=0.99999)


@pytest.mark.parametrize(
    ("mistake", "caption"),
    [
        (read(4, 7, 9, 16), "digit 4, read 9\n4 + 7 = 11, read 16\n98.8% for digit 9"),
        (read(4, 6, 9, 10), "digit 4, read 9\n4 + 6 = 10, right\n98.8% for digit 9"),
        (read(2, 3, 2, 6), "digit 2, right\n2 + 3 = 5, read 6\n65.5% for sum 6"),
    ],
    ids=["both", "digit", "sum"],
)
def test_caption_of_a_mistake_says_what_is_wrong_of_digit_and_sum(monkeypatch, mistake, caption):
    figures = catch_figures(monkeypatch)
    draw_mistakes([mistake], [], Path())
    assert texts_of(figures[0])[1] == caption


def test_caption_of_an_answer_has_the_sum_and_both_probabilities(monkeypatch):
    figures = catch_figures(monkeypatch)
    draw_answers([read(7, 5, 7, 12, sum_probability=0.99999)], Path())
    assert texts_of(figures[0])[1] == "7 + 5 = 12\ndigit 7: 98.76%\nsum 12: > 99.99%"


@pytest.mark.parametrize(
    ("digits", "sums", "titles"),
    [
        (0, 0, ("none", "none")),
        (1, 6, ("1 image", "6 images")),
        (18, 1300, ("18 images", "the 12 most confident of 1,300 images")),
    ],
)
def test_mistakes_have_room_however_many(monkeypatch, digits, sums, titles):
    figures = catch_figures(monkeypatch)
    draw_mistakes([WIDEST] * digits, [WIDEST] * sums, Path())
    assert_texts_are_apart(figures[0], CAPTION_GAP)
    assert len(figures[0].axes[0].images) == digits + min(sums, 12)
    whats = "Digit misread: ", "Digit read right, but a sum misread: "
    assert {f"{what}{title}" for what, title in zip(whats, titles, strict=True)} <= {
        *texts_of(figures[0])
    }


@pytest.mark.parametrize(("answers", "shown"), [(0, 0), (7, 7), (974, 12)])
def test_answers_have_room_however_many(monkeypatch, answers, shown):
    figures = catch_figures(monkeypatch)
    draw_answers([read(8, 8, 8, 16, 1, 1)] * answers, Path())
    assert_texts_are_apart(figures[0], CAPTION_GAP)
    assert len(figures[0].axes[0].images) == shown


@pytest.mark.parametrize(
    ("config", "title"),
    [
        ("base", "The first 24 training images: each is trained with one number"),
        ("sample", "The first 24 training images: each epoch draws one of ten numbers for each"),
        (
            "unseen_pairs",
            "The first 24 training images, before they are distorted: "
            "each epoch draws one of nine numbers for each",
        ),
        (
            "fast",
            "The first 24 training images, before they are distorted: "
            "each is trained with all ten numbers",
        ),
    ],
)
def test_samples_say_which_numbers_they_are_trained_with(monkeypatch, config, title):
    train = load("sample").train
    figures = catch_figures(monkeypatch)
    draw_samples(train, CONFIGS[config]().recipe, Path())
    digit, number = int(train.digit[0]), int(train.number[0])
    first = f"{digit} + {number} = {digit + number}" if config == "base" else str(digit)
    assert texts_of(figures[0])[:2] == [title, first]
    assert_texts_are_apart(figures[0], CAPTION_GAP)


def test_a_picture_of_few_images_is_as_wide_as_all(tmp_path):
    few = Dataset(*(x[:2] for x in load("sample").train))
    draw_samples(few, CONFIGS["base"]().recipe, tmp_path / "samples.png")
    assert size_of_png(tmp_path / "samples.png") == (1280, 256)
