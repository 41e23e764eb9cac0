"""What is checked in and made by a command is what the command makes now; the map is complete."""

import re
from pathlib import Path

from experiments.draw_page import make_page
from mnist_sum.files.weights import load_pretrained

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")]


def test_the_page_to_draw_on_has_the_network_of_the_package():
    page = (DOCS / "draw.html").read_text(encoding="utf-8")
    assert page == make_page(load_pretrained()), "python -m experiments.draw_page makes it anew"


def test_the_map_has_each_module_once():
    text = (DOCS / "design.md").read_text(encoding="utf-8")
    items = re.findall(r"^- `([\w/]+/)`: (.*?)(?=\n-|\n\n)", text, re.MULTILINE | re.DOTALL)
    listed = [f"{folder}{name}.py" for folder, row in items for name in re.findall(r"`(\w+)`", row)]
    there = [
        f"{path.relative_to(ROOT)}"
        for package in ("mnist_sum", "experiments")
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py"
    ]
    assert sorted(listed) == sorted(there)


def test_links_lead_to_files_and_headings():
    cards = (ROOT / "mnist_sum").rglob("README.md")
    for text in (*TEXTS, *cards):
        for link in re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", text.read_text(encoding="utf-8")):
            target, _, heading = "".join(link).partition("#")
            if not target.startswith("https:"):
                path = text.parent / target if target else text
                assert path.exists(), f"{text}: {target}"
                headings = (
                    re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.M) if heading else []
                )
                anchors = [re.sub(r"[^\w -]", "", x.lower()).replace(" ", "-") for x in headings]
                assert not heading or heading in anchors, f"{text}: #{heading}"
