# SPDX-License-Identifier: Apache-2.0
"""Google Cloud Storage's XML API in front of a fake-gcs-server, and the metadata server.

    with GcsFront("127.0.0.1:4443") as front:
        front.endpoint, front.metadata_host

No emulator that we found keeps x-goog-if-generation-match on the XML API: fake-gcs-server
(1.56.1) and gcp-storage-emulator (2026.7) both overwrite. The former keeps ifGenerationMatch of
the JSON API, so each request is translated: what is atomic there is atomic here. The front is
strict where an emulator would be lenient: a PUT must have the precondition, every request a
token that the metadata server gave out less than TOKEN_LIFE_S ago.
"""
import http.client
import http.server
import json
import secrets
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

TOKEN_LIFE_S = 3
TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
UPSTREAM_TIMEOUT_S = 60


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format, *args):  # noqa: A002 - the name is the base class's
        pass

    def answer(self, status, body=b"", kind="application/xml"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, code):
        self.answer(status, f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code>"
                            f"<Message>as told by gcs_front.py</Message></Error>".encode())

    def ask(self, method, path, query, body=None):
        """Status and body of the same thing by the JSON API."""
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=UPSTREAM_TIMEOUT_S)
        try:
            upstream.request(method, path + "?" + urllib.parse.urlencode(query), body,
                             {"Content-Type": "application/octet-stream"} if body is not None else {})
            response = upstream.getresponse()
            return response.status, response.read()
        finally:
            upstream.close()

    def give_token(self):
        if self.headers.get("Metadata-Flavor") != "Google":
            return self.refuse(403, "NoFlavor")
        token = self.server.new_token()
        return self.answer(200, json.dumps({"access_token": token, "expires_in": TOKEN_LIFE_S,
                                            "token_type": "Bearer"}).encode(), "application/json")

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urllib.parse.urlsplit(self.path)
        bucket, _, name = urllib.parse.unquote(url.path[1:]).partition("/")
        if url.path == TOKEN_PATH:
            return self.give_token()
        if not self.server.is_good(self.headers.get("Authorization", "")):
            return self.refuse(401, "AuthenticationRequired")
        if self.command == "GET" and not name:
            return self.list(bucket, dict(urllib.parse.parse_qsl(url.query)))
        if url.query or not name:
            return self.refuse(400, "InvalidArgument")
        return {"PUT": self.put, "GET": self.get, "DELETE": self.delete}[self.command](
            bucket, name, body)

    do_PUT = do_GET = do_DELETE = handle_one

    def put(self, bucket, name, body):
        if self.headers.get("x-goog-if-generation-match") != "0":
            return self.refuse(400, "NoPrecondition")
        status, _ = self.ask("POST", f"/upload/storage/v1/b/{bucket}/o",
                             {"uploadType": "media", "name": name, "ifGenerationMatch": "0"}, body)
        if status == 200:
            return self.answer(200)
        return self.refuse(status, {412: "PreconditionFailed", 404: "NoSuchBucket"}.get(status, "Odd"))

    def path_of(self, bucket, name):
        return f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}"

    def get(self, bucket, name, _body):
        status, found = self.ask("GET", self.path_of(bucket, name), {"alt": "media"})
        if status == 200:
            return self.answer(200, found, "application/octet-stream")
        return self.refuse(status, "NoSuchKey")

    def delete(self, bucket, name, _body):
        status, _ = self.ask("DELETE", self.path_of(bucket, name), {})
        return self.answer(204) if status in (200, 204) else self.refuse(status, "NoSuchKey")

    def list(self, bucket, query):
        if query.get("list-type") != "2":
            return self.refuse(400, "InvalidArgument")
        after, page = query.get("start-after", ""), int(query["max-keys"])
        status, body = self.ask("GET", f"/storage/v1/b/{bucket}/o",
                                {"prefix": query.get("prefix", ""), "maxResults": 100000})
        if status != 200:
            return self.refuse(status, "NoSuchBucket")
        keys = sorted(item["name"] for item in json.loads(body).get("items", [])
                      if item["name"] > after)
        contents = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys[:page])
        more = str(len(keys) > page).lower()
        return self.answer(200, f"<?xml version='1.0' encoding='UTF-8'?><ListBucketResult>"
                                f"<IsTruncated>{more}</IsTruncated>{contents}</ListBucketResult>"
                                .encode())


class GcsFront(http.server.ThreadingHTTPServer):
    """Serves from the block's begin to its end."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream
        self.tokens = {}  # when each was given out
        self.metadata_host = f"127.0.0.1:{self.server_address[1]}"
        self.endpoint = f"http://{self.metadata_host}"

    def new_token(self):
        token = secrets.token_hex(16)
        self.tokens[f"Bearer {token}"] = time.monotonic()
        return token

    def is_good(self, authorization):
        return time.monotonic() - self.tokens.get(authorization, float("-inf")) < TOKEN_LIFE_S

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
