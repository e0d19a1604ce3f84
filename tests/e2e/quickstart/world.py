#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The world the demo agent acts upon: a message receiver and a scripted language model.

Usage: world.py FOLDER; prints its base URL.

POST /messages            takes a message and logs it (FOLDER/messages.jsonl, fsynced). It
                          does not look at the idempotency key: duplicates would show.
GET  /messages?idempotency_key=K   what arrived under K.
POST /v1/chat/completions the OpenAI-compatible API, scripted: it works through the documents
                          named in the first message, one tool call at a time, and logs the
                          tokens it charges (FOLDER/llm.jsonl).

Both take their time, so that a kill finds something under way.
"""

import hashlib
import http.server
import json
import os
import pathlib
import sys
import threading
import time
import urllib.parse

LLM_SECONDS = 0.08
POST_SECONDS = 0.3  # half before the message is logged, half before the answer

lock = threading.Lock()
messages: list[dict[str, str]] = []


def log(path: pathlib.Path, row: dict) -> None:
    with open(path, "a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def next_act(conversation: list[dict]) -> tuple[str, dict] | None:
    """The tool call that follows in the script; None at its end."""
    documents = conversation[0]["content"].rsplit("Documents: ", 1)[1].split(", ")
    done = sum(1 for message in conversation if message["role"] == "tool")
    if done >= 3 * len(documents):
        return None
    name = documents[done // 3]
    last = conversation[-1]["content"]
    if done % 3 == 0:
        return "read_document", {"name": name}
    if done % 3 == 1:
        words = len(last.split())
        return "write_note", {"name": name, "text": f"{name} begins: {' '.join(last.split()[:30])}"
                                                    f" ... ({words} words read)"}
    return "post_message", {"text": f"I have read {name}; the note is {last}."}


def complete(body: dict) -> dict:
    conversation = body["messages"]
    act = next_act(conversation)
    message: dict = {"role": "assistant", "content": "DONE" if act is None else None}
    if act is not None:
        seed = hashlib.sha256(json.dumps(conversation).encode()).hexdigest()[:16]
        message["tool_calls"] = [{"id": f"call_{seed}", "type": "function", "function": {
            "name": act[0], "arguments": json.dumps(act[1])}}]
    prompt = len(json.dumps(conversation)) // 4
    answer = len(json.dumps(message)) // 4
    usage = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
    return {"object": "chat.completion", "model": body.get("model", ""), "usage": usage,
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: pathlib.Path

    def answer(self, body: dict, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        key = query.get("idempotency_key", [""])[0]
        with lock:
            found = [row for row in messages if row["key"] == key]
        self.answer({"messages": found})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            if self.path == "/messages":
                self.take_message(body)
            elif self.path == "/v1/chat/completions":
                time.sleep(LLM_SECONDS)
                answer = complete(body)
                log(self.folder / "llm.jsonl", answer["usage"])
                self.answer(answer)
            else:
                self.answer({"error": "no such path"}, 404)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the agent was killed

    def take_message(self, body: dict) -> None:
        time.sleep(POST_SECONDS / 2)
        with lock:
            row = {"id": f"m{len(messages) + 1}", "key": self.headers["Idempotency-Key"],
                   "text": body["text"]}
            messages.append(row)
            log(self.folder / "messages.jsonl", row)
        time.sleep(POST_SECONDS / 2)
        self.answer({"id": row["id"]})

    def log_message(self, *_: object) -> None:
        """The logs are the files."""


def main() -> None:
    Handler.folder = pathlib.Path(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
