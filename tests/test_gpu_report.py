"""The report of a GPU: its parts, what is kept of them, and what goes wrong in them."""

import json

from experiments.workshop.gpu import parts, report
from experiments.workshop.gpu.report import main, write_page


def test_a_part_that_fails_stops_no_other_and_what_is_done_is_kept(tmp_path, monkeypatch, capsys):
    done = []

    def fails(work):
        work.call("nothing", "-c", "raise SystemExit(3)")

    def works(work):
        done.append(work.small)
        printed = work.call("hello", "-c", "import os; print(os.environ['NAME'])", NAME="you")
        return {"said": printed.strip(), "run": {"seconds": 1.23456789}}

    monkeypatch.setattr(parts, "PARTS", {"fails": fails, "works": works})
    assert main(["--output", str(tmp_path), "--small"]) == 0
    figures = json.loads((tmp_path / "report.json").read_text())
    assert "exit status 3" in figures["fails"]["failed"]
    assert figures["works"]["said"] == "you"
    assert "| run | 1.2346 |" in (tmp_path / "report.md").read_text()
    main(["--output", str(tmp_path)])
    assert done == [True]
    assert main(["--output", str(tmp_path), "--parts", "nonsense"]) == 2
    assert "there are fails, works" in capsys.readouterr().err


def test_a_part_has_its_time_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "PART_SECONDS", 0)
    sleeps = {"sleeps": lambda work: work.call("sleep", "-c", "import time; time.sleep(60)")}
    monkeypatch.setattr(parts, "PARTS", sleeps)
    assert main(["--output", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "report.json").read_text())
    assert figures["sleeps"]["failed"] == "took more than 0 s"
    assert figures["sleeps"]["part_seconds"] < 30


def test_the_page_has_a_row_for_each_training():
    page = write_page({"graphs": {"whole": {"epochs": 5}, "parts": {"epochs": 4}, "all": [1]}})
    assert page == (
        "# What a GPU does\n\n## graphs\n\n- all: in report.json\n\n"
        "|  | epochs |\n| --- | --- |\n| whole | 5 |\n| parts | 4 |\n"
    )
