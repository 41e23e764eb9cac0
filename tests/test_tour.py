"""The tour: a notebook that runs from top to bottom, with its outputs beside its code."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.tour

TOUR = Path(__file__).parents[1] / "docs" / "tour.ipynb"


@pytest.fixture(scope="module")
def notebook():
    nbformat = pytest.importorskip("nbformat")
    return nbformat.read(TOUR, as_version=4)


def assert_it_doubts(notebook):
    """Check what is answered for a 1, for a 7, and for what lies between."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    for words in ("digit 1 (", ", plus 5 makes 6 (", "perhaps ", "digit 7 (", "makes 12 ("):
        assert words in text


def test_the_tour_is_checked_in_with_its_outputs(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code" and "import jax" not in cell.source:
            assert cell.outputs, cell.source
    assert_it_doubts(notebook)


@pytest.mark.filterwarnings("default")  # of the client's own libraries
def test_the_tour_runs_from_top_to_bottom_and_reads_the_drawings(notebook):
    client = pytest.importorskip("nbclient").NotebookClient(notebook, timeout=300)
    client.execute(cwd=str(TOUR.parents[1]))
    assert_it_doubts(notebook)
