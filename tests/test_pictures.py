"""What all pictures share: no setting of the user's counts, and nothing is needed but a folder."""

import os
import subprocess
import sys

import matplotlib
import pytest

from experiments.report.pictures import new_figure, our_style, save
from tests.commands import ROOT

DESCRIBE = """
import sys, tempfile
if "no folder" in sys.argv:  # as on a read-only system without /tmp
    tempfile.mkdtemp = lambda **_: open("/dev/null/file")
from experiments.describe import main
sys.exit(main(["--config", "smoke", "--output", "/dev/null/output"]))
"""


def test_what_a_user_has_set_for_other_pictures_changes_nothing(tmp_path):
    @our_style
    def draw(name):
        figure = new_figure(1)
        figure.subplots().set_title("title")
        save(figure, tmp_path / name)
        return (tmp_path / name).read_bytes()

    plain = draw("plain.png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 30}):
        assert draw("set.png") == plain
        assert matplotlib.rcParams["font.size"] == 30
    assert {path.name for path in tmp_path.iterdir()} == {"plain.png", "set.png"}


def test_importing_changes_no_setting_of_the_process():
    code = "import os; before = dict(os.environ); import experiments.report.page; "
    code += "import sys; sys.exit(before != os.environ or 'matplotlib.pyplot' in sys.modules)"
    backend = {"MPLBACKEND": "module://of_a_notebook"}  # that need not be there
    subprocess.run([sys.executable, "-c", code], env=os.environ | backend, cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("argument", "environment"),
    [("no folder", {"MPLCONFIGDIR": "/dev/null/none"}), ("", {"MPLBACKEND": "of-nothing"})],
)
def test_where_matplotlib_cannot_start_one_sentence_names_what_to_set(argument, environment):
    finished = subprocess.run(
        [sys.executable, "-c", DESCRIBE, argument],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        cwd=ROOT,
    )
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.count("\n") == 1
    assert "set MPLCONFIGDIR to a folder that can be written, and MPLBACKEND to" in finished.stderr
