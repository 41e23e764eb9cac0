"""Counting what a program launches in what XLA writes of it."""

import pytest

from experiments.workshop.gpu.target import Launches, read_thunks

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
    ("text", "launches"),
    [
        (ONE_GRAPH, Launches(kernels=3, calls=1, host_loops=0)),
        (LOOP_ON_THE_HOST, Launches(kernels=4, calls=4, host_loops=1)),
        (NO_LOOP, Launches(kernels=2, calls=2, host_loops=0)),
    ],
)
def test_kernels_of_a_turn_and_launches_of_a_call(text, launches):
    assert read_thunks(text) == launches
