"""What is checked in and made by a command is what the command makes now."""

from pathlib import Path

from experiments.draw_page import make_page
from mnist_sum.files.weights import load_pretrained

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_to_draw_on_has_the_network_of_the_package():
    page = (DOCS / "draw.html").read_text(encoding="utf-8")
    assert page == make_page(load_pretrained()), "python -m experiments.draw_page makes it anew"
