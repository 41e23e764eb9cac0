"""The page to draw on, in a browser: it answers as the library does, whatever draws on it."""

import json
import re
import time

import jax
import numpy as np
import pytest

from experiments.draw_page import make_page
from mnist_sum.data import load
from mnist_sum.files.weights import load_pretrained
from mnist_sum.learning.evaluate import predict_outputs
from mnist_sum.learning.network import Network
from mnist_sum.learning.predict import predict
from mnist_sum.reading import ink
from mnist_sum.reading.image import read_image
from mnist_sum.recipe import Recipe

pytest.importorskip("selenium")
from selenium.webdriver.common.keys import Keys

from tests.browser import DIGITS, Page, start_browser

pytestmark = pytest.mark.browser

NOTHING = "? 5 ?"
SCREENS = {"wide": (1280, 720), "phone": (390, 844), "small phone": (320, 568)}
CONTRASTS = {  # at least, of large and of small text: Web Content Accessibility Guidelines, AA
    3.0: ("#digit", "#sum"),
    4.5: ("h1", "#number", "#sum-note", "figcaption", ".bars span", "#choices label", "footer"),
}


@pytest.fixture(scope="module")
def network():
    return load_pretrained()


@pytest.fixture(scope="module")
def browser():
    with start_browser() as started:
        yield started


@pytest.fixture(scope="module")
def address(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "draw.html"
    path.write_text(make_page(network))
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    yield Page(browser, address)
    assert browser.get_log("browser") == []  # no error, no warning


def test_page_answers_as_the_library_does(page, network):
    image = load("sample").test.image
    number = np.arange(len(image)) % 10
    answers = answer(page, image, number)
    expected = predict(network, image, number)
    assert [x["digit"] for x in answers] == expected.digit.tolist()
    assert [x["sum"] for x in answers] == expected.sum.tolist()
    compare(answers, network, image, number)


def test_exact_adder_answers_as_the_library_does(browser, network, tmp_path):
    encoder = {kind: {"encoder": x["encoder"]} for kind, x in network.variables.items()}
    network = Network(Recipe(adder="exact"), encoder)
    path = tmp_path / "draw.html"
    path.write_text(make_page(network))
    image, number = load("sample").test.image[:10], np.arange(10)
    compare(answer(Page(browser, path.as_uri()), image, number), network, image, number)


def answer(page, image, number):
    """Let the page's own function answer."""
    pixels = np.asarray(image).reshape(-1, 28 * 28).tolist()
    every = "arguments[0].map((pixels, index) => predict(pixels, arguments[1][index]))"
    return page.ask(every, pixels, number.tolist())


def compare(answers, network, image, number):
    """Compare the log-probabilities of the page with those of the library."""
    digits, sums = predict_outputs(network, image)
    sums = jax.nn.log_softmax(sums[np.arange(len(number)), number])
    for name, expected in (("digitLogProbabilities", digits), ("sumLogProbabilities", sums)):
        np.testing.assert_allclose([x[name] for x in answers], expected, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("digit", DIGITS)
def test_digit_drawn_with_the_mouse_is_read(page, digit):
    page.draw(DIGITS[digit])
    assert page.equation() == f"{digit} 5 {digit + 5}"


@pytest.mark.parametrize("pointer", ["touch", "pen"])
def test_finger_and_pen_draw_too(page, pointer):
    page.draw(DIGITS[3], pointer)
    assert page.equation() == "3 5 8"


def test_keyboard_draws_too(page):
    page.press(Keys.TAB)
    page.press(*(Keys.UP,) * 15, Keys.SPACE, *(Keys.DOWN,) * 30, Keys.SPACE, *(Keys.LEFT,) * 20)
    assert page.equation() == "1 5 6"
    assert page.find("pen").is_displayed()


def test_drawing_is_prepared_as_an_image_is(page):
    constants = [ink.SIDE, ink.BOX, ink.CENTRE, ink.INK, ink.THINNEST, ink.THICKEST]
    assert page.ask("[SIDE, BOX, CENTRE, INK, THINNEST, THICKEST]") == constants
    for digit, strokes in DIGITS.items():
        page.draw(strokes)
        drawing = np.array(page.ask("[...readInk()]"), np.uint8).reshape(280, 280)
        pixels = np.array(page.ask("[...prepare(readInk(), INK_SIDE)]")).reshape(28, 28)
        difference = np.abs(pixels - read_image(255 - drawing))  # dark on light
        assert difference.mean() < 2, digit
        page.press(Keys.ESCAPE)


@pytest.mark.parametrize("size", [0.2, 1.25])
def test_small_and_large_drawings_are_read_too(page, size):
    for digit in (3, 7):
        page.draw(DIGITS[digit], size=size)
        assert page.equation() == f"{digit} 5 {digit + 5}"
        page.press(Keys.ESCAPE)


def test_every_stroke_and_clearing_can_be_undone(page):
    assert page.equation() == NOTHING
    page.draw(DIGITS[4])
    assert page.equation() == "4 5 9"
    page.find("undo").click()
    assert page.equation() != "4 5 9"
    page.draw(DIGITS[4][1:])
    page.find("clear").click()
    assert page.equation() == NOTHING
    page.press(Keys.BACKSPACE)
    assert page.equation() == "4 5 9"
    page.press(Keys.ESCAPE)
    assert page.equation() == NOTHING
    page.press("z", held=Keys.CONTROL)
    assert page.equation() == "4 5 9"
    page.press(Keys.BACKSPACE, Keys.BACKSPACE)
    assert page.equation() == NOTHING
    assert not page.find("undo").is_enabled()
    assert not page.find("clear").is_enabled()


def test_number_is_chosen_by_key_click_and_arrow(page):
    page.draw(DIGITS[7])
    page.press("0")
    assert page.equation() == "7 0 7"
    page.find("choices").find_element("xpath", "label[10]").click()
    assert page.equation() == "7 9 16"
    page.press(Keys.LEFT)
    assert page.equation() == "7 8 15"


def test_bars_and_pixels_are_those_of_the_answer(page):
    page.draw(DIGITS[2])
    answer = page.ask("predict(prepare(readInk(), INK_SIDE), 5)")
    for name, count in (("digit", 10), ("sum", 19)):
        bars = page.ask(
            f"[...document.querySelectorAll('#{name}-bars b')].map((b) => b.style.height)"
        )
        heights = [float(bar.removesuffix("%")) / 100 for bar in bars]
        assert len(heights) == count
        np.testing.assert_allclose(heights, np.exp(answer[f"{name}LogProbabilities"]), atol=1e-4)
    shown = page.ask("[...imageContext.getImageData(0, 0, 28, 28).data]")
    assert shown[3::4] == page.ask("[...prepare(readInk(), INK_SIDE)]")


def test_answer_is_told_to_those_who_listen(page):
    page.draw(DIGITS[7])
    time.sleep(1)  # it is told when the hand rests
    told = page.find("spoken").get_attribute("textContent")
    assert re.fullmatch(r"Digit 7, \d+\.\d %\. Plus 5 makes 12, \d+\.\d %\.", told)


def test_nothing_is_fetched(browser, address):
    browser.get_log("performance")
    page = Page(browser, address)
    page.draw(DIGITS[7])
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"].endswith("WillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == [address]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_page_fits_the_screen_and_is_readable(page, screen, scheme, tmp_path):
    page.show(*SCREENS[screen], scheme)
    page.draw(DIGITS[3])
    assert page.equation() == "3 5 8"
    page.browser.save_screenshot(str(tmp_path / f"{screen} {scheme}.png"))  # to be looked at
    assert page.ask("document.documentElement.scrollWidth") <= SCREENS[screen][0]
    ground = luminance(page.colour("body", "background-color"))
    assert (ground > 0.5) == (scheme == "light")
    for contrast, texts in CONTRASTS.items():
        for text in texts:
            lighter, darker = sorted((ground, luminance(page.colour(text, "color"))), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= contrast, text


def luminance(colour):
    """Compute the relative luminance of "rgb(r, g, b)", as the guidelines define it."""
    srgb = np.array(re.findall(r"\d+", colour)[:3], float) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)
