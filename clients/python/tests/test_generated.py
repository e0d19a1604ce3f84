# SPDX-License-Identifier: Apache-2.0
"""The generated messages live beside other copies of the same files."""

import subprocess
import sys

import pytest
from google.protobuf.internal import api_implementation

BESIDE = """
{first}
{second}
assert Status.DESCRIPTOR.full_name == "google.rpc.Status"
assert ErrorInfo(reason="R").SerializeToString() == Ours(reason="R").SerializeToString()
"""
THEIRS = """
from google.rpc.status_pb2 import Status
from google.rpc.error_details_pb2 import ErrorInfo
"""
OURS = "import stepwell; from stepwell._proto.stepwell.error.status_pb2 import ErrorInfo as Ours"


@pytest.mark.parametrize("order", [(THEIRS, OURS), (OURS, THEIRS)], ids=["after", "before"])
@pytest.mark.parametrize("implementation", ["default", "python"])
def test_googleapis_can_be_loaded_too(order, implementation, monkeypatch):
    pytest.importorskip("google.rpc.status_pb2", reason="googleapis-common-protos is not here")
    if implementation != "default":
        monkeypatch.setenv("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", implementation)
    code = BESIDE.format(first=order[0], second=order[1])
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


@pytest.mark.skipif(api_implementation.Type() == "python", reason="its pools share files")
def test_the_default_pool_is_left_alone():
    code = (
        "import stepwell; from google.protobuf import descriptor_pool as p\n"
        "try: p.Default().FindFileByName('stepwell/v1/types.proto')\n"
        "except KeyError: raise SystemExit(0)\n"
        "raise SystemExit('registered')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
