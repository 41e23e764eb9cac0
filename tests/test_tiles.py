"""Images with captions: each says all that is true of it, and has room."""

from pathlib import Path

import numpy as np
import pytest

from experiments.configs import CONFIGS, base, sample
from experiments.report import tiles
from experiments.report.answers import RightAnswer
from experiments.report.mistakes import Mistake
from experiments.report.tiles import (
    caption_answer,
    caption_mistake,
    draw_answers,
    draw_mistakes,
    draw_samples,
    write_count,
)
from mnist_sum.data import Dataset, load
from tests.pictures import assert_texts_are_apart, catch_figures, size_of_png, texts_of

IMAGE = np.zeros((28, 28), np.uint8)
CAPTION_GAP = 0.08  # inches, about a letter


def make_mistake(digit, read_digit, number, read_sum, confidence=0.6552):
    return Mistake(IMAGE, digit, read_digit, number, read_sum, confidence)


WIDEST = make_mistake(8, 8, 8, 18, confidence=0.99999)


@pytest.fixture(scope="module")
def train() -> Dataset:
    """Load the images of the sample to train on."""
    return load("sample").train


@pytest.mark.parametrize(
    ("mistake", "caption"),
    [
        (make_mistake(4, 9, 7, 16), "digit 4, read 9\n4 + 7 = 11, read 16\n65.5% for digit 9"),
        (make_mistake(4, 9, 6, 10), "digit 4, read 9\n4 + 6 = 10, right\n65.5% for digit 9"),
        (make_mistake(2, 2, 3, 6), "digit 2, right\n2 + 3 = 5, read 6\n65.5% for sum 6"),
    ],
    ids=["both", "digit", "sum"],
)
def test_caption_of_a_mistake_says_what_is_wrong_of_digit_and_sum(mistake, caption):
    assert caption_mistake(mistake) == caption


def test_caption_of_an_answer_has_the_sum_and_both_probabilities():
    answer = RightAnswer(
        IMAGE, digit=7, number=5, digit_probability=0.9876, sum_probability=0.99999
    )
    assert caption_answer(answer) == "7 + 5 = 12\ndigit 7: 98.76%\nsum 12: > 99.99%"


@pytest.mark.parametrize(("digits", "sums"), [(0, 0), (1, 6), (9, 300)])
def test_mistakes_have_room_however_many(monkeypatch, digits, sums):
    figures = catch_figures(monkeypatch, tiles)
    draw_mistakes([WIDEST] * digits, [WIDEST] * sums, Path())
    assert_texts_are_apart(figures[0], CAPTION_GAP)
    assert len(figures[0].axes) == digits + min(sums, 12)


@pytest.mark.parametrize(("answers", "shown"), [(0, 0), (7, 7), (974, 12)])
def test_answers_have_room_however_many(monkeypatch, answers, shown):
    figures = catch_figures(monkeypatch, tiles)
    answer = RightAnswer(IMAGE, digit=8, number=8, digit_probability=1, sum_probability=1)
    draw_answers([answer] * answers, Path())
    assert_texts_are_apart(figures[0], CAPTION_GAP)
    assert len(figures[0].axes) == shown


def test_title_says_how_many_images_there_are():
    counts = [write_count(count, 24, "the {} most confident") for count in (0, 1, 24, 1200)]
    assert counts == ["none", "1 image", "24 images", "the 24 most confident of 1,200 images"]


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
def test_samples_say_which_numbers_they_are_trained_with(monkeypatch, train, config, title):
    figures = catch_figures(monkeypatch, tiles)
    draw_samples(train, CONFIGS[config]().recipe, Path())
    assert title in texts_of(figures[0])
    assert_texts_are_apart(figures[0], CAPTION_GAP)


def test_only_a_number_that_stays_is_written_below_its_sample(monkeypatch, train):
    figures = catch_figures(monkeypatch, tiles)
    draw_samples(train, base().recipe, Path())
    draw_samples(train, sample().recipe, Path())
    _, *fixed = texts_of(figures[0])
    _, *fresh = texts_of(figures[1])
    digit, number = train.digit[0], train.number[0]
    assert fixed[0] == f"{digit} + {number} = {digit + number}"
    assert fresh == [str(digit) for digit in train.digit[:24]]


def test_a_picture_of_few_images_is_as_wide_as_all(tmp_path, train):
    few = Dataset(*(x[:2] for x in train))
    draw_samples(few, base().recipe, tmp_path / "samples.png")
    assert size_of_png(tmp_path / "samples.png")[0] == 1280
