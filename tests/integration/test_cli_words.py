# SPDX-License-Identifier: Apache-2.0
"""What the command line says about itself, and how it looks on a terminal."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest
from cli import parsed, running_place, stepwell
from conftest import REPOSITORY, binary

COMMANDS = ["serve", "dev", "runs", "show", "tail", "resolve", "status", "journal", "flush", "drain",
            "verify", "restore", "retire", "doctor", "completion", "version"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_a_manual_page(command):
    text = stepwell("help", command).stdout
    assert text.startswith(f"NAME\n    stepwell {command} - ")
    assert f"\nSYNOPSIS\n    stepwell {command}" in text
    assert stepwell(command, "--help").stdout == text
    assert max(map(len, text.splitlines())) <= 100
    if command not in ("version", "completion"):
        for part in ("DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES"):
            assert f"\n{part}\n" in text


def test_help_lists_every_command():
    text = stepwell("help").stdout
    for command in COMMANDS:
        assert re.search(rf"^    {command} +\S", text, re.M)


def test_version():
    version = re.search(r"project\(stepwell VERSION (\S+)",
                        (REPOSITORY / "CMakeLists.txt").read_text()).group(1)
    assert stepwell("version").stdout == f"stepwell {version}\n"
    assert stepwell("--version").stdout == f"stepwell {version}\n"
    assert parsed("version") == {"version": version}


@pytest.mark.parametrize("line, offered, not_offered", [
    (["stepwell", "re"], ["resolve"], ["runs"]),
    (["stepwell", ""], ["serve", "help", "version", "completion"], ["--json"]),
    (["stepwell", "help", "st"], ["status"], ["serve"]),
    (["stepwell", "runs", "--"], ["--in-doubt", "--label", "--json", "--help"], ["runs"]),
    (["stepwell", "serve", "--tls"], ["--tls-cert", "--tls-client-ca"], ["--data"])])
def test_bash_completes(tmp_path, line, offered, not_offered):
    (tmp_path / "stepwell").symlink_to(binary())
    script = (f"{stepwell('completion', 'bash').stdout}\n"
              f"COMP_WORDS=({' '.join(repr(word) for word in line)}); "
              f"COMP_CWORD={len(line) - 1}; _stepwell; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True,
                          env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    words = done.stdout.split()
    assert set(offered) <= set(words), done
    assert not set(not_offered) & set(words), done


@pytest.fixture(scope="module")
def place():
    with running_place() as shared:
        yield shared


def on_terminal(*words, **environment) -> str:
    """What a command prints when its output is a terminal."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    process = subprocess.Popen([binary(), *words], stdout=terminal,
                               env={**os.environ, "TERM": "xterm", **environment})
    os.close(terminal)
    text = b""
    while True:
        try:
            part = os.read(controller, 65536)
        except OSError: # EIO: the last writer has gone
            break
        if not part:
            break
        text += part
    os.close(controller)
    assert process.wait(timeout=20) == 0
    return text.decode()


def test_only_terminals_see_colours(place):
    assert "\x1b[1;31mIN DOUBT !\x1b[0m" in on_terminal("show", "order-17", *place.addr)
    assert "\x1b" not in on_terminal("show", "order-17", *place.addr, NO_COLOR="1")
    assert "\x1b" not in on_terminal("show", "order-17", *place.addr, TERM="dumb")
    assert "\x1b" not in stepwell("show", "order-17", *place.addr).stdout
