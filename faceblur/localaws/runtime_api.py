"""The Lambda Runtime API of one execution environment, on a free port of 127.0.0.1.

It serves the environment's own processes and nobody else (`callers`): whoever asked for the next event would have it.

Protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import http.server
import json
import queue
import socket
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from email.message import Message

from .callers import is_of_family

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: synchronous responses end at 6 MB.
MAX_RESPONSE_BYTES = 6_291_556
# A process may call before it is said that it is the one.
OWNER_S = 10


@dataclass(frozen=True)
class Invocation:
    """One event on its way to the handler."""

    request_id: str
    event: bytes
    deadline: float
    function_arn: str
    client_context: str = ""


@dataclass(frozen=True)
class Answer:
    """What came back: kind is 'response', 'error', 'init-error' or 'exit'."""

    kind: str
    body: bytes = b""


class RuntimeApi:
    """Hands invocations to the runtime client and collects its answers."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        # Set while an event is being handled or the process is still starting.
        self.working = threading.Event()
        self.working.set()
        self._turn = threading.Lock()
        self._closed = self._ended = False
        self.answers: queue.Queue[Answer] = queue.Queue()
        self._owner: Future[int] = Future()
        self._invocations: queue.Queue[Invocation | None] = queue.Queue()
        self._current = ""
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._port = int(self._server.server_address[1])
        self.address = f"127.0.0.1:{self._port}"
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def belongs_to(self, pid: int) -> None:
        """The process that it serves, with whatever that starts; until this is said it serves nobody."""
        self._owner.set_result(pid)

    def lets_in(self, headers: Message, port: int) -> bool:
        """Whether who calls from this port is the environment itself, and no page of a browser in it."""
        if headers.get("Host", self.address) != self.address or "Origin" in headers or "Sec-Fetch-Site" in headers:
            return False
        try:
            return is_of_family(self._owner.result(OWNER_S), self._port, port)
        except TimeoutError:
            return False

    def submit(self, invocation: Invocation) -> None:
        """Give the environment its next event; it must be idle."""
        while not self.answers.empty():
            self.answers.get_nowait()
        with self._turn:
            self._current = invocation.request_id
            self.working.set()
        self._invocations.put(invocation)

    def next(self) -> Invocation | None:
        """Called by the client when it is ready; None when the environment ends."""
        with self._turn:
            self.ready.set()
            if not self._current and not self._ended:
                self.working.clear()
        return self._invocations.get()

    def end(self) -> None:
        """The process ends: nobody is made to wait for it any more, also when it asks for work a moment later."""
        with self._turn:
            self._ended = True
            self.working.set()

    def answer(self, request_id: str, kind: str, body: bytes) -> bool:
        """False when the request is not the one being worked on."""
        if request_id != self._current:
            return False
        self._current = ""
        if kind == "response" and len(body) > MAX_RESPONSE_BYTES:
            text = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
            body = json.dumps({"errorMessage": text, "errorType": "Function.ResponseSizeTooLarge"}).encode()
            kind = "error"
        self.answers.put(Answer(kind, body))
        return True

    def close(self) -> None:
        """Free the port; the process must have ended."""
        self._invocations.put(None)
        self._closed = True
        with socket.create_connection(("127.0.0.1", self._port)):  # wakes the thread that accepts
            self._acceptor.join()
        self._server.server_close()

    def _accept(self) -> None:
        """Connections, without looking at the clock in between as serve_forever does."""
        while not self._closed:
            self._server.handle_request()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A process that is ended hangs up in the middle."""


def _handler(api: RuntimeApi) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        let_in = False

        def log_message(self, *_: object) -> None:
            pass

        def parse_request(self) -> bool:
            """Nothing is done for others, and nothing of theirs is read."""
            if not super().parse_request():
                return False
            if self.let_in or api.lets_in(self.headers, self.client_address[1]):
                self.let_in = True
                return True
            self.close_connection = True
            self._reply(403)
            return False

        def do_GET(self) -> None:
            if not self.path.endswith("/runtime/invocation/next"):
                self._reply(404)
                return
            invocation = api.next()
            if invocation is None:
                self.close_connection = True
                return
            headers = {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{invocation.request_id[:24]}",
            }
            if invocation.client_context:
                headers["Lambda-Runtime-Client-Context"] = json.dumps(json.loads(invocation.client_context))
            self._reply(200, invocation.event, headers)

        def do_POST(self) -> None:
            body = self._body()
            if self.path.endswith("/runtime/init/error"):
                api.answers.put(Answer("init-error", body))
                api.ready.set()
                self._reply(202)
                return
            request_id, kind = self.path.split("/")[-2:]
            if kind in ("response", "error") and api.answer(request_id, kind, body):
                self._reply(202, b'{"status":"OK"}')
            else:
                self._reply(400, b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}')

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self._whole(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self._whole(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _whole(self, size: int) -> bytes:
            """Half of an answer, of a process that was ended while it gave it, is none."""
            content = self.rfile.read(size)
            if len(content) < size:
                raise ConnectionAbortedError
            return content

        def _reply(self, status: int, body: bytes = b"{}", headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

    return Handler
