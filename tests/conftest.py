# SPDX-License-Identifier: Apache-2.0
"""What every Python test here may use: `from support.sidecar import Sidecar`, and these."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory):
    """A sidecar on a Unix socket and on TCP, one for the module."""
    from support.sidecar import Sidecar

    with Sidecar(tmp_path_factory.mktemp("sidecar"), tcp=True) as running:
        yield running
