# SPDX-License-Identifier: Apache-2.0
"""Goal: doctor says what a bucket would do to the journals by itself, and when it could not look.

Method: the program itself, against the S3 server that checks signatures (support/fault_store.py),
with the answers of AWS; and what real servers and the other clouds' emulators make of the question.
"""
import json
import os
import re
import subprocess
import time
import urllib.request

import pytest
from support.fault_store import BUCKET, FaultStore
from support.object_stores import STORES
from support.sidecar import ROOT, Sidecar, free_port

STEPWELL = ROOT / "build/dev/sidecar/stepwell"

EXPIRES = ("<LifecycleConfiguration><Rule><ID>tidy up</ID><Filter><Prefix>pre/</Prefix></Filter><Status>"
           "Enabled</Status><Expiration><Days>90</Days></Expiration></Rule></LifecycleConfiguration>")
VERSIONED = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


def doctor(url, *options, environment, json_too=True, codes=(0,)):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "AZURE_"))}
    done = subprocess.run([STEPWELL, "doctor", url, "--tries", "1", *options,
                           *(["--json"] if json_too else [])], text=True, capture_output=True,
                          timeout=60, check=False, env={**clean, **environment})
    assert done.returncode in codes, done.stderr
    if not json_too:
        return done.stdout
    checks = json.loads(done.stdout)["checks"]
    assert codes != (0,) or all(check["ok"] for check in checks)
    return {check["name"]: (check["state"], check["text"]) for check in checks}


@pytest.fixture
def store():
    with FaultStore() as running:
        yield running


def ask(store, **more):
    return doctor(f"s3://{BUCKET}/pre", "--store-endpoint", store.endpoint,
                  environment=store.environment(), **more)


def test_a_bucket_without_rules_is_fine(store):
    checks = ask(store)
    assert checks["lifecycle"] == ("OK", "no rule deletes or moves the journals' objects")
    assert checks["versioning"] == ("OK", "off")


def test_a_rule_that_would_destroy_the_journals_is_named(store):
    store.settings = {"lifecycle": EXPIRES, "versioning": VERSIONED}
    checks = ask(store)
    assert checks["lifecycle"] == ("WARNING", 'a rule "tidy up" for "pre/" deletes objects by their age')
    assert checks["versioning"][0] == "WARNING"
    text = ask(store, json_too=False)
    assert 'lifecycle  WARNING  a rule "tidy up"' in text


def test_what_may_not_be_read_is_said_and_no_failure(store):
    store.settings = {"lifecycle": None, "versioning": "<html>no</html>"}
    checks = ask(store)
    assert checks["lifecycle"][0] == "UNKNOWN" and "AccessDenied" in checks["lifecycle"][1]
    assert checks["versioning"][0] == "UNKNOWN"


@pytest.mark.parametrize("name, states", [
    ("versitygw", {"OK", "UNKNOWN"}), ("gcs", {"OK", "UNKNOWN"}), ("azurite", {"UNKNOWN"}),
    ("directory", {None})])
def test_other_servers_are_asked_too(name, states, tmp_path):
    with STORES[name](tmp_path) as where:
        endpoint = ("--store-endpoint", where.endpoint) if where.endpoint else ()
        checks = doctor(where.url, *endpoint, environment=where.environment, codes=(0, 1))
    for setting in ("lifecycle", "versioning"):
        assert checks.get(setting, (None,))[0] in states, checks[setting]
    if name == "azurite":
        assert "management API" in checks["lifecycle"][1]


def test_a_signature_that_ends_soon_is_warned_of(tmp_path):
    """Nobody renews it, so it must be said while there is time: by doctor, serve and a metric."""
    with STORES["azurite_by_sas"](tmp_path) as where:
        endpoint = ("--store-endpoint", where.endpoint)
        checks = doctor(where.url, *endpoint, environment=where.environment)
        assert checks["access"] == ("WARNING", "the credentials end in 0 hours and cannot be renewed")
        port = free_port()
        arguments = ["--store", where.url, *endpoint, "--journal", "j", "--metrics-listen",
                     f"127.0.0.1:{port}"]
        with Sidecar(tmp_path, *arguments, environment=where.environment) as sidecar:
            for _ in range(300):
                if "credentials for the object store end soon" in sidecar.log():
                    break
                time.sleep(0.1)
            assert "credentials for the object store end soon" in sidecar.log()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=9) as answer:
                text = answer.read().decode()
    end = float(re.search(r"^stepwell_store_access_end_timestamp_seconds (\S+)$", text, re.M)[1])
    assert 0 < end - time.time() <= 3600


def test_credentials_that_are_renewed_have_no_end(tmp_path):
    with STORES["azurite"](tmp_path) as where:
        checks = doctor(where.url, "--store-endpoint", where.endpoint, environment=where.environment)
    assert "access" not in checks
