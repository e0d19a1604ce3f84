# SPDX-License-Identifier: Apache-2.0
"""What both acts of the demo stand on: a world that keeps its own log, an agent, processes."""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent


def say(text: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')}  {text}", flush=True)


class Stage:
    """A world of its own in a folder of its own."""

    def __init__(self, options: argparse.Namespace, folder: pathlib.Path, run_id: str) -> None:
        self.options = options
        self.folder = folder
        self.children: list[subprocess.Popen] = []
        (folder / "notes").mkdir(parents=True)
        self.world = self.start([sys.executable, str(HERE / "world.py"), str(folder)],
                                stdout=subprocess.PIPE, text=True)
        url = self.world.stdout.readline().strip()
        # A sidecar takes flags from STEPWELL_*; here only those that an act asks for.
        self.environment = {
            **{name: value for name, value in os.environ.items()
               if not name.startswith("STEPWELL_")},
            "RECEIVER_URL": url, "DOCUMENTS": str(options.documents),
            "OUTPUT": str(folder / "notes"), "EVENTS": str(folder / "events.jsonl"),
            "RUN_ID": run_id,
        }
        self.real_llm = "OPENAI_API_KEY" in os.environ
        if not self.real_llm:
            self.environment["OPENAI_BASE_URL"] = f"{url}/v1"

    def start(self, command: list[str], **options) -> subprocess.Popen:
        child = subprocess.Popen(command, **options)
        self.children.append(child)
        return child

    def logged(self, name: str, command: list[str], **options) -> subprocess.Popen:
        with open(self.folder / f"{name}.log", "ab") as log:
            return self.start(command, stdout=log, stderr=log,
                              **{"env": self.environment, **options})

    def start_agent(self, address: str) -> subprocess.Popen:
        return self.logged("agent", [sys.executable, str(self.options.agent)],
                           env={**self.environment, "STEPWELL_ADDR": address})

    def lines(self, name: str) -> int:
        path = self.folder / name
        return len(path.read_text().splitlines()) if path.exists() else 0

    def rows(self, name: str) -> list[dict]:
        path = self.folder / name
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def report(self, more: str = "") -> bool:
        """Prints what the world and Stepwell saw; True when nothing is missing or twice there."""
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
{more}
What Stepwell did:
  steps replayed             {len(replayed)}
  LLM tokens not paid again  {sum(e['tokens'] for e in replayed):,}{
    '' if self.real_llm else f'  (paid: {paid:,})'}
  steps in doubt             {len(doubts)}, settled by asking the receiver: {happened} had happened, {
    len(doubts) - happened} had not
""", end="", flush=True)
        return duplicates == 0 and notes == expected and (self.real_llm or len(sent) == expected)

    def close(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
