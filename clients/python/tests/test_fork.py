# SPDX-License-Identifier: Apache-2.0
"""A client crosses a fork; a run does not.

gRPC itself must be told that a process will fork after having used it: its own rule, for
which GRPC_ENABLE_FORK_SUPPORT stands. Each case runs in a process of its own.
"""

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.server

PRELUDE = """
import multiprocessing, os, sys, time
import stepwell
run_id = sys.argv[1]
client = stepwell.connect(patience=10)

def child(queue):
    info = client.start_run(f"{run_id}-{os.getpid()}", task="t")
    with client.run(f"{run_id}-{os.getpid()}-run", task="t") as run:
        queue.put([info.created, run.step("s", lambda: 7, effect=stepwell.NONE), client.holder])

def in_child(method):
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=child, args=(queue,))
    process.start()
    created, value, holder = queue.get(timeout=20)
    process.join(20)
    assert (created, value, process.exitcode) == (True, 7, 0)
    assert str(process.pid) in holder
"""

SPAWNED = """
import multiprocessing, sys
import stepwell

def work(run_id):
    with stepwell.connect(patience=10) as client, client.run(run_id, task="t") as run:
        return run.step("s", lambda: 7, effect=stepwell.NONE)

if __name__ == "__main__":
    with stepwell.connect() as client:
        client.start_run(sys.argv[1], task="t")
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            assert pool.map(work, [sys.argv[1] + "-a", sys.argv[1] + "-b"]) == [7, 7]
"""


def program(sidecar_address, run_id, body, **environment):
    code = PRELUDE + textwrap.dedent(body)
    environment = {**os.environ, "STEPWELL_ADDR": sidecar_address, **environment}
    command = [sys.executable, "-c", code, run_id]
    subprocess.run(command, env=environment, check=True, timeout=50)


def test_a_client_made_before_a_fork_works_after_it(address, run_id):
    """As gunicorn --preload does: imported and made in the parent, used in the children."""
    program(address, run_id, 'in_child("fork"); in_child("fork")')


def test_spawned_processes_have_clients_of_their_own(address, run_id, tmp_path):
    """Nothing to forget: a client is made where it is used."""
    path = tmp_path / "spawned.py"
    path.write_text(SPAWNED)
    environment = {**os.environ, "STEPWELL_ADDR": address}
    subprocess.run([sys.executable, str(path), run_id], env=environment, check=True, timeout=50)


def test_a_client_used_before_a_fork_works_after_it(address, run_id):
    body = """
        client.start_run(run_id, task="t")
        in_child("fork")
        assert client.start_run(run_id, task="t").run_id == run_id
    """
    program(address, run_id, body, GRPC_ENABLE_FORK_SUPPORT="1")


def test_grpc_used_before_an_unsupported_fork_is_an_error_and_not_a_hang(address, run_id):
    body = """
        client.start_run(run_id, task="t")
        pid = os.fork()
        if pid == 0:
            try:
                client.start_run(run_id, task="t")
            except stepwell.ProgramError as error:
                os._exit(5 if "GRPC_ENABLE_FORK_SUPPORT" in str(error) else 6)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
        client.start_run(run_id, task="t")
    """
    program(address, run_id, body, GRPC_ENABLE_FORK_SUPPORT="0")


def test_a_run_held_across_a_fork_stays_with_the_parent(address, run_id):
    body = """
        with client.run(run_id, task="t") as run:
            run.step("a", lambda: 1, effect=stepwell.NONE)
            pid = os.fork()
            if pid == 0:
                try:
                    run.step("b", lambda: 2, effect=stepwell.NONE)
                except stepwell.ProgramError:
                    os._exit(5)
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
            assert run.step("b", lambda: 3, effect=stepwell.NONE) == 3
    """
    program(address, run_id, body, GRPC_ENABLE_FORK_SUPPORT="1")


def test_a_child_that_leaves_in_order_does_not_end_its_parents_run(address, run_id):
    body = """
        with client.run(run_id, task=run_id) as run:
            run.step("a", lambda: 1, effect=stepwell.NONE)
            pid = os.fork()
            if pid == 0:
                run.close()
                sys.exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
            time.sleep(0.3)
            assert not run.fenced
            assert run.step("b", lambda: 3, effect=stepwell.NONE) == 3
            assert client.claim([run_id]) is None
    """
    program(address, run_id, body, GRPC_ENABLE_FORK_SUPPORT="1")
