# SPDX-License-Identifier: Apache-2.0
"""A crash test's agent in Python: run after run of every kind of step, until killed.

Environment: STEPWELL_ADDR, WITNESS (its URL), AGENT (a name). agent.mjs is its twin: what a step
is follows from run and number alone, so that an agent that is started again does the same.
"""

import json
import os
import urllib.request

import stepwell

WITNESS, AGENT = os.environ["WITNESS"], os.environ["AGENT"]
STEPS = 14


def ask(path: str, body: dict | None = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(WITNESS + path, data), timeout=30) as answer:
        return json.load(answer)


def act(run: str, name: str, effect: str, step: stepwell.StepContext) -> dict:
    number = int(name.rsplit("-", 1)[1])
    if number % 5 == 3:
        step.note(external_ref=f"ref-{name}", progress={"half": number})
    if effect == "NONE" and number % 4 == 1 and step.attempt == 1:
        raise RuntimeError("the first attempt always fails")
    seen = ask("/effect", {"run": run, "step": name, "effect": effect,
                           "attempt": step.attempt, "key": step.idempotency_key})
    return {"token": seen["token"], "text": name * (200 if number % 6 == 5 else 1)}


def settle(run: str, name: str, doubt: stepwell.Doubt) -> stepwell.Resolution:
    tokens = ask(f"/seen?key={doubt.idempotency_key}")["tokens"]
    resolution = "happened" if tokens else "did_not_happen"
    ask("/resolve", {"run": run, "step": name, "resolution": resolution})
    if tokens:
        return stepwell.happened({"token": tokens[-1], "text": "found"})
    return stepwell.did_not_happen()


def take_step(run: stepwell.Run, run_id: str, number: int, history: list) -> None:
    effect = ("NONE", "ONCE", "IDEMPOTENT")[number % 3]
    name = f"step-{number}"
    result = run.step(
        name, lambda step: act(run_id, name, effect, step), effect=stepwell.Effect[effect],
        input=history, reconcile=lambda doubt: settle(run_id, name, doubt),
        retry=stepwell.Retry(max_attempts=4, initial=0.01))
    history.append(result["text"])
    ask("/ack", {"run": run_id, "step": name, "result": result["token"]})


def main() -> None:
    with stepwell.connect(patience=60) as client:
        while True:
            turn = ask(f"/turn?agent={AGENT}")["turn"]
            run_id = f"{AGENT}-{turn}"
            try:
                with client.run(run_id, task="crash", input={"turn": turn}) as run:
                    history: list = []
                    for number in range(STEPS):
                        take_step(run, run_id, number, history)
            except stepwell.RunEnded:
                pass  # an earlier life ended it and died before it could say so
            ask("/done", {"agent": AGENT, "run": run_id, "turn": turn})


if __name__ == "__main__":
    main()
