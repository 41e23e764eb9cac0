"""The page to draw on, in a browser: it answers as the library does, whatever draws on it."""

import json
import re

import jax
import numpy as np
import pytest

from experiments.draw_page import make_page
from mnist_sum.data import load
from mnist_sum.errors import InputError
from mnist_sum.files.weights import load_pretrained
from mnist_sum.learning.evaluate import predict_outputs
from mnist_sum.learning.network import Network
from mnist_sum.learning.predict import predict_probabilities
from mnist_sum.reading import ink
from mnist_sum.reading.answer import name_best
from mnist_sum.reading.image import read_image
from mnist_sum.recipe import Recipe

pytest.importorskip("selenium")
from selenium.webdriver.common.keys import Keys

from tests.browser import DIGITS, Page, lean, start_browser

pytestmark = pytest.mark.browser
browser = pytest.fixture(start_browser, scope="module")

NOTHING = "? 5 ?"
DOUBTFUL = ["39,27 55,15 52,50 50,86"]  # a 7 or a 1
PREPARED = "[...prepare(readInk(), INK_SIDE).pixels]"
CONSTANTS = (
    "SIDE, BOX, CENTRE, INK, THINNEST, THICKEST, SPECK, OTHER, NEAR, MIN_BOX, FARTHEST, UPRIGHT"
)
REFUSED = {
    "two digits": ["15,25 12,75", "68,32 80,30 91,37 89,47 77,52 90,56 92,66 83,74 66,72"],
    "a dot": ["50,50"],
}
SCREENS = {"wide": (1280, 720), "phone": (390, 844), "small phone": (320, 568)}
CONTRASTS = {  # at least: Web Content Accessibility Guidelines, AA
    **dict.fromkeys(["#digit", "#sum"], 3.0),  # which are large
    **dict.fromkeys(["h1", "#number", "#sum-note", "figcaption", ".bars span"], 4.5),
    **dict.fromkeys(["#choices label", "footer", "#notice"], 4.5),
}


@pytest.fixture(scope="module")
def network():
    return load_pretrained()


@pytest.fixture(scope="module")
def address(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "draw.html"
    path.write_text(make_page(network), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    browser.get_log("performance")
    yield Page(browser, address)
    assert browser.get_log("browser") == []  # no error, no warning
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"].endswith("WillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == [address]  # nothing else


@pytest.mark.parametrize("adder", ["mlp", "exact"])
def test_page_answers_as_the_library_does(browser, network, adder, tmp_path):
    if adder == "exact":
        encoder = {kind: {"encoder": x["encoder"]} for kind, x in network.variables.items()}
        network = Network(Recipe(adder="exact"), encoder)
    path = tmp_path / "draw.html"
    path.write_text(make_page(network), encoding="utf-8")
    image = load("sample").test.image
    number = np.arange(len(image)) % 10
    pixels = image.reshape(-1, 28 * 28).tolist()
    every = "arguments[0].map((pixels, index) => predict(pixels, arguments[1][index]))"
    answers = Page(browser, path.as_uri()).ask(every, pixels, number.tolist())
    digits, sums = predict_outputs(network, image)
    sums = jax.nn.log_softmax(sums[np.arange(len(number)), number])
    for name, expected in (("digit", digits), ("sum", sums)):
        assert [x[name] for x in answers] == expected.argmax(1).tolist()
        found = [x[f"{name}LogProbabilities"] for x in answers]
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize(
    ("digit", "pointer", "size"),
    [
        *((digit, "mouse", 1.0) for digit in DIGITS),
        *((3, "touch", 1.0), (3, "pen", 1.0)),
        *((3, "mouse", 0.2), (7, "mouse", 0.2), (3, "mouse", 1.25), (7, "mouse", 1.25)),
    ],
)
def test_a_drawn_digit_is_read_as_the_command_reads_it(page, network, digit, pointer, size):
    page.draw(DIGITS[digit], pointer, size)
    check_as_the_command(page, network, digit)


@pytest.mark.parametrize(("digit", "degrees"), [(1, -50), (4, 40), (7, 35)])
def test_a_digit_that_leans_far_is_turned_back_as_the_command_does(page, network, digit, degrees):
    page.draw(lean(DIGITS[digit], degrees))
    check_as_the_command(page, network, digit)


def check_as_the_command(page, network, digit):
    assert page.equation() == f"{digit} 5 {digit + 5}"
    image = read_image(page.picture())
    assert np.abs(page.ask(PREPARED) - image.ravel().astype(int)).mean() < 4  # of 255
    expected = predict_probabilities(network, image, 5).digit
    np.testing.assert_allclose(page.bars("digit"), expected, atol=0.05)


@pytest.mark.parametrize("kind", REFUSED)
def test_what_the_command_refuses_is_refused_in_its_words(page, kind):
    page.draw(REFUSED[kind])
    assert page.equation() == NOTHING
    with pytest.raises(InputError) as caught:
        read_image(page.picture())
    sentence = str(caught.value).replace("image", "The drawing", 1)
    assert page.find("notice").text == sentence
    assert page.told() == sentence


def test_the_runner_up_is_named_in_doubt(page, network):
    page.draw(DOUBTFUL)
    [doubt] = re.findall(r"perhaps 7, \d\d %; or 1, \d\d %", page.find("notice").text)
    assert page.told().startswith(f"Digit {doubt}. Plus 5 makes perhaps 12, ")
    answer = predict_probabilities(network, read_image(page.picture()), 5)
    assert name_best(np.asarray(answer.digit)).startswith("perhaps 7, ")
    probabilities = np.array([0.01, 0.3, 0, 0, 0, 0.07, 0, 0.62, 0, 0]).clip(1e-9)
    log = np.log(probabilities).tolist()
    said = page.ask("nameDoubt({ sum: 7, sumLogProbabilities: arguments[0] }, 'sum')", log)
    assert said == name_best(probabilities) == "perhaps 7, 62 %; or 1, 30 %"


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
    page.browser.switch_to.active_element.send_keys(Keys.CONTROL, "z")
    assert page.equation() == "4 5 9"
    page.press(Keys.BACKSPACE, Keys.BACKSPACE)
    assert page.equation() == NOTHING
    assert not page.find("undo").is_enabled()
    assert not page.find("clear").is_enabled()


def test_keys_draw_and_choose_the_number_which_a_click_does_too(page):
    page.press(Keys.TAB)
    page.press(*(Keys.UP,) * 15, Keys.SPACE, *(Keys.DOWN,) * 30, Keys.SPACE, *(Keys.LEFT,) * 20)
    assert page.equation() == "1 5 6"
    assert page.find("pen").is_displayed()
    page.press("0")
    assert page.equation() == "1 0 1"
    page.find("choices").find_element("xpath", "label[10]").click()
    assert page.equation() == "1 9 10"
    page.press(Keys.LEFT)
    assert page.equation() == "1 8 9"


def test_bars_pixels_constants_and_speech_are_of_the_answer(page):
    assert page.ask(f"[{CONSTANTS}]") == [getattr(ink, name) for name in CONSTANTS.split(", ")]
    page.draw(DIGITS[7])
    answer = page.ask("predict(prepare(readInk(), INK_SIDE).pixels, 5)")
    for name, count in (("digit", 10), ("sum", 19)):
        assert len(page.bars(name)) == count
        expected = np.exp(answer[f"{name}LogProbabilities"])
        np.testing.assert_allclose(page.bars(name), expected, atol=1e-4)
    shown = page.ask("[...imageContext.getImageData(0, 0, 28, 28).data]")
    assert shown[3::4] == page.ask(PREPARED)
    assert re.fullmatch(r"Digit 7, \d+\.\d %\. Plus 5 makes 12, \d+\.\d %\.", page.told())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_page_fits_the_screen_and_is_readable(page, screen, scheme, tmp_path):
    page.show(*SCREENS[screen], scheme)
    page.draw(DOUBTFUL)
    assert page.equation() == "7 5 12"
    page.browser.save_screenshot(str(tmp_path / f"{screen} {scheme}.png"))  # to be looked at
    assert page.ask("document.documentElement.scrollWidth") <= SCREENS[screen][0]
    ground = luminance(page.colour("body", "background-color"))
    assert (ground > 0.5) == (scheme == "light")
    for text, contrast in CONTRASTS.items():
        darker, lighter = sorted((ground, luminance(page.colour(text, "color"))))
        assert (lighter + 0.05) / (darker + 0.05) >= contrast, text


def luminance(colour):
    """Compute the relative luminance of "rgb(r, g, b)", as the guidelines define it."""
    srgb = np.array(re.findall(r"\d+", colour)[:3], float) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)
