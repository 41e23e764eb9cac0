"""CITATION.cff says what the package says of itself."""

import re
import tomllib
from pathlib import Path

from mnist_sum.version import VERSION

ROOT = Path(__file__).parents[1]


def test_it_cites_the_package_in_its_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "CITATION.cff").read_text()
    cited = dict(re.findall(r"^([a-z-]+): (.+)$", text, re.MULTILINE))
    assert cited["cff-version"] == "1.2.0"
    assert cited["title"] == project["name"]
    assert cited["version"] == VERSION
    assert cited["license"] == project["license"]
