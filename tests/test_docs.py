"""What is checked in agrees: pages with what makes them, map and links with files, versions."""

import re
import tomllib
from pathlib import Path

from experiments.draw_page import make_page
from mnist_sum.files.weights import load_pretrained
from mnist_sum.version import VERSION

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS_TESTED = ("data", "picture", "experiments", "export", "test")


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


def test_the_citation_is_of_the_package_in_its_version():
    cited = dict(re.findall(r"^([a-z-]+): (.+)$", (ROOT / "CITATION.cff").read_text(), re.M))
    assert cited["cff-version"] == "1.2.0"
    assert cited["title"] == PROJECT["name"]
    assert cited["version"] == VERSION
    assert cited["license"] == PROJECT["license"]


def test_the_oldest_versions_that_are_tested_are_those_that_are_promised():
    extras = [PROJECT["optional-dependencies"][extra] for extra in EXTRAS_TESTED]
    wanted = dict(
        re.match(r"([\w-]+)>=([\d.]+)", requirement).groups()
        for requirement in sum(extras, PROJECT["dependencies"])
        if not requirement.startswith("mnist_sum[")
    )
    lines = (ROOT / ".github" / "oldest.txt").read_text().splitlines()
    tested = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert tested.pop("jaxlib") == tested["jax"]
    assert tested.keys() == wanted.keys()
    for name, version in wanted.items():
        assert re.fullmatch(rf"{re.escape(version)}(\.0)*", tested[name]), name
