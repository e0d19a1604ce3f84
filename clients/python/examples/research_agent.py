#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small research-and-notify agent that survives being killed.

It reads documents, asks a language model what to do next, writes notes and posts
messages, until the model is done. Each act goes through `run.step`: after a crash the
agent is simply started again with the same run id, gets every recorded result back
without paying for it, and settles what was under way when it died.

Keys: the n-th question to the model is "llm-n"; a tool call is keyed by the model's own
tool_call_id, which stands in the recorded answer and so is the same in every execution.

Environment: OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL (any server that speaks the chat
completions API), RECEIVER_URL (gets the messages), DOCUMENTS, OUTPUT (folders), RUN_ID,
EVENTS (a file that gets a JSON line per step; optional), STEPWELL_ADDR.
"""

import json
import os
import pathlib
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import stepwell

LLM_URL = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1") + "/chat/completions"
MODEL = os.environ.get("OPENAI_MODEL", "gpt-4o-mini")
RECEIVER = os.environ["RECEIVER_URL"]
DOCUMENTS = pathlib.Path(os.environ["DOCUMENTS"])
OUTPUT = pathlib.Path(os.environ["OUTPUT"])

TASK = (
    "Research the documents listed below. For each one, in order: read it, write a note of at "
    "most three sentences with write_note, then tell the team about it with post_message. Use "
    "one tool at a time. When all are done, answer with the word DONE.\n\nDocuments: {}"
)


def tool(name: str, description: str, /, **parameters: str) -> dict[str, Any]:
    properties = {key: {"type": "string", "description": text} for key, text in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function}


TOOLS = [
    tool("read_document", "Returns the beginning of a document.", name="its name"),
    tool("write_note", "Keeps a note.", name="the document's name", text="the note"),
    tool("post_message", "Posts a message to the team.", text="the message"),
]


def request(url: str, body: Any = None, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **headers}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
        return json.load(answer)


# ---- what the agent does to the world -----------------------------------------


def ask_model(messages: list[dict[str, Any]], step: stepwell.StepContext) -> dict[str, Any]:
    key = os.environ.get("OPENAI_API_KEY", "none")
    body = {"model": MODEL, "messages": messages, "tools": TOOLS, "parallel_tool_calls": False}
    answer = request(LLM_URL, body, Authorization=f"Bearer {key}")
    usage = answer["usage"]
    step.usage(input_tokens=usage["prompt_tokens"], output_tokens=usage["completion_tokens"])
    return {"message": answer["choices"][0]["message"], "tokens": usage["total_tokens"]}


def read_document(name: str) -> str:
    return (DOCUMENTS / pathlib.PurePath(name).name).read_text()[:4000]


def write_note(name: str, text: str) -> str:
    path = OUTPUT / f"{pathlib.PurePath(name).name}.note.txt"
    path.with_suffix(".new").write_text(text + "\n")
    path.with_suffix(".new").rename(path)
    return f"kept in {path.name}"


def post_message(text: str, step: stepwell.StepContext) -> str:
    headers = {"Idempotency-Key": step.idempotency_key}
    return request(f"{RECEIVER}/messages", {"text": text}, **headers)["id"]


def was_it_posted(doubt: stepwell.Doubt) -> stepwell.Resolution:
    """Asks the receiver whether the message of a lost attempt arrived."""
    query = urllib.parse.urlencode({"idempotency_key": doubt.idempotency_key})
    found = request(f"{RECEIVER}/messages?{query}")["messages"]
    note(event="doubt", key=doubt.key, settled="happened" if found else "did not happen")
    return stepwell.happened(found[0]["id"]) if found else stepwell.did_not_happen()


# ---- the agent -------------------------------------------------------------------


def note(**event: Any) -> None:
    """One line to EVENTS, for whoever watches the agent."""
    if "EVENTS" in os.environ:
        with open(os.environ["EVENTS"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps(event) + "\n")


def observed(run: stepwell.Run, key: str, fn: Any, *args: Any, **options: Any) -> Any:
    """run.step, noting whether the result was made now or came from the journal."""
    executed = []

    def act(step: stepwell.StepContext) -> Any:
        executed.append(True)
        return fn(*args, step) if fn in (ask_model, post_message) else fn(*args)

    result = run.step(key, act, name=fn.__name__, **options)
    tokens = result["tokens"] if fn is ask_model else 0
    note(event="executed" if executed else "replayed", key=key, name=fn.__name__, tokens=tokens)
    return result


def use_tool(run: stepwell.Run, call: dict[str, Any]) -> str:
    name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
    if name == "read_document":
        return observed(
            run,
            call["id"],
            read_document,
            arguments["name"],
            kind=stepwell.TOOL,
            effect=stepwell.NONE,
            input=arguments,
        )
    if name == "write_note":
        return observed(
            run,
            call["id"],
            write_note,
            arguments["name"],
            arguments["text"],
            kind=stepwell.TOOL,
            effect=stepwell.IDEMPOTENT,
            input=arguments,
        )
    return observed(
        run,
        call["id"],
        post_message,
        arguments["text"],
        kind=stepwell.TOOL,
        effect=stepwell.ONCE,
        input=arguments,
        reconcile=was_it_posted,
    )


def research(run: stepwell.Run, documents: list[str]) -> str:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": TASK.format(", ".join(documents))}
    ]
    for turn in range(10 * len(documents)):
        answer = observed(
            run,
            f"llm-{turn}",
            ask_model,
            messages,
            kind=stepwell.LLM,
            effect=stepwell.NONE,
            input=messages,
            retry=stepwell.Retry(max_attempts=5, initial=0.2, non_retryable=[KeyError]),
        )
        message = answer["message"]
        messages = [*messages, message]
        if not message.get("tool_calls"):
            return message["content"]
        for call in message["tool_calls"]:
            result = use_tool(run, call)
            messages = [*messages, {"role": "tool", "tool_call_id": call["id"], "content": result}]
    raise stepwell.RunFailed("the model did not come to an end")


def main() -> None:
    documents = sorted(path.name for path in DOCUMENTS.iterdir())
    with stepwell.connect() as client:
        try:
            with client.run(os.environ["RUN_ID"], task="research", input=documents) as run:
                run.result = research(run, documents)
        except stepwell.RunEnded:
            pass  # an earlier life finished it, and died before it could say so


if __name__ == "__main__":
    main()
