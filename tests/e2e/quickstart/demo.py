#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills an agent, its sidecar and at last its node until the work is done, then counts what the world saw.

Usage: demo.py --stepwell BINARY --agent SCRIPT --documents FOLDER [--kills N] [--seed S]

The tables come from the receiver's own log, not from Stepwell. Exit code 0: the
work is done and nothing was repeated.
"""

import argparse
import collections
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from node_loss import NodeLoss
from stage import Stage, say

TIME_LIMIT = 120.0


class Kills(Stage):
    """The first act: one node, one disk, and processes that die on it."""

    def __init__(self, options: argparse.Namespace, folder: pathlib.Path) -> None:
        super().__init__(options, folder, "research-1")
        self.random = random.Random(options.seed)
        self.kills: collections.Counter[str] = collections.Counter()
        self.address = f"unix://{folder}/stepwell.sock"

    def start_sidecar(self) -> subprocess.Popen:
        return self.logged("sidecar", [self.options.stepwell, "serve", "--listen", self.address,
                                       "--data", str(self.folder / "journal")])

    def kill(self, child: subprocess.Popen, name: str) -> None:
        child.send_signal(signal.SIGKILL)
        child.wait()
        self.kills[name] += 1
        say(f"kill -9 {name:7}  ({self.lines('messages.jsonl')} messages out so far)")

    def work(self) -> bool:
        """True when the agent finished."""
        deadline = time.monotonic() + TIME_LIMIT * (10 if self.real_llm else 1)
        sidecar, agent = self.start_sidecar(), self.start_agent(self.address)
        while time.monotonic() < deadline:
            wait = (self.random.uniform(0.35, 1.1) if self.kills.total() < self.options.kills
                    else deadline - time.monotonic())
            try:
                code = agent.wait(timeout=max(wait, 0.01))
            except subprocess.TimeoutExpired:
                code = None
            if code == 0:
                sidecar.terminate()
                sidecar.wait()
                return True
            if code is not None:
                print(f"  the agent ended with {code}: see {self.folder}/agent.log")
                return False
            victim = self.random.choice(["agent", "agent", "sidecar", "both"])
            if victim != "agent":
                self.kill(sidecar, "sidecar")
                sidecar = self.start_sidecar()
            if victim != "sidecar":
                self.kill(agent, "agent")
                agent = self.start_agent(self.address)
        return False

    def run(self) -> bool:
        finished = self.work()
        return self.report(f"  kills                      {self.kills['agent']} of the agent, "
                           f"{self.kills['sidecar']} of the sidecar\n") and finished


def play(options: argparse.Namespace, folder: pathlib.Path) -> bool:
    print(f"An agent researches {options.documents}; it and its sidecar are killed at random "
          f"(seed {options.seed}).")
    for act, name, make in ((1, "first", Kills), (2, "second", NodeLoss)):
        if act == 2:
            print("\nThe same on a node that is lost with its disk; the journal is shipped to "
                  f"{options.store or 'a directory'}.")
        stage = make(options, folder / name)
        try:
            if not stage.run():
                return False
        finally:
            stage.close()
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stepwell", required=True, help="the binary")
    parser.add_argument("--agent", required=True, type=pathlib.Path, help="the agent's script")
    parser.add_argument("--documents", required=True, type=pathlib.Path, help="folder to research")
    parser.add_argument("--kills", type=int, default=10, help="then let it finish (default 10)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6),
                        help="of the random moments (default: random)")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the demo")
    parser.add_argument("--store", default=os.environ.get("STEPWELL_STORE"),
                        help="URL of the second act's object store (default: STEPWELL_STORE, or a "
                             "directory)")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stepwell-"))
    good = False
    try:
        good = play(options, folder)
    finally:
        if good and not options.keep:
            shutil.rmtree(folder)
        else:
            print(f"The journal, logs and notes are in {folder}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
