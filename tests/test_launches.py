"""Programs are written for a GPU as for a processor, and what they launch there is counted."""

import re
import subprocess

import jax
import pytest

from experiments.workshop.gpu.launches import PROGRAMS, read_thunks, trace
from tests.commands import ROOT

ONE_GRAPH = """\
000: kCommandBuffer [source | sink]
    001: kCopy         [source        | next=003 (1)] kCopy
    002: kWhile        [prev=001 (1)  | sink        ]
condition:
        003: kCustomKernel [source | sink] loop_compare_fusion
      body:
        004: kConvolution  [source        | next=005 (1)] kConvolution
        005: kCustomKernel [prev=004 (1)  | sink        ] loop_add_fusion
    006: kCustomKernel [prev=002 (1)  | sink        ] loop_add_fusion_1
"""
LOOP_ON_THE_HOST = """\
000: kCopy [source | next=001 (1)] kCopy
001: kWhile [prev=000 (1)  | sink        ]
  condition:
    002: kCustomKernel [source | sink] loop_compare_fusion
  body:
    003: kConvolution  [source        | next=004 (1)] kConvolution
    004: kCommandBuffer [prev=003 (1)  | sink        ]
        005: kCustomKernel [source | sink] loop_add_fusion
        006: kCustomKernel [source | sink] loop_add_fusion_1
"""
NO_LOOP = """\
000: kConvolution [source | next=001 (1)] kConvolution
001: kCustomKernel [prev=000 (1)  | sink        ] loop_add_fusion
"""


@pytest.mark.parametrize(
    ("text", "counted"),
    [(ONE_GRAPH, (3, 1, 0)), (LOOP_ON_THE_HOST, (4, 3, 1)), (NO_LOOP, (2, 2, 0))],
)
def test_kernels_launches_and_host_loops_are_counted(text, counted):
    assert tuple(read_thunks(text).values()) == counted


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_lowered_for_cuda_and_cpu_and_never_call_python(name):
    """It needs neither card nor CUDA; a call of Python would need the host in every step."""
    lowered = trace(name, jax.devices()[0]).lower(lowering_platforms=("cuda", "cpu"))
    assert "callback" not in lowered.as_text()


def test_its_environment_has_what_its_configs_import():
    command = ["make", "--dry-run", "--always-make", "gpu-compile"]
    printed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    (installed,) = re.findall(r"pip install .*", printed)
    assert "'.[experiments]'" in installed
