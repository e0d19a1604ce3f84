# SPDX-License-Identifier: Apache-2.0
import pytest

import stepwell
from stepwell._channel import channel_options, resolve_address


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ("unix:///run/a.sock", "unix:///run/a.sock"),
        ("unix:/run/a.sock", "unix:///run/a.sock"),
        ("/run/a.sock", "unix:///run/a.sock"),
        ("localhost:7233", "localhost:7233"),
        ("dns:///sidecar:1", "dns:///sidecar:1"),
        ("unix-abstract:name", "unix-abstract:name"),
    ],
)
def test_forms(given, target):
    assert resolve_address(given) == target


def test_the_environment_is_asked(monkeypatch):
    monkeypatch.setenv("STEPWELL_ADDR", "unix:///x.sock")
    assert resolve_address(None) == "unix:///x.sock"
    monkeypatch.delenv("STEPWELL_ADDR")
    assert resolve_address(None) == "unix:///run/stepwell/stepwell.sock"


@pytest.mark.parametrize("given", ["unix:relative.sock", "unix:///" + "x" * 107])
def test_sockets_that_cannot_be(given):
    with pytest.raises(stepwell.ProgramError):
        resolve_address(given)


def test_sockets_get_a_plain_authority():
    assert ("grpc.default_authority", "localhost") in channel_options("unix:///x.sock")
    assert "grpc.default_authority" not in dict(channel_options("example.org:443"))
