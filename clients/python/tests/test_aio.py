# SPDX-License-Identifier: Apache-2.0
"""The asyncio client: what differs from the plain one. The rest is the same code."""

import asyncio
import functools
import time

import pytest
from conftest import Crash, get_run, wait_until

import stepwell
from stepwell import IDEMPOTENT, NONE, call, result_of

pytestmark = pytest.mark.server


def in_loop(test):
    """Runs an async test in a loop of its own, with a time limit."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 40))

    return run


@in_loop
async def test_steps_are_recorded_and_replayed(address, run_id):
    calls = []

    async def act(text, step):
        assert stepwell.aio.current_step() is step
        await asyncio.sleep(0)
        calls.append(text)
        await step.note("ref", progress=1)
        await step.heartbeat()
        step.usage(input_tokens=1)
        return {"text": text}

    async with stepwell.aio.connect(address) as client:
        for _ in range(2):
            with pytest.raises(Crash):
                async with client.run(run_id, task="t", input=[1]) as run:
                    assert run.input == [1]
                    assert await run.step("a", act, "x", effect=NONE) == {"text": "x"}
                    assert await run.step("b", lambda: 2, effect=NONE) == 2
                    raise Crash
        async with client.run(run_id, task="t", input=[1]) as run:
            run.result = "over"
        with pytest.raises(stepwell.RunEnded) as ended:
            async with client.run(run_id, task="t", input=[1]):
                pass
    assert calls == ["x"]
    assert ended.value.result == "over"


@in_loop
async def test_steps_run_side_by_side(address, run_id):
    async def act(number):
        await asyncio.sleep(0.2)
        return number

    async with stepwell.aio.connect(address) as client, client.run(run_id, task="t") as run:
        started = time.monotonic()
        steps = [run.step(f"s{n}", act, n, effect=NONE) for n in range(20)]
        assert await asyncio.gather(*steps) == list(range(20))
        assert time.monotonic() - started < 2


@in_loop
async def test_a_timeout_cancels(address, run_id):
    cancelled = []

    async def hang(step):
        if step.attempt > 1:
            return "second"
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    retry = stepwell.Retry(max_attempts=2, initial=0.01)
    async with stepwell.aio.connect(address) as client, client.run(run_id, task="t") as run:
        options = {"timeout": 0.2, "retry": retry}
        assert await run.step("idem", hang, effect=IDEMPOTENT, **options) == "second"
        with pytest.raises(stepwell.StepInDoubt):
            await run.step("once", hang, timeout=0.2)
    assert cancelled == [1, 1]


@in_loop
async def test_a_cancelled_step_stays_open(address, run_id):
    calls = []

    async def act():
        calls.append(1)
        await asyncio.sleep(30 if len(calls) == 1 else 0)
        return "done"

    async with stepwell.aio.connect(address) as client, client.run(run_id, task="t") as run:
        task = asyncio.ensure_future(run.step("s", act, effect=IDEMPOTENT))
        await asyncio.to_thread(wait_until, lambda: calls)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await run.step("s", act, effect=IDEMPOTENT) == "done"


@in_loop
async def test_doubt_is_reconciled(address, run_id):
    async def act():
        raise ConnectionResetError

    async def reconcile(doubt):
        await asyncio.sleep(0)
        return stepwell.happened(doubt.key)

    async with stepwell.aio.connect(address) as client, client.run(run_id, task="t") as run:
        assert await run.step("s", act, reconcile=reconcile) == "s"


@in_loop
async def test_chains_and_steps_by_hand(address, run_id):
    async def add(a, b):
        return a + b

    async with stepwell.aio.connect(address) as client, client.run(run_id, task="t") as run:
        links = [call("a", add, 1, 2), call("b", add, result_of("a"), 3)]
        assert await run.chain(links) == [3, 6]
        verdict = await run.begin("c", effect=NONE)
        await verdict.step.note("x")
        done = await run.complete(verdict.step, 1, begin_next=call("d", int))
        assert done.state is stepwell.StepState.COMPLETED
        await run.complete(done.next.step, unknown=TimeoutError())
        assert await run.resolve("d", stepwell.happened(2), by="me") is stepwell.StepState.COMPLETED


@stepwell.step(effect=NONE)
async def double(number):
    return number * 2


@in_loop
async def test_decorated_functions(address, run_id):
    async with stepwell.aio.connect(address) as client, client.run(run_id, task="t"):
        assert await double(4) == 8
        assert await asyncio.create_task(double(4)) == 8


@in_loop
async def test_claims(address, run_id):
    async with stepwell.aio.connect(address) as client:
        assert await client.claim([run_id]) is None
        info = await client.start_run(run_id + "-x", task=run_id, input=3)
        assert info.created
        async with await client.claim([run_id], wait=5) as run:
            assert run.input == 3
            await run.fail("no", type="T")
        assert (await client.start_run(run_id + "-x", task=run_id, input=3)).state == "failed"


@in_loop
async def test_a_newer_holder_fences_an_older(address, run_id):
    async with stepwell.aio.connect(address) as client:
        with pytest.raises(stepwell.Fenced):
            async with client.run(run_id, task="t") as old:
                async with client.run(run_id, task="t") as new:
                    assert new.lease > old.lease
                    await asyncio.to_thread(wait_until, lambda: old.fenced)
                    await new.step("s", int)
                    await old.step("s", int)


@in_loop
async def test_the_sidecar_restarts_under_a_step(sidecar, run_id):
    async def act():
        sidecar.kill()
        await asyncio.to_thread(sidecar.start)
        return 1

    async with stepwell.aio.connect(sidecar.address, patience=20) as client:
        async with client.run(run_id, task="t") as run:
            assert await run.step("s", act) == 1
            assert await run.step("t", act, effect=NONE) == 1
            get = functools.partial(get_run, sidecar.address, run_id)
            await asyncio.to_thread(wait_until, lambda: get().run.held, 10)


def test_one_client_in_one_loop_after_another(address, run_id):
    client = stepwell.aio.connect(address)

    async def start(number):
        return await client.start_run(f"{run_id}-{number}", task="t")

    assert asyncio.run(start(1)).created
    assert asyncio.run(start(2)).created
    asyncio.run(client.close())


def test_async_functions_belong_to_the_asyncio_client(client, run_id):
    async def act():
        pass

    with client.run(run_id, task="t") as run:
        with pytest.raises(stepwell.ProgramError, match="aio"):
            run.step("s", act)
