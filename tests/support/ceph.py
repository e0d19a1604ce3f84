# SPDX-License-Identifier: Apache-2.0
"""A small Ceph with its S3 gateway, from the system's packages: one monitor, one OSD, radosgw.

    with CephRgw(folder) as store:
        store.endpoint, store.environment, BUCKET

It keeps its objects in memory and listens on 127.0.0.1 only, as any user. Up in four seconds.
`python3 ceph.py FOLDER` serves until its input ends, and prints where.
"""
import base64
import contextlib
import datetime
import hashlib
import pathlib
import secrets
import shutil
import struct
import subprocess
import sys
import time
import urllib.request
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.fault_store import Request, signature  # noqa: E402
from support.serving import START_S, serving  # noqa: E402
from support.sidecar import free_port  # noqa: E402

ACCESS_KEY, SECRET_KEY, BUCKET = "AKIDCEPH", "ceph-secret", "bucket"
PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")

# One copy of everything and one placement group a pool; no keys between the daemons. Only the old
# wire protocol: where a port is given and both may be meant, radosgw waits for the new one for
# ever. The monitor usually gathers changes for a second, of which each new pool would wait two.
# The OSD is put on the map by us: at its start it asks before it knows the cluster's id, now and then.
CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{mon_port}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
keyring = {folder}/keyring
mon data = {folder}/mon
osd data = {folder}/osd
run dir = {folder}
crash dir = {folder}
admin socket =
pid file =
log file =
log to stderr = true
err to stderr = true
debug rocksdb = 1
osd objectstore = memstore
memstore device bytes = 4G
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd crush chooseleaf type = 0
osd crush update on start = false
osd class update on start = false
mon allow pool size one = true
mon data avail warn = 1
mon data avail crit = 1
paxos propose interval = 0.02
paxos min wait = 0.01
rgw frontends = beast endpoint=127.0.0.1:{rgw_port}
"""


def keyring():
    """One key for all; the monitor takes who may do what from here."""
    key = base64.b64encode(struct.pack("<HIIH", 1, int(time.time()), 0, 16) + secrets.token_bytes(16))
    return "".join(f"[{name}]\nkey = {key.decode()}\n" + "".join(
        f'caps {service} = "allow *"\n' for service in ("mon", "osd"))
        for name in ("mon.", "client.admin", "client.rgw", "osd.0"))


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, timeout=START_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}")


def make_bucket(endpoint, name):
    """By a signed request: no tool among Ceph's own makes a bucket."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": endpoint.partition("//")[2], "x-amz-date": now,
               "x-amz-content-sha256": hashlib.sha256(b"").hexdigest()}
    signed = sorted(headers)
    given = signature(Request(0, "PUT", f"/{name}", headers, b""), signed, now[:8], "us-east-1",
                      SECRET_KEY)
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{now[:8]}/us-east-1/s3/aws4_request, "
        f"SignedHeaders={';'.join(signed)}, Signature={given}")
    ask = urllib.request.Request(f"{endpoint}/{name}", method="PUT", headers=headers)
    with urllib.request.urlopen(ask, timeout=START_S):
        pass


class CephRgw:
    def __init__(self, folder):
        for program in PROGRAMS:
            if shutil.which(program) is None:
                raise FileNotFoundError(f"no {program}: tests/support/install")
        self.folder = pathlib.Path(folder).resolve()
        self.stack = contextlib.ExitStack()
        self.mon_port, self.rgw_port = free_port(), free_port()
        self.endpoint = f"http://127.0.0.1:{self.rgw_port}"
        self.environment = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

    def __enter__(self):
        with contextlib.ExitStack() as started:
            self._start(started)
            self.stack = started.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _start(self, stack):
        folder, fsid, osd = self.folder, uuid.uuid4(), str(uuid.uuid4())
        conf = ("-c", str(folder / "ceph.conf"))
        (folder / "ceph.conf").write_text(CONFIGURATION.format(
            fsid=fsid, folder=folder, mon_port=self.mon_port, rgw_port=self.rgw_port))
        (folder / "keyring").write_text(keyring())
        (folder / "mon").mkdir()
        (folder / "osd").mkdir()

        monmap = str(folder / "monmap")
        run("monmaptool", *conf, "--create", "--fsid", str(fsid), "--addv", "a",
            f"[v1:127.0.0.1:{self.mon_port}]", monmap)
        run("ceph-mon", *conf, "-i", "a", "--mkfs", "--monmap", monmap, "--keyring",
            str(folder / "keyring"))
        stack.enter_context(serving(["ceph-mon", *conf, "-f", "-i", "a"], self.mon_port,
                                    folder / "mon.log"))
        run("ceph", *conf, "osd", "new", osd)
        run("ceph", *conf, "osd", "crush", "add", "osd.0", "1", "root=default", "host=here")
        run("ceph-osd", *conf, "-i", "0", "--mkfs", "--osd-uuid", osd)
        stack.enter_context(serving(["ceph-osd", *conf, "-f", "-i", "0"], None, folder / "osd.log"))
        run("radosgw-admin", *conf, "user", "create", "--uid=stepwell", "--display-name=Stepwell",
            f"--access-key={ACCESS_KEY}", f"--secret-key={SECRET_KEY}")
        stack.enter_context(serving(["radosgw", *conf, "-f", "-n", "client.rgw"], self.rgw_port,
                                    folder / "rgw.log"))
        make_bucket(self.endpoint, BUCKET)


if __name__ == "__main__":
    with CephRgw(sys.argv[1]) as served:
        print(served.endpoint, *(f"{k}={v}" for k, v in served.environment.items()), flush=True)
        sys.stdin.read()
