"""Speeds, from the records of the bench, and kernels, from the limits of the GPU's programs."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from experiments.report.tables import Row, markdown_table
from experiments.workshop.benchmark.results import compare, is_quiet, run_sentences
from experiments.workshop.benchmark.worker import Figures
from experiments.workshop.documents.records import RESULTS, read_benches
from experiments.workshop.gpu.launches import PROGRAMS


def ratios(records: Path) -> str:
    """Say what each bench comes to."""
    paragraphs = []
    for name, bench in read_benches(records):
        title = f"`{bench['config']}`, {bench['device']} ([record]({RESULTS}/bench/{name}))"
        if "runs" in bench:  # seeds trained to the end
            said = "\n".join(f"- {sentence}" for sentence in run_sentences(bench["runs"]))
            paragraphs.append(f"{title}:\n\n{said}")
        else:
            head = (title, "ours, images a second", "PyTorch", "ours to PyTorch, round by round")
            paragraphs.append(markdown_table([head, *map(ratio_row, bench["groups"])]))
    return "\n\n".join(paragraphs)


def ratio_row(group: Figures) -> Row:
    """Set ours beside the fastest of PyTorch's ways, where that is known."""
    ratio, (ours, *others) = compare(group["rows"]), group["rows"]
    theirs = [speed_of(row) for row in others if ratio and row["what"] == ratio["to"]]
    return (group["on"], speed_of(ours), *(theirs or ["not known"]), ratio_of(group))


def speeds(records: Path) -> str:
    """Give what each bench has measured: the speed of every way, and of ours the rest."""
    paragraphs = []
    for name, bench in read_benches(records):
        if "groups" in bench:
            table = markdown_table(speed_rows(bench["groups"]))
            paragraphs += [title_of(name, bench), table, rest_of(bench["groups"][-1])]
    return "\n\n".join(paragraphs)


def title_of(name: str, bench: Figures) -> str:
    """Say what was measured, where, by which versions, and how often."""
    group = bench["groups"][-1]
    ours, *others = (row for row in group["rows"] if "cannot" not in row)
    torch = dict.fromkeys(f", PyTorch {other['facts']['torch']}" for other in others)
    return (
        f"Batches of {bench['fields']['batch_size']} of `{bench['config']}`, {bench['device']}, "
        f"JAX {ours['facts']['jax']}{''.join(torch)} ([record](../{RESULTS}/bench/{name})); images "
        f"a second, median (least to most) of {len(ours['images_per_second'])} rounds of "
        f"{group['steps']} steps a call:"
    )


def speed_rows(groups: Sequence[Figures]) -> list[Row]:
    """List a way a row, and in columns on what it was measured; at last the ratios."""
    ways = dict.fromkeys(row["what"] for group in groups for row in group["rows"])
    rows: list[Row] = [
        (way, *(speed_of(row) for group in groups for row in group["rows"] if row["what"] == way))
        for way in ways
    ]
    head = ("", *(group["on"] for group in groups))
    ratio = ("**ours to the fastest in float32, round by round**", *map(ratio_of, groups))
    return [head, *rows, ratio]


def speed_of(row: Figures) -> str:
    """Write the speed of a way, or that there is none."""
    if "cannot" in row:
        return "not measured"
    values = row["images_per_second"]
    disturbed = "" if is_quiet(row) else ", disturbed"
    return f"{median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f}){disturbed}"


def ratio_of(group: Figures) -> str:
    """Write how much faster ours is, if that is known."""
    ratio = compare(group["rows"])
    if ratio is None:
        return "not known"
    return f"**{ratio['median']:.2f}** ({ratio['least']:.2f} to {ratio['most']:.2f})"


def rest_of(group: Figures) -> str:
    """Say what else was measured of ours."""
    facts, evaluation = group["rows"][0]["facts"], group["evaluation"]
    return (
        f"On {group['on']}, compiling a training step takes {facts['compile_seconds']:.1f} s, and "
        f"evaluation reads {evaluation['evaluated_images_per_second']:,.0f} images a second, each "
        "with all ten numbers."
    )


def kernels(_: Path) -> str:
    """List what each program may launch on an H100; make gpu-compile counts what it does."""
    rows = [(name, *limit) for name, (_, limit) in PROGRAMS.items()]
    return markdown_table([("program", "kernels", "launches", "host loops"), *rows])
