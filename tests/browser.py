"""A browser without a window, and hands that draw in it; needs the extra `browser`."""

import shutil
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8
from selenium import webdriver
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.remote.webelement import WebElement

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = "headless=new no-sandbox disable-quic disable-background-networking"
LOGS = {"browser": "ALL", "performance": "ALL"}  # the console, and what is fetched

DIGITS = {  # strokes of a hand, in points "x,y": percentages of the paper's side
    0: ["50,15 33,25 27,50 33,75 50,85 67,75 73,50 67,25 52,15"],
    1: ["52,15 51,40 50,65 49,85"],
    2: ["28,30 38,17 58,15 68,28 62,45 42,65 27,83 50,82 74,83"],
    3: ["28,20 48,14 66,22 64,38 44,47 66,53 70,70 55,84 27,80"],
    4: ["33,15 28,50 50,52 72,50", "66,15 64,50 62,86"],
    5: ["33,16 31,44 50,41 66,52 67,68 55,82 30,82", "33,16 50,16 68,15"],
    6: ["60,15 45,30 35,50 32,68 42,84 58,82 66,70 60,57 46,56 35,66"],
    7: ["25,20 50,19 74,19 64,42 54,62 46,86"],
    8: ["62,25 50,15 38,24 42,38 58,52 66,68 52,84 36,74 40,56 56,42 64,28"],
    9: ["66,30 54,18 38,24 36,40 50,48 64,38 66,28 64,55 58,84"],
}


def lean(strokes: Sequence[str], degrees: float) -> list[str]:
    """Turn the strokes of a hand to the right, around the middle of the paper."""
    turn = np.exp(1j * np.radians(degrees))
    leaning = []
    for stroke in strokes:
        points = [complex(*map(float, point.split(","))) for point in stroke.split()]
        turned = 50 + 50j + turn * (np.array(points) - (50 + 50j))
        leaning.append(" ".join(f"{point.real:.1f},{point.imag:.1f}" for point in turned))
    return leaning


def start_browser() -> Iterator[webdriver.Chrome]:
    """Start Chromium with a new and empty profile, and end it after the tests."""
    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, PROGRAMS)))
    for flag in FLAGS.split():
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", LOGS)
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield browser
    browser.quit()


class Page:
    """The page to draw on: what a person does to it, and sees on it."""

    def __init__(self, browser: webdriver.Chrome, address: str) -> None:
        self.browser = browser
        self.show(1280, 720)
        browser.get(address)

    def show(self, width: int, height: int, scheme: str = "light") -> None:
        """Set the size of the window, and whether its owner likes it light or dark."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        preference = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", preference)

    def find(self, name: str) -> WebElement:
        return self.browser.find_element("id", name)

    def ask(self, expression: str, *arguments: Any) -> Any:
        """Evaluate JavaScript on `arguments`, after the frame that is due."""
        self.browser.execute_async_script("requestAnimationFrame(() => arguments[0]())")
        return self.browser.execute_script(f"return {expression}", *arguments)

    def draw(self, strokes: Sequence[str], pointer: str = "mouse", size: float = 1.0) -> None:
        """Draw with a "mouse", a finger ("touch") or a "pen", larger or smaller."""
        pad = self.find("pad")
        side = size * pad.rect["width"]
        for stroke in strokes:
            actions = ActionBuilder(self.browser, mouse=PointerInput(pointer, pointer), duration=20)
            hand = actions.pointer_action
            for index, point in enumerate(stroke.split()):
                x, y = (round((float(percent) / 100 - 0.5) * side) for percent in point.split(","))
                hand.move_to(pad, x, y)
                if index == 0:
                    hand.pointer_down()
            hand.pointer_up()
            actions.perform()

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        webdriver.ActionChains(self.browser, duration=0).send_keys(*keys).perform()

    def equation(self) -> str:
        return self.ask("['digit', 'number', 'sum'].map((id) => find(id).textContent).join(' ')")

    def picture(self) -> UInt8[np.ndarray, "280 280"]:
        """Take the drawing for the command, dark on light."""
        return 255 - np.array(self.ask("[...readInk()]"), np.uint8).reshape(280, 280)

    def bars(self, name: str) -> list[float]:
        """Read the probabilities of a chart."""
        heights = f"[...document.querySelectorAll('#{name}-bars b')].map((b) => b.style.height)"
        return [float(height.removesuffix("%")) / 100 for height in self.ask(heights)]

    def told(self) -> str:
        """Hear what the page says when the hand rests."""
        time.sleep(1)
        return self.ask("find('spoken').textContent")

    def colour(self, selector: str, kind: str) -> str:
        return self.browser.find_element("css selector", selector).value_of_css_property(kind)
