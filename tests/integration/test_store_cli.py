# SPDX-License-Identifier: Apache-2.0
"""Commands that look into an object store, with and without a sidecar that ships to it."""

import pytest
from cli import parsed, populate, stepwell
from conftest import Client, Sidecar
from store import Store, all_shipped, serve


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A store with the runs of cli.populate, and the stopped sidecar that shipped them."""
    store = Store(tmp_path_factory.mktemp("place") / "store")
    folder = tmp_path_factory.mktemp("sidecar")
    sidecar = serve(Sidecar(str(folder), *store.arguments()))
    with sidecar.channel() as channel:
        populate(Client(channel))
        all_shipped(Client(channel))
    assert sidecar.stop() == 0, sidecar.log()
    return store, sidecar


@pytest.mark.parametrize("words", [("runs",), ("show", "order-17", "--inputs"), ("journal",)])
def test_a_store_looks_like_the_file(place, words):
    store, sidecar = place
    there = stepwell(*words, "--json", "--store", store.url).stdout
    here = stepwell(*words, "--json", "--file", sidecar.folder / "data").stdout
    assert there == here and "order-17" in there


def test_looking_leaves_nothing_behind(place, tmp_path):
    store, _ = place
    before = sorted(store.folder.rglob("*"))
    stepwell("runs", "--store", store.url, environment={"TMPDIR": str(tmp_path)})
    stepwell("show", "no-such-run", "--store", store.url, code=5,
             environment={"TMPDIR": str(tmp_path)})
    assert list(tmp_path.iterdir()) == [] and sorted(store.folder.rglob("*")) == before


def test_restore_copies_all_or_a_beginning(place, tmp_path):
    store, sidecar = place
    whole = parsed("restore", "--from", store.url, "--to", tmp_path / "whole")
    newest = parsed("journal", "--file", sidecar.folder / "data", "--limit", "1")
    assert whole["journal"] == "j" and whole["records"] == whole["lsn"] > newest["lsn"]
    assert parsed("verify", tmp_path / "whole")["records"] == whole["lsn"]
    part = parsed("restore", "--from", store.url, "--to", tmp_path / "part", "--at", "5")
    assert part["lsn"] == 5
    lines = stepwell("journal", "--json", "--file", tmp_path / "whole").stdout.splitlines()
    assert stepwell("journal", "--json", "--file", tmp_path / "part").stdout.splitlines() == lines[:5]
    none = stepwell("restore", "--from", store.url, "--to", tmp_path / "none", "--at",
                    "2001-01-01T00:00:00Z", code=None)
    assert none.returncode in (0, 1, 5)
    late = parsed("restore", "--from", store.url, "--to", tmp_path / "late", "--at",
                  "2101-01-01T00:00:00.5Z")
    assert late["lsn"] == whole["lsn"]
    assert "journal" in stepwell("restore", "--from", store.url, "--to", tmp_path / "whole",
                                 code=1).stderr


def test_verify_reads_every_object_and_names_the_damaged_one(place, tmp_path):
    import shutil

    store, _ = place
    right = parsed("verify", store.url)
    assert right["ok"] and right["journal"] == "j" and right["fences"] == 1
    assert "is right" in stepwell("verify", store.url, "--journal", "j").stdout
    copy = Store(tmp_path / "copy")
    shutil.copytree(store.folder, copy.folder, dirs_exist_ok=True)
    victim = copy.log / copy.segments()[1]
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    wrong = parsed("verify", copy.url, code=2)
    assert not wrong["ok"] and wrong["bad_object"].endswith(victim.name)


def test_which_journal_must_be_clear(place, new_sidecar, tmp_path):
    store, _ = place
    empty = Store(tmp_path / "empty")
    assert "no journal" in stepwell("runs", "--store", empty.url, code=5).stderr
    assert stepwell("runs", "--store", store.url, "--journal", "other", code=None).returncode != 0
    two = Store(tmp_path / "two")
    for name in ("a", "b"):
        sidecar = serve(new_sidecar("--store", two.url, "--journal", name))
        assert sidecar.stop() == 0
    assert "a, b" in stepwell("runs", "--store", two.url, code=1).stderr
    assert parsed("runs", "--store", two.url, "--journal", "a") == {"runs": []}


def test_doctor_tries_everything_out(place):
    store, _ = place
    report = parsed("doctor", store.url, "--tries", "5")
    assert report["ok"] and report["journals"] == 1
    assert [check["name"] for check in report["checks"]] == [
        "create", "get", "list", "condition", "delete", "clock"]
    assert 0 < report["create_p50_us"] <= report["create_p99_us"]
    assert "condition  ok" in stepwell("doctor", store.url, "--tries", "1").stdout
    assert "none of" in stepwell("doctor", "nowhere://x", code=1).stderr


def test_status_and_drain_tell_of_the_store(new_sidecar, tmp_path):
    store = Store(tmp_path / "store")
    sidecar = serve(new_sidecar(*store.arguments("--ship-interval", "1h")))
    where = ("--addr", sidecar.address)
    with sidecar.channel() as channel:
        lease = Client(channel).start("r")
        Client(channel).begin("r", lease, "k", effect=1)
        behind = parsed("status", *where)
        assert behind["store"]["shipped_lsn"] < behind["lsn"] and behind["store"]["lag_ms"] >= 0
        assert "records (" in stepwell("status", *where).stdout
        assert parsed("drain", *where)["lsn"] == behind["lsn"]
    text = stepwell("status", *where).stdout
    assert f"store      {store.url}  ANSWERING\n" in text
    assert f"shipped    up to {behind['lsn']}, everything; a segment takes " in text
    assert "durable up to" in stepwell("drain", *where).stdout
