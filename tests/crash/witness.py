# SPDX-License-Identifier: Apache-2.0
"""The outside world of the crash test: it sees every effect, and is never killed.

Agents report by HTTP: POST /effect when they act, /ack when a step's result was acknowledged,
/resolve when they ended a doubt, /done when a run's end was acknowledged; GET /turn asks which
run an agent is at, GET /seen whether an effect arrived. `verdict` then judges the whole log.
"""

import collections
import http.server
import itertools
import json
import threading
import time
import urllib.parse


class Witness:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.log: list[dict] = []
        self.turns: collections.Counter[str] = collections.Counter()
        self.tokens = itertools.count(1)
        self.busy: collections.Counter[str] = collections.Counter()  # effects under way, by agent
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                witness.serve(self, {})

            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                witness.serve(self, json.loads(self.rfile.read(size)))

            def log_message(self, *_: object) -> None:
                """The log is `witness.log`."""

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                """An agent that was killed in the middle of a request."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, handler: http.server.BaseHTTPRequestHandler, body: dict) -> None:
        agent = str(body.get("run", "")).rpartition("-")[0]
        with self.lock:
            self.busy[agent] += 1
        try:
            url = urllib.parse.urlsplit(handler.path)
            query = {key: value[0] for key, value in urllib.parse.parse_qs(url.query).items()}
            if url.path == "/effect":
                time.sleep(0.002)  # so that kills find effects under way
            with self.lock:
                answer = getattr(self, "do_" + url.path[1:])(**body, **query)
            if url.path == "/effect":
                time.sleep(0.004)
            data = json.dumps(answer).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        finally:
            with self.lock:
                self.busy[agent] -= 1

    def settle(self, agent: str) -> None:
        """Waits until what an agent sent before it was killed has arrived."""
        quiet = 0
        while quiet < 5:
            time.sleep(0.004)
            quiet = quiet + 1 if self.busy[agent] == 0 else 0

    def do_turn(self, agent: str) -> dict:
        return {"turn": self.turns[agent]}

    def do_effect(self, **effect: object) -> dict:
        token = f"token-{next(self.tokens)}"
        self.log.append({"what": "effect", "token": token, **effect})
        return {"token": token}

    def do_seen(self, key: str) -> dict:
        found = [row["token"] for row in self.log if row["what"] == "effect" and row["key"] == key]
        return {"tokens": found}

    def do_ack(self, **ack: object) -> dict:
        self.log.append({"what": "ack", **ack})
        return {}

    def do_resolve(self, **resolution: object) -> dict:
        self.log.append({"what": "resolve", **resolution})
        return {}

    def do_done(self, agent: str, run: str, turn: int) -> dict:
        self.log.append({"what": "done", "run": run})
        self.turns[agent] = max(self.turns[agent], turn + 1)
        return {}

    # ---- judging ---------------------------------------------------------------

    def verdict(self) -> tuple[list[str], collections.Counter]:
        """Broken promises, and what was seen."""
        problems: list[str] = []
        counts: collections.Counter[str] = collections.Counter()
        steps: dict[tuple, list[dict]] = {}
        for row in self.log:
            counts[row["what"]] += 1
            if "step" in row:
                steps.setdefault((row["run"], row["step"]), []).append(row)
        for (run, step), rows in steps.items():
            problems += [f"{run} {step}: {text}" for text in judge(rows, counts)]
        return problems, counts


def judge(rows: list[dict], counts: collections.Counter) -> list[str]:
    """One step's story, in the order the witness saw it."""
    problems = []
    results = {json.dumps(row["result"], sort_keys=True) for row in rows if row["what"] == "ack"}
    effects = [row for row in rows if row["what"] == "effect"]
    counts["acks_repeated"] += max(0, sum(row["what"] == "ack" for row in rows) - 1)
    if len(results) > 1:
        problems.append(f"acknowledged with {len(results)} results: {sorted(results)}")
    if len({row["key"] for row in effects}) > 1:
        problems.append("its effect was given more than one idempotency key")
    if not effects or effects[0]["effect"] != "ONCE":
        counts["effects_repeated_safely"] += max(0, len(effects) - 1)
        return problems
    allowed = 1
    seen = 0
    for row in rows:
        if row["what"] == "resolve":
            counts[f"doubts_{row['resolution']}"] += 1
            allowed += row["resolution"] == "did_not_happen"
        if row["what"] == "effect":
            seen += 1
            if seen > allowed:
                counts["duplicates"] += 1
                problems.append("its ONCE effect was repeated without a decision")
    return problems
