# SPDX-License-Identifier: Apache-2.0
"""What is public is decided, not drifted into."""

import inspect
import pathlib
import subprocess
import sys

import stepwell

NAMES = """
CODE IDEMPOTENT LLM NONE ONCE TOOL
AttemptSuperseded Client Codec Completion Corrupt Diverged Doubt DoubtReason Durability Effect
Execute Fenced InDoubt InvalidArgument JsonCodec Kind Misconfigured NonRetryable NotFound
NotInDoubt OnDivergence OutcomeConflict OutcomeUnknown Payload ProgramError Replay Resolution
ResourceExhausted Retry Run RunConflict RunEnded RunFailed RunInfo StepCall StepContext StepFailed
StepFailure StepInDoubt StepOptions StepState StepwellError Unavailable Usage Verdict Wait
aio call connect current_step did_not_happen give_up happened looks_unknown result_of step
"""


def test_exports_are_these():
    assert sorted(stepwell.__all__) == sorted(NAMES.split())
    assert sorted(stepwell.aio.__all__) == [
        "Client",
        "Run",
        "StepContext",
        "connect",
        "current_step",
    ]


def test_both_clients_have_the_same_names():
    def public(kind):
        return {name for name in dir(kind) if not name.startswith("_")}

    for name in ("Client", "Run", "StepContext"):
        assert public(getattr(stepwell, name)) == public(getattr(stepwell.aio, name))


def test_no_generated_type_in_a_public_signature():
    for name in ("Client", "Run", "StepContext"):
        for module in (stepwell, stepwell.aio):
            for _, member in inspect.getmembers(getattr(module, name), inspect.isfunction):
                if not member.__name__.startswith("_"):
                    assert "pb2" not in str(inspect.signature(member))


def test_importing_opens_no_channel():
    code = "import stepwell, threading; assert threading.active_count() == 1"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_is_marked_as_typed():
    assert (pathlib.Path(stepwell.__file__).parent / "py.typed").exists()
