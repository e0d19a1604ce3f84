# SPDX-License-Identifier: Apache-2.0
"""Goal: a failed, crashed or skipped test is counted as what it is, whichever runner wrote of it."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import count  # noqa: E402

BEGIN = "[==========] Running 3 test(s).\n[ RUN      ] one\n[       OK ] one\n[ RUN      ] two\n"
END = "[==========] 2 test(s) run.\n"


def junit(body):
    return f"<testsuite>{body}</testsuite>"


def ctest(output, inner=""):
    return junit(f'<testcase name="unit.x" status="run">{inner}<system-out>{output}</system-out></testcase>')


@pytest.mark.parametrize("report, expected", [
    (junit('<testcase name="a"/><testcase name="b"><failure/></testcase>'), (1, 1, 0)),
    (junit('<testcase name="a"><skipped/></testcase><testcase name="b"><error/></testcase>'), (0, 1, 1)),
    (ctest("no cmocka program"), (1, 0, 0)),
    (ctest(BEGIN + "[       OK ] two\n" + END + "[  PASSED  ] 2 test(s).\n"), (2, 0, 0)),
    (ctest(BEGIN + "[  FAILED  ] two\n" + END + "[  PASSED  ] 1 test(s).\n"
           "[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] two\n", "<failure/>"), (1, 1, 0)),
    (ctest(BEGIN + "Segmentation fault\n", "<failure/>"), (1, 1, 0)),
    (ctest(BEGIN + "[  SKIPPED ] two\n" + END), (1, 0, 1)),
    ("<testsuite><testcase", (0, 1, 0)),
])
def test_reports(tmp_path, report, expected):
    (tmp_path / "report.xml").write_text(report, encoding="utf-8")
    assert count.count(tmp_path) == expected


def test_checks_and_reports_add_up(tmp_path):
    (tmp_path / "checks").write_text("pass one\nfail two\npass three\n", encoding="utf-8")
    (tmp_path / "report.xml").write_text(junit('<testcase name="a"/>'), encoding="utf-8")
    assert count.count(tmp_path) == (3, 1, 0)


def test_nothing_is_nothing(tmp_path):
    assert count.count(tmp_path) == (0, 0, 0)
