"""The README: its snippet runs as it stands, and a second seed in it starts at once."""

import re
from pathlib import Path

from mnist_sum.learning.epoch import _take_steps

README = (Path(__file__).parents[1] / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_first_snippet_trains_two_seeds_by_one_program(capsys):
    assert "for seed in (1, 2):" in SNIPPETS[0]
    programs = _take_steps._cache_size()
    exec(compile(SNIPPETS[0], "README.md", "exec"), {})
    assert _take_steps._cache_size() == programs + 1
    *_, evaluated, _ = capsys.readouterr().out.strip().splitlines()
    for output in ("digit", "sum"):
        assert float(re.search(rf"'{output}_accuracy': ([\d.]+)", evaluated)[1]) > 0.9
