#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills an agent and its sidecar until the work is done, then counts what the world saw.

Usage: demo.py --stepwell BINARY --agent SCRIPT --documents FOLDER [--kills N] [--seed S]

The table at the end comes from the receiver's own log, not from Stepwell. Exit code 0: the
work is done and nothing was repeated.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TIME_LIMIT = 120.0


class Demo:
    def __init__(self, options: argparse.Namespace, folder: pathlib.Path) -> None:
        self.options = options
        self.folder = folder
        self.random = random.Random(options.seed)
        self.kills: collections.Counter[str] = collections.Counter()
        self.children: list[subprocess.Popen] = []
        self.address = f"unix://{folder}/stepwell.sock"
        (folder / "notes").mkdir()
        self.world = self.start([sys.executable, str(HERE / "world.py"), str(folder)],
                                stdout=subprocess.PIPE, text=True)
        url = self.world.stdout.readline().strip()
        self.environment = {
            **os.environ, "STEPWELL_ADDR": self.address, "RECEIVER_URL": url,
            "DOCUMENTS": str(options.documents), "OUTPUT": str(folder / "notes"),
            "EVENTS": str(folder / "events.jsonl"), "RUN_ID": "research-1",
        }
        self.real_llm = "OPENAI_API_KEY" in os.environ
        if not self.real_llm:
            self.environment["OPENAI_BASE_URL"] = f"{url}/v1"

    def start(self, command: list[str], **options) -> subprocess.Popen:
        child = subprocess.Popen(command, **options)
        self.children.append(child)
        return child

    def start_sidecar(self) -> subprocess.Popen:
        with open(self.folder / "sidecar.log", "ab") as log:
            return self.start([self.options.stepwell, "serve", "--data", str(self.folder / "journal"),
                               "--listen", self.address], stderr=log)

    def start_agent(self) -> subprocess.Popen:
        with open(self.folder / "agent.log", "ab") as log:
            return self.start([sys.executable, str(self.options.agent)], env=self.environment,
                              stderr=log)

    def kill(self, child: subprocess.Popen, name: str) -> None:
        child.send_signal(signal.SIGKILL)
        child.wait()
        self.kills[name] += 1
        print(f"  {time.strftime('%H:%M:%S')}  kill -9 {name:7}  "
              f"({self.lines('messages.jsonl')} messages out so far)", flush=True)

    def lines(self, name: str) -> int:
        path = self.folder / name
        return len(path.read_text().splitlines()) if path.exists() else 0

    def run(self) -> bool:
        """True when the agent finished."""
        deadline = time.monotonic() + TIME_LIMIT * (10 if self.real_llm else 1)
        sidecar, agent = self.start_sidecar(), self.start_agent()
        while time.monotonic() < deadline:
            wait = (self.random.uniform(0.35, 1.1) if self.kills.total() < self.options.kills
                    else deadline - time.monotonic())
            try:
                code = agent.wait(timeout=max(wait, 0.01))
            except subprocess.TimeoutExpired:
                code = None
            if code == 0:
                self.stop(sidecar)
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
                agent = self.start_agent()
        return False

    @staticmethod
    def stop(child: subprocess.Popen) -> None:
        child.terminate()
        child.wait()

    def close(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()

    def rows(self, name: str) -> list[dict]:
        path = self.folder / name
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def report(self, finished: bool) -> bool:
        sent = collections.Counter(row["key"] for row in self.rows("messages.jsonl"))
        events = self.rows("events.jsonl")
        replayed = [e for e in events if e["event"] == "replayed"]
        doubts = [e for e in events if e["event"] == "doubt"]
        happened = sum(e["settled"] == "happened" for e in doubts)
        duplicates = sum(sent.values()) - len(sent)
        expected = len(list(self.options.documents.iterdir()))
        notes = len(list((self.folder / "notes").glob("*.note.txt")))
        paid = sum(row["total_tokens"] for row in self.rows("llm.jsonl"))
        print(f"""
What the world saw, from the receiver's own log:
  messages sent              {len(sent)} of {expected}
  duplicates: {duplicates}
  notes written              {notes} of {expected}
  kills                      {self.kills['agent']} of the agent, {self.kills['sidecar']} of the sidecar

What Stepwell did:
  steps replayed             {len(replayed)}
  LLM tokens not paid again  {sum(e['tokens'] for e in replayed):,}{
    '' if self.real_llm else f'  (paid: {paid:,})'}
  steps in doubt             {len(doubts)}, settled by asking the receiver: {happened} had happened, {
    len(doubts) - happened} had not
""", end="")
        return finished and duplicates == 0 and notes == expected and (
            self.real_llm or len(sent) == expected)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stepwell", required=True, help="the binary")
    parser.add_argument("--agent", required=True, type=pathlib.Path, help="the agent's script")
    parser.add_argument("--documents", required=True, type=pathlib.Path, help="folder to research")
    parser.add_argument("--kills", type=int, default=10, help="then let it finish (default 10)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6),
                        help="of the random moments (default: random)")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the demo")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stepwell-"))
    print(f"An agent researches {options.documents}; it and its sidecar are killed at random "
          f"(seed {options.seed}).")
    demo = Demo(options, folder)
    good = False
    try:
        good = demo.report(demo.run())
    finally:
        demo.close()
        if good and not options.keep:
            shutil.rmtree(folder)
        else:
            print(f"The journal, logs and notes are in {folder}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
