# SPDX-License-Identifier: Apache-2.0
"""No journal goes to a store that ignores conditions, and what finding that out costs."""

import sys

import pytest
from conftest import REPOSITORY
from store import serve

sys.path.insert(0, str(REPOSITORY / "tests/support"))
from fault_store import BUCKET, FaultStore  # noqa: E402


@pytest.mark.parametrize("known", [False, True])
def test_a_store_that_ignores_conditions_is_refused(new_sidecar, known):
    with FaultStore() as far:
        sidecar = new_sidecar("--store", f"s3://{BUCKET}", "--store-endpoint", far.endpoint,
                              "--journal", "j", environment=far.environment())
        if known:
            assert serve(sidecar).stop() == 0
        before = dict(far.objects)
        far.conditions = "ignored"
        assert sidecar.spawn().wait(timeout=30) == 1
        assert "STORE_UNSAFE" in sidecar.log()
        assert far.objects == before


def test_a_known_journal_is_opened_by_few_requests(new_sidecar):
    with FaultStore() as far:
        sidecar = new_sidecar("--store", f"s3://{BUCKET}", "--store-endpoint", far.endpoint,
                              "--journal", "j", environment=far.environment())
        assert serve(sidecar).stop() == 0
        before = len(far.requests)
        serve(sidecar)
        # META again, the fence, and whatever is asked for while the chain is read.
        assert [put.path.rpartition("/v1/j/")[2].partition("/")[0]
                for put in far.requests[before:] if put.method == "PUT"] == ["meta", "log"]
