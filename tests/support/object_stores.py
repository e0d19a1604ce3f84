# SPDX-License-Identifier: Apache-2.0
"""Object stores that tests start for themselves, each a context manager of one shape.

    with versitygw(folder) as store:
        store.url, store.endpoint, store.environment   # of the client's process

STORES names them all: tests/store/test_contract.py holds each to the same promises.
"""
import base64
import contextlib
import dataclasses
import email.utils
import hashlib
import hmac
import time
import urllib.parse
import urllib.request

from support import ceph
from support.fault_store import BUCKET, FaultStore
from support.gcs_front import GcsFront
from support.serving import START_S, serving
from support.sidecar import ROOT, free_port


@dataclasses.dataclass
class Store:
    """Where a store is and how one gets in."""

    url: str
    endpoint: str = ""
    environment: dict = dataclasses.field(default_factory=dict)


def go_tool(name):
    path = ROOT / "build/go/bin" / name
    if not path.exists():
        raise FileNotFoundError(f"no {path}: tests/support/install")
    return str(path)


@contextlib.contextmanager
def directory(folder):
    """A directory, as it is."""
    yield Store(f"file://{folder}")


@contextlib.contextmanager
def versitygw(folder):
    """The Versity S3 gateway to a file system. Not for races: it looks first and writes later."""
    port = free_port()
    (folder / "data" / "bucket").mkdir(parents=True)
    secret = {"ROOT_ACCESS_KEY": "versity", "ROOT_SECRET_KEY": "versity-secret"}
    command = [go_tool("versitygw"), "--port", f"127.0.0.1:{port}", "--quiet", "--keep-alive",
               "posix", str(folder / "data")]
    with serving(command, port, folder / "log", secret):
        yield Store("s3://bucket/some/prefix", f"http://127.0.0.1:{port}",
                    {"AWS_ACCESS_KEY_ID": "versity", "AWS_SECRET_ACCESS_KEY": "versity-secret"})


@contextlib.contextmanager
def ceph_rgw(folder):
    """Ceph's S3 gateway: a real server that keeps every promise."""
    with ceph.CephRgw(folder) as store:
        yield Store(f"s3://{ceph.BUCKET}/some/prefix", store.endpoint, store.environment)


@contextlib.contextmanager
def fault_store(folder):
    """Ours, without faults: the one that checks signatures and is atomic for sure."""
    del folder
    with FaultStore() as store:
        yield Store(f"s3://{BUCKET}/some/prefix", store.endpoint, store.environment())


@contextlib.contextmanager
def gcs(folder):
    """fake-gcs-server behind the XML API; tokens of a metadata server that live three seconds."""
    port = free_port()
    upstream = f"127.0.0.1:{port}"
    command = [go_tool("fake-gcs-server"), "-backend", "memory", "-scheme", "http", "-host",
               "127.0.0.1", "-port", str(port), "-public-host", upstream, "-log-level", "error"]
    with serving(command, port, folder / "log"), GcsFront(upstream) as front:
        make = urllib.request.Request(f"http://{upstream}/storage/v1/b?project=p", method="POST",
                                      data=b'{"name": "bucket"}',
                                      headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(make, timeout=START_S):
            pass
        yield Store("gs://bucket/some/prefix", front.endpoint,
                    {"GCE_METADATA_HOST": front.metadata_host})


# Of every Azurite, and no secret.
AZURITE_ACCOUNT = "devstoreaccount1"
AZURITE_KEY = base64.b64decode("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K"
                               "1SZFPTOtr/KBHBeksoGMGw==")


def azurite_signature(text):
    return base64.b64encode(hmac.new(AZURITE_KEY, text.encode(), hashlib.sha256).digest()).decode()


def azurite_container(endpoint, name):
    """Makes a container, by a request signed with the account's key."""
    date, version = email.utils.formatdate(usegmt=True), "2021-12-02"
    signature = azurite_signature(
        "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{version}\n"
        f"/{AZURITE_ACCOUNT}/{AZURITE_ACCOUNT}/{name}\nrestype:container")
    make = urllib.request.Request(
        f"{endpoint}/{AZURITE_ACCOUNT}/{name}?restype=container", method="PUT", headers={
            "x-ms-date": date, "x-ms-version": version,
            "Authorization": f"SharedKey {AZURITE_ACCOUNT}:{signature}"})
    with urllib.request.urlopen(make, timeout=START_S):
        pass


def azurite_sas():
    """A token of the account for one hour."""
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    fields = {"sp": "rwdlac", "ss": "b", "srt": "sco", "se": end, "spr": "https,http",
              "sv": "2018-11-09"}
    text = "\n".join([AZURITE_ACCOUNT, fields["sp"], fields["ss"], fields["srt"], "", end, "",
                      fields["spr"], fields["sv"], ""])
    return urllib.parse.urlencode({**fields, "sig": azurite_signature(text)})


@contextlib.contextmanager
def azurite(folder):
    """Azure's Blob service by its emulator, signed with its account's key."""
    port = free_port()
    program = ROOT / "tests/support/node_modules/azurite/dist/src/blob/main.js"
    if not program.exists():
        raise FileNotFoundError(f"no {program}: tests/support/install")
    command = ["node", str(program), "--inMemoryPersistence", "--disableTelemetry", "--silent",
               "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    with serving(command, port, folder / "log"):
        endpoint = f"http://127.0.0.1:{port}"
        azurite_container(endpoint, "steps")
        yield Store(f"az://{AZURITE_ACCOUNT}/steps/some/prefix", endpoint)


@contextlib.contextmanager
def azurite_by_sas(folder):
    """The same, authorised by a shared access signature."""
    with azurite(folder) as store:
        yield dataclasses.replace(store, environment={"AZURE_STORAGE_SAS_TOKEN": azurite_sas()})


STORES = {"directory": directory, "fault_store": fault_store, "ceph": ceph_rgw,
          "versitygw": versitygw, "gcs": gcs, "azurite": azurite, "azurite_by_sas": azurite_by_sas}
