"""The oldest versions that are tested are those that are promised."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTED = ("data", "picture", "experiments", "export", "test")


def test_the_oldest_versions_are_those_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [project["optional-dependencies"][extra] for extra in TESTED]
    wanted = dict(
        re.match(r"([\w-]+)>=([\d.]+)", requirement).groups()
        for requirement in sum(extras, project["dependencies"])
        if not requirement.startswith("mnist_sum[")
    )
    lines = (ROOT / ".github" / "oldest.txt").read_text().splitlines()
    tested = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert tested.pop("jaxlib") == tested["jax"]
    assert tested.keys() == wanted.keys()
    for name, version in wanted.items():
        assert re.fullmatch(rf"{re.escape(version)}(\.0)*", tested[name]), name
