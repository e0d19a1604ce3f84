# SPDX-License-Identifier: Apache-2.0
"""Right programs pass the type checker, wrong ones do not."""

import pytest

api = pytest.importorskip("mypy.api", reason="mypy is not here")

PROGRAM = """
import stepwell
from stepwell import aio

def length(text: str) -> int:
    return len(text)

async def alength(text: str) -> int:
    return len(text)

@stepwell.step(effect=stepwell.NONE)
def decorated(text: str) -> int:
    return len(text)

def main(run: stepwell.Run) -> None:
    {sync}

async def amain(run: aio.Run) -> None:
    {asynchronous}
"""
RIGHT = [
    ('a: int = run.step("k", length, "x", effect=stepwell.ONCE, timeout=3)', "pass"),
    ("b: int = decorated('x')", "pass"),
    ("pass", 'a: int = await run.step("k", alength, "x")'),
    ("pass", 'a: int = await run.step("k", length, "x")'),
]
WRONG = [
    ('a: str = run.step("k", length, "x")', "pass"),
    ('run.step("k", length, "x", efect=stepwell.ONCE)', "pass"),
    ('run.step("k", length, "x", effect="once")', "pass"),
    ('run.step("k", length, "x", retry=5)', "pass"),
    ('run.step("k", reconcile=lambda doubt: stepwell.happened())', "pass"),
    ('run.step("k", length, "x", reconcile=lambda doubt: True)', "pass"),
    ("decorated(1)", "pass"),
    ("pass", 'a: str = await run.step("k", alength, "x")'),
]


def check(tmp_path, bodies):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.format(sync=bodies[0], asynchronous=bodies[1]))
    return api.run(["--strict", "--follow-imports=silent", str(path)])


@pytest.mark.parametrize("bodies", RIGHT)
def test_right(tmp_path, bodies):
    out, _, status = check(tmp_path, bodies)
    assert status == 0, out


@pytest.mark.parametrize("bodies", WRONG)
def test_wrong(tmp_path, bodies):
    out, _, status = check(tmp_path, bodies)
    assert status == 1, out
    assert "program.py" in out
