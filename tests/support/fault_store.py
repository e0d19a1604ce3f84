# SPDX-License-Identifier: Apache-2.0
"""An S3 server in memory that does wrong when told to, and is strict about everything else.

    with FaultStore() as store:
        store.faults.append(Fault(status=503))    # for the next request; then the next, ...
        store.environment()                       # credentials, for the client's process
        store.endpoint, store.requests, store.objects

Each request must be signed by Signature Version 4, checked by code that shares nothing with
ours: all of x-amz-* and host signed, the body's real digest, the time within 15 minutes of
store.clock_offset_s. `conditions` is what becomes of If-None-Match: "kept", "ignored", "refused",
or "racy" (looked at first, written later). `python3 fault_store.py`
serves an honest one until its input ends, and prints where.
"""
import contextlib
import dataclasses
import datetime
import email.utils
import hashlib
import hmac
import json
import re
import socket
import struct
import sys
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

ACCESS_KEY, SECRET_KEY, BUCKET = "AKIDFAULTSTORE", "wJalr/XUtnFEMI+K7MDENG=EXAMPLEKEY", "bucket"
SKEW_S_MAX = 15 * 60


@dataclasses.dataclass
class Fault:
    """What is done to one request instead of answering it well."""

    status: int = 0              # this answer, nothing applied
    code: str = ""               # its <Code>
    headers: tuple = ()          # more of them
    apply: bool = False          # it is applied all the same
    cut: str = ""                # "before" the answer, "status": in its first line, "body": halfway
    reset: bool = False          # cut by RST, not FIN
    drip_s: float = 0.0          # so long between two bytes of the body
    hang: bool = False           # no answer ever
    no_length: bool = False      # the body ends with the connection, and early
    unread: bool = False         # status is answered and the body left where it is


@dataclasses.dataclass
class Request:
    """One request as it came."""

    connection: int
    method: str
    target: str
    headers: dict
    body: bytes
    problem: str = ""

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


class Answer(Exception):
    """A refusal, thrown where it is found."""

    def __init__(self, status, code, message=""):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message

    def body(self):
        return (f"<?xml version='1.0'?><Error><Code>{self.code}</Code>"
                f"<Message>{escape(self.message or self.code)}</Message></Error>").encode()


AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, "
                           r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})")


def canonical_query(query):
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    for name, value in pairs:
        for word in (name, value):
            if urllib.parse.quote(urllib.parse.unquote(word), safe="-_.~") != word:
                raise Answer(403, "SignatureDoesNotMatch", f"{word} is not encoded as S3 wants it")
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def signature(request, signed, day, region, secret):
    path, _, query = request.target.partition("?")
    lines = [request.method, path, canonical_query(query)]
    lines += [f"{name}:{' '.join(request.headers[name].split())}" for name in signed]
    lines += ["", ";".join(signed), hashlib.sha256(request.body).hexdigest()]
    scope = f"{day}/{region}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope,
                         hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for word in (day, region, "s3", "aws4_request", to_sign):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return key.hex()


class FaultStore:
    def __init__(self, conditions="kept", region="us-east-1", clock_offset_s=0, token=None, tls=None,
                 delay_s=0.0):
        self.conditions, self.region, self.clock_offset_s = conditions, region, clock_offset_s
        self.delay_s = delay_s       # of every answer, as if the store were far away
        self.token = token           # the session token that is good; None: none is asked for
        self.tokens = []             # what the container endpoint gives out, the last for ever
        self.tls = tls               # an ssl.SSLContext
        self.settings = {}           # of the bucket: what GET ?NAME answers; None: access denied
        self.faults, self.requests, self.objects = [], [], {}
        self.in_flight = self.in_flight_most = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._connections, self._open, self._closing = 0, set(), False

    @property
    def endpoint(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def environment(self):
        if self.tokens:
            return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self.port}/credentials"}
        return {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
                **({"AWS_SESSION_TOKEN": self.token} if self.token else {})}

    def of(self, method):
        return [request for request in self.requests if request.method == method]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # what waits in accept would take one more
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def now(self):
        return time.time() + self.clock_offset_s

    # ---- connections

    def _accept(self):
        while not self._closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections += 1
            threading.Thread(target=self._serve, args=(connection, self._connections),
                             daemon=True).start()

    def _serve(self, connection, number):
        self._open.add(connection)
        with contextlib.suppress(OSError, ConnectionError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as stream:
                while self._one(connection, stream, number):
                    pass
        self._open.discard(connection)

    def _read(self, stream, number):
        words = stream.readline().decode(errors="replace").split()
        if not words:
            return None
        if len(words) != 3 or words[2] != "HTTP/1.1":
            return Request(number, "", "", {}, b"")
        headers = {}
        while line := stream.readline().decode().strip():
            name, _, value = line.partition(":")
            if name.lower() in headers:
                headers["duplicate"] = name
            headers[name.lower()] = value.strip()
        unread = words[0] == "PUT" and self.faults and self.faults[0].unread
        body = b"" if unread else stream.read(int(headers.get("content-length", 0)))
        return Request(number, words[0], words[1], headers, body)

    def _one(self, connection, stream, number):
        """Reads and answers one request; false when the connection is over."""
        request = self._read(stream, number)
        if request is None:
            return False
        if not request.method:
            return self._send(connection, 400, b"", (), Fault())
        if request.path == "/credentials":
            return self._send(connection, 200, self._credentials(), (), Fault())
        with self._lock:
            self.requests.append(request)
            self.in_flight += 1
            self.in_flight_most = max(self.in_flight_most, self.in_flight)
            fault = Fault()
            if self.faults:
                fault = self.faults.pop(0)
        try:
            time.sleep(self.delay_s)
            return self._answer(connection, request, fault)
        finally:
            self.in_flight -= 1

    def _answer(self, connection, request, fault):
        status, body, headers = fault.status, b"", fault.headers
        if not status or fault.apply:
            try:
                status, body = self._honest(request)
            except Answer as refusal:
                status, body, request.problem = refusal.status, refusal.body(), refusal.message
        if fault.status:
            status = fault.status
            body = Answer(status, fault.code).body()
        if fault.hang:
            while not self._closing:
                time.sleep(0.02)
            return False
        return self._send(connection, status, body, headers, fault)

    def _send(self, connection, status, body, headers, fault):
        date = email.utils.formatdate(self.now(), usegmt=True)
        head = [f"HTTP/1.1 {status} X", f"Date: {date}", *headers]
        if status != 204 and not fault.no_length:
            head.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(head) + "\r\n\r\n").encode()
        if fault.cut:
            whole = {"before": b"", "status": head[:15], "body": head + body[:len(body) // 2]}
            connection.sendall(whole[fault.cut])
            if fault.reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if fault.no_length:
            connection.sendall(head + body[:len(body) // 2])
            return False
        if fault.drip_s:
            connection.sendall(head)
            for byte in body:
                connection.sendall(bytes([byte]))
                time.sleep(fault.drip_s)
            return True
        connection.sendall(head + body)
        return True

    # ---- S3

    def _credentials(self):
        self.token_given = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        expires = datetime.datetime.fromtimestamp(self.now() + 3600, datetime.timezone.utc)
        return json.dumps({"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY,
                           "Token": self.token_given,
                           "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}).encode()

    def _check(self, request):
        headers = request.headers
        match = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        for name in ("expect", "transfer-encoding", "accept-encoding", "duplicate"):
            if name in headers:
                raise Answer(400, "InvalidRequest", f"{name}: {headers[name]}")
        if request.method == "PUT" and "content-length" not in headers:
            raise Answer(411, "MissingContentLength")
        if match is None:
            raise Answer(403, "AccessDenied", "no signature, or not its form")
        access_key, day, region, signed, given = match.groups()
        signed = signed.split(";")
        if access_key != ACCESS_KEY:
            raise Answer(403, "InvalidAccessKeyId")
        if region != self.region:
            raise Answer(400, "AuthorizationHeaderMalformed",
                         f"the region {region} is wrong; expecting {self.region}")
        for name in headers:
            if (name.startswith("x-amz-") or name in ("host", "if-none-match")) and name not in signed:
                raise Answer(403, "AccessDenied", f"{name} is not signed")
        if signed != sorted(signed) or any(name not in headers for name in signed):
            raise Answer(403, "SignatureDoesNotMatch", "signed headers out of order, or not sent")
        if headers.get("x-amz-content-sha256") != hashlib.sha256(request.body).hexdigest():
            raise Answer(400, "XAmzContentSHA256Mismatch")
        when = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
        if abs(when.replace(tzinfo=datetime.timezone.utc).timestamp() - self.now()) > SKEW_S_MAX:
            raise Answer(403, "RequestTimeTooSkewed")
        if headers["x-amz-date"][:8] != day or \
                given != signature(request, signed, day, region, SECRET_KEY):
            raise Answer(403, "SignatureDoesNotMatch")
        if self.token is not None and headers.get("x-amz-security-token") != self.token:
            raise Answer(400, "ExpiredToken", "the token has expired")

    def _honest(self, request):
        self._check(request)
        _, bucket, *rest = request.path.split("/", 2)
        key = urllib.parse.unquote(rest[0]) if rest else ""
        if bucket != BUCKET:
            raise Answer(404, "NoSuchBucket")
        if request.method == "PUT":
            return self._put(key, request)
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return 204, b""
        if not key and "list-type" not in request.query:
            return self._setting(request.query)
        if not key:
            return 200, self._list(request.query)
        if key not in self.objects:
            raise Answer(404, "NoSuchKey")
        return 200, self.objects[key]

    def _put(self, key, request):
        conditional = request.headers.get("if-none-match") == "*"
        if conditional and self.conditions == "refused":
            raise Answer(501, "NotImplemented", "a header implies what is not implemented")
        if self.conditions == "racy":
            taken = key in self.objects
            time.sleep(0.01)
            if taken and conditional:
                raise Answer(412, "PreconditionFailed")
            self.objects[key] = request.body
            return 200, b""
        with self._lock:
            if conditional and key in self.objects and self.conditions == "kept":
                raise Answer(412, "PreconditionFailed")
            self.objects[key] = request.body
        return 200, b""

    def _setting(self, query):
        name = next(iter(query), "")
        if name in self.settings and self.settings[name] is None:
            raise Answer(403, "AccessDenied")
        if name == "lifecycle" and name not in self.settings:
            raise Answer(404, "NoSuchLifecycleConfiguration")
        if name not in ("lifecycle", "versioning"):
            raise Answer(400, "InvalidArgument")
        return 200, self.settings.get(name, "<VersioningConfiguration/>").encode()

    def _list(self, query):
        if query.get("list-type") != "2":
            raise Answer(400, "InvalidArgument")
        count = int(query.get("max-keys", 1000))
        keys = sorted(key for key in list(self.objects) if key.startswith(query.get("prefix", "")) and
                      key > query.get("start-after", ""))
        rows = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys[:count])
        more = "true" if len(keys) > count else "false"
        return (f"<?xml version='1.0'?><ListBucketResult><IsTruncated>{more}</IsTruncated>{rows}"
                "</ListBucketResult>").encode()


if __name__ == "__main__":
    with FaultStore() as served:
        print(served.endpoint, *(f"{k}={v}" for k, v in served.environment().items()), flush=True)
        sys.stdin.read()
