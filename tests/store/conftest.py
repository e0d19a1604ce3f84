# SPDX-License-Identifier: Apache-2.0
"""The stores that the tests of this folder share: each is started once, when it is first asked for."""
import contextlib

import pytest
from support.object_stores import STORES


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    """name -> the store of that name."""
    running = {}
    with contextlib.ExitStack() as stack:
        def get(name):
            if name not in running:
                running[name] = stack.enter_context(STORES[name](tmp_path_factory.mktemp(name)))
            return running[name]

        yield get
