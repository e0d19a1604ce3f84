# SPDX-License-Identifier: Apache-2.0
"""Owners that follow each other on one object store: fenced, frozen, replaced, restarted."""

import random
import signal
import sys
import time

import grpc
from cli import stepwell
from conftest import REPOSITORY, Client, control, refused, types
from store import all_shipped, serve, status
from test_store import NONE, begin, store  # noqa: F401 (a fixture)

sys.path.insert(0, str(REPOSITORY / "tests/support"))
from fault_store import BUCKET, Answer, FaultStore  # noqa: E402

# ruff: noqa: F811 (the fixture's name is the parameter's)


class LogAwayStore(FaultStore):
    """When told to, takes fences, which are short, and is away for records."""

    fences_alone = False

    def _put(self, key, request):
        if self.fences_alone and "/log/" in key and len(request.body) > 184:
            raise Answer(503, "SlowDown")
        return super()._put(key, request)


def test_the_older_owner_is_fenced_its_tail_kept_and_it_ends(new_sidecar, store):
    first = serve(new_sidecar(*store.arguments("--ship-interval", "1h")))
    with first.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        assert client.begin("r", lease, "k").execute.attempt == 1
        second = serve(new_sidecar(*store.arguments()))
        assert client.begin("r", lease, "tail", effect=NONE).execute.attempt == 1, "L3: LOCAL goes on"
        refusal = refused(client.agent.BeginStep, begin("other", lease))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "OWNER_FENCED")
    assert first.process.wait(timeout=20) == 3
    assert "fenced" in first.log()
    assert len(store.orphans()) == 1
    with second.channel() as channel:
        client = Client(channel)
        now = status(client)
        assert now.epoch == 2 and now.store.state == control.STORE_STATE_ANSWERING
        lease, _ = client.resume("r")
        assert client.begin("r", lease, "k").in_doubt.attempts == 1
        assert client.begin("r", lease, "tail", effect=NONE).execute.attempt == 1


def test_a_frozen_owner_that_wakes_acknowledges_nothing(new_sidecar, store):
    first = serve(new_sidecar(*store.arguments()))
    with first.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        client.begin("r", lease, "k")
        first.process.send_signal(signal.SIGSTOP)
        serve(new_sidecar(*store.arguments()))
        future = client.agent.BeginStep.future(begin("late", lease), timeout=30)
        first.process.send_signal(signal.SIGCONT)
        assert future.exception().code() in (grpc.StatusCode.ABORTED, grpc.StatusCode.UNAVAILABLE)
    assert first.process.wait(timeout=20) == 3


def test_a_replacement_has_everything_that_was_acknowledged_as_remote(new_sidecar, store):
    first = serve(new_sidecar(*store.arguments("--ship-interval", "1h")))
    with first.channel() as channel:
        client = Client(channel)
        lease = client.start("r", input=types.Payload(data=bytes(range(256)) * 1000))
        for number in range(30):
            client.begin("r", lease, f"k{number}")
            client.complete("r", lease, f"k{number}", output=types.Payload(data=b"%d" % number))
        client.begin("r", lease, "last")
        first.stop(signal.SIGKILL)
    second = serve(new_sidecar(*store.arguments()))
    assert "took the journal over" in second.log() and '"local":"absent"' in second.log()
    with second.channel() as channel:
        client = Client(channel)
        lease, history = client.resume("r")
        done = [step for step in history if step.state == types.STEP_STATE_COMPLETED]
        assert [step.key for step in done] == [f"k{number}" for number in range(30)]
        assert client.begin("r", lease, "last").in_doubt.attempts == 1
        assert client.begin("r", lease, "k7").replay.output.data == b"7"
        assert status(client).store.verified_at_ms > 0


def test_a_restart_on_its_own_disk_ships_its_surplus(new_sidecar, store):
    sidecar = serve(new_sidecar(*store.arguments("--ship-interval", "1h")))
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        client.begin("r", lease, "k", effect=NONE)
        sidecar.stop(signal.SIGKILL)
    serve(sidecar)
    assert '"local":"ahead"' in sidecar.log()
    with sidecar.channel() as channel:
        all_shipped(Client(channel))


def test_a_surplus_found_at_the_start_is_lag_until_it_is_shipped(new_sidecar, tmp_path):
    with LogAwayStore() as far:
        flags = ("--store", f"s3://{BUCKET}", "--store-endpoint", far.endpoint, "--journal", "j",
                 "--ship-interval", "1h")
        sidecar = serve(new_sidecar(*flags, environment=far.environment()))
        with sidecar.channel() as channel:
            client = Client(channel)
            lease = client.start("r")
            client.begin("r", lease, "remote")
            client.begin("r", lease, "k", effect=NONE)
            client.complete("r", lease, "k", output=types.Payload(data=random.randbytes(50000)))
            time.sleep(1)  # of this age it is then
            sidecar.stop(signal.SIGKILL)
        far.fences_alone = True
        serve(sidecar)
        with sidecar.channel() as channel:
            client = Client(channel)
            store = status(client).store
            assert 50_000 < store.lag_bytes < 60_000
            assert store.lag_ms >= 1000
            assert store.shipped_lsn < status(client).lsn
            far.fences_alone = False
            assert all_shipped(client).store.lag_bytes == 0


def test_objects_are_encrypted_with_the_key_and_useless_without(new_sidecar, store, tmp_path):
    key, other = tmp_path / "key", tmp_path / "other"
    key.write_text("ab" * 32 + "\n")
    other.write_text("cd" * 32 + "\n")
    sidecar = serve(new_sidecar(*store.arguments("--store-key-file", str(key))))
    with sidecar.channel() as channel:
        Client(channel).start("r", input=types.Payload(data=b"the secret word" * 9))
    assert sidecar.stop() == 0
    assert not any(b"secret word" in path.read_bytes() for path in store.folder.rglob("*")
                   if path.is_file())
    wrong = new_sidecar(*store.arguments("--store-key-file", str(other)))
    assert wrong.spawn().wait(timeout=20) == 1
    right = serve(new_sidecar(*store.arguments("--store-key-file", str(key))))
    with right.channel() as channel:
        assert Client(channel).control.GetRun(control.GetRunRequest(run_id="r"), timeout=9).run.run_id


def damage(folder):
    """A byte of each page becomes another; the WAL, which may hold good copies, goes."""
    path = folder / "journal.db"
    content = bytearray(path.read_bytes())
    for at in range(4096, len(content), 4096):
        content[at] ^= 0x55
    path.write_bytes(content)
    (folder / "journal.db-wal").unlink()


def test_a_damaged_journal_is_put_aside_and_restored_from_the_store(new_sidecar, store):
    sidecar = serve(new_sidecar(*store.arguments()))
    with sidecar.channel() as channel:
        client = Client(channel)
        lease = client.start("r")
        client.begin("r", lease, "done")
        client.complete("r", lease, "done", output=types.Payload(data=b"7"))
    assert sidecar.stop() == 0
    data = sidecar.folder / "data"
    damage(data)
    serve(sidecar)
    assert '"local":"damaged"' in sidecar.log() and "put aside in damaged-" in sidecar.log()
    assert [path.name for path in data.glob("damaged-*/journal.db")] == ["journal.db"]
    with sidecar.channel() as channel:
        client = Client(channel)
        lease, _ = client.resume("r")
        assert client.begin("r", lease, "done").replay.output.data == b"7"


def test_a_damaged_journal_that_no_store_has_is_refused_and_stays(new_sidecar, store):
    sidecar = new_sidecar("--journal", "j").start()
    assert sidecar.stop() == 0
    data = sidecar.folder / "data"
    damage(data)
    again = new_sidecar(*store.arguments(), "--data", str(data))
    assert again.spawn().wait(timeout=20) == 2
    assert "CORRUPT" in again.log() and "holds no journal" in again.log()
    assert (data / "journal.db").exists() and not list(data.glob("damaged-*"))


def test_a_retired_journal_is_nobody_s(new_sidecar, store):
    sidecar = serve(new_sidecar(*store.arguments()))
    with sidecar.channel() as channel:
        client = Client(channel)
        client.start("r")
        all_shipped(client)
        stepwell("retire", store.url, "--yes")
        client.start("r2")
    assert sidecar.process.wait(timeout=20) == 3, "fenced"
    assert sidecar.spawn().wait(timeout=20) == 1
    assert "JOURNAL_RETIRED" in sidecar.log()
    assert '"r"' in stepwell("runs", "--store", store.url, "--json").stdout
    stepwell("retire", store.url, "--yes", "--delete", code=1)
    stepwell("retire", store.url, "--yes", "--delete", "--after", "0s")
    assert not [path for path in store.folder.rglob("v1/**/*") if path.is_file()]
