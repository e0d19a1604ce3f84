# SPDX-License-Identifier: Apache-2.0
"""The second act: the node is gone, its disk with it, and another takes the agent over.

    node one: sidecar and agent work    ── frozen, its directory deleted, its agent killed
    node two: a new sidecar on the same object store, a new agent   ── finishes
    node one: wakes, and is fenced

The store is a directory, or what --store or STEPWELL_STORE names, such as s3://bucket/prefix; then
STEPWELL_STORE_ENDPOINT and its like mean what they mean to any sidecar.
"""

import argparse
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import time

from stage import Stage, say

SECONDS_MAX = 60.0


class NodeLoss(Stage):
    def __init__(self, options: argparse.Namespace, folder: pathlib.Path) -> None:
        super().__init__(options, folder, "research-2")
        url = options.store or f"file://{folder}/store"
        if options.store:
            self.environment.update((name, value) for name, value in os.environ.items()
                                    if name.startswith("STEPWELL_STORE_"))
        # A name that no earlier demo had: a bucket may outlive it.
        self.store = ["--store", url, "--journal", f"agent-{secrets.token_hex(4)}"]

    # ---- nodes ------------------------------------------------------------------

    def address(self, node: str) -> str:
        return f"unix://{self.folder}/{node}.sock"

    def start_node(self, node: str) -> subprocess.Popen:
        return self.logged(node, [self.options.stepwell, "serve", "--listen", self.address(node),
                                  "--data", str(self.folder / node), *self.store,
                                  "--ship-interval", "3s"])

    def status(self, node: str) -> dict:
        done = subprocess.run([self.options.stepwell, "status", "--json", "--addr",
                               self.address(node)], env=self.environment, capture_output=True,
                              text=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def wait_for(self, what: str, condition):
        deadline = time.monotonic() + SECONDS_MAX * (10 if self.real_llm else 1)
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.05)
        raise TimeoutError(f"{what}: see {self.folder}")

    # ---- the act -------------------------------------------------------------------

    def lose_node(self, sidecar: subprocess.Popen, agent: subprocess.Popen) -> None:
        """In the middle of the work, and with something that the store does not have yet."""
        middle = len(list(self.options.documents.iterdir())) // 2
        self.wait_for("node one does not get on", lambda: self.lines("messages.jsonl") >= middle)
        self.wait_for("node one has nothing to lose",
                      lambda: (self.status("one").get("store") or {}).get("lag_ms", 0) > 0)
        sidecar.send_signal(signal.SIGSTOP)
        agent.kill()
        agent.wait()
        shutil.rmtree(self.folder / "one")
        say(f"node one is lost: frozen, its disk deleted, its agent dead "
            f"({self.lines('messages.jsonl')} messages out so far)")

    def move(self) -> bool:
        """A new node goes on where the old one was."""
        started = time.monotonic()
        sidecar = self.start_node("two")
        now = self.wait_for("node two does not take over", lambda: (
            (s := self.status("two")).get("state") == "SERVING" and s))
        say(f"node two has the journal: {now['lsn']} records, epoch {now['epoch']}, "
            f"{time.monotonic() - started:.1f} s after its start")
        agent = self.start_agent(self.address("two"))
        if agent.wait(timeout=SECONDS_MAX * (10 if self.real_llm else 1)) != 0:
            print(f"  the agent failed: see {self.folder}/agent.log")
            return False
        say("node two has finished the work")
        sidecar.terminate()
        return sidecar.wait(timeout=30) == 0

    def wake(self, sidecar: subprocess.Popen) -> bool:
        """Node one wakes, tries to ship what it has, and finds that it has lost the journal."""
        sidecar.send_signal(signal.SIGCONT)
        late = ("import stepwell\n"
                "with stepwell.connect(patience=2) as client, client.run('late', task='late'):\n"
                "    pass\n")
        self.logged("late", [sys.executable, "-c", late], env={
            **self.environment, "STEPWELL_ADDR": self.address("one")})
        code = sidecar.wait(timeout=30)
        say(f"node one woke, was fenced, and ended with exit code {code}")
        return code == 3

    def tail(self) -> str:
        """Where the store keeps what node one could not ship."""
        for line in (self.folder / "one.log").read_text().splitlines():
            entry = json.loads(line) if line.startswith("{") else {}
            if entry.get("event") == "the tail that was not shipped is put aside":
                return entry["object"]
        return ""

    def run(self) -> bool:
        first = self.start_node("one")
        agent = self.start_agent(self.address("one"))
        self.lose_node(first, agent)
        finished = self.move()
        fenced = self.wake(first)
        tail = self.tail()
        good = self.report(f"  node one                   fenced; its tail: {tail or 'LOST'}\n")
        return good and finished and fenced and tail != ""
