"""A model on a server (`hemet serve`), as its client sees it. Nothing secret is ever sent."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Callable

from ._hemet import HemetError, key_hash
from .arrays import to_inputs
from .local import Answers, Client, Spec

_PIECE = 4 << 20
_HEAD_LENGTH = "inference-header-content-length"
#: How long a server that cannot be reached, or is busy, is asked again.
_UNREACHABLE_S, _BUSY_S = 15, 1800


class ServerError(HemetError):
    """What a server refuses, with its status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the server answered {status}: {message}")
        self.status = status


class _Elsewhere(Exception):
    """An upload stands elsewhere than was thought."""

    def __init__(self, received: int) -> None:
        self.received = received


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token is never sent to another address than the one that was given."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True)
class Prediction:
    """Answers of a server."""

    answers: Answers
    #: Milliseconds that the server computed.
    server_ms: float
    #: Milliseconds in all: encrypting, sending, waiting, computing, decrypting.
    total_ms: float


class Remote:
    """The model at `url`, as in `http://127.0.0.1:8080/v2/models/digits`."""

    def __init__(self, url: str, token: str | None = None, timeout_s: float = 3600.0) -> None:
        self.url = url.rstrip("/")
        scheme, _, rest = self.url.partition("://")
        if scheme not in ("http", "https") or "/v2/models/" not in rest:
            raise HemetError(
                f"`{url}` is no address of a model; give one as in http://127.0.0.1:8080/v2/models/digits"
            )
        self._token = token
        self._timeout_s = timeout_s
        self._opener = urllib.request.build_opener(_NoRedirect)

    def spec(self) -> Spec:
        """What clients must know of the model."""
        _, _, body = self._ask("GET", "/spec")
        return Spec.from_bytes(body)

    def metadata(self) -> dict[str, Any]:
        """What the server tells of the model."""
        return json.loads(self._ask("GET", "")[2])

    def upload(self, keys: bytes, progress: Callable[[int, int], None] | None = None) -> str:
        """Uploads evaluation keys, unless the server has them; an upload that broke off goes on where it stopped.

        `progress` hears how many bytes of how many are there. Returns the name of the keys.
        """
        name, total = key_hash(keys), len(keys)
        path = f"/keys/{name}"
        received = self._stand(path)
        while received is not None:
            if progress:
                progress(received, total)
            piece = keys[received : received + _PIECE]
            span = f"{received}-{received + len(piece) - 1}" if piece else "*"
            headers = {"content-range": f"bytes {span}/{total}"}
            try:
                status, _, body = self._ask("PUT", path, piece, headers)
                received = json.loads(body)["received"] if status == 202 else None
            except _Elsewhere as elsewhere:
                if elsewhere.received == received:
                    raise ServerError(409, "the upload does not go on") from None
                received = elsewhere.received
        if progress:
            progress(total, total)
        return name

    def infer(self, keys: str, request: bytes) -> tuple[bytes, float]:
        """The encrypted answer to `request` under keys of this name, and the milliseconds that the server computed."""
        head = json.dumps(
            {
                "parameters": {"evaluation_keys": keys, "binary_data_output": True},
                "inputs": [
                    {
                        "name": "encrypted_input",
                        "shape": [len(request)],
                        "datatype": "UINT8",
                        "parameters": {"binary_data_size": len(request)},
                    }
                ],
            }
        ).encode()
        headers = {_HEAD_LENGTH: str(len(head))}
        _, answered, body = self._ask("POST", "/infer", head + request, headers)
        try:
            length = int(answered[_HEAD_LENGTH])
            told = json.loads(body[:length])
            response = body[length:]
            stated = told["outputs"][0]["parameters"]["binary_data_size"]
            server_ms = float(told["parameters"]["server_ms"])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise HemetError(f"the server's answer is no prediction: {error!r}") from error
        if stated != len(response):
            raise HemetError(f"the server's answer has {len(response)} bytes where {stated} are stated")
        return response, server_ms

    def predict(self, client: Client, keys: bytes, inputs: Any, **encrypt: Any) -> Prediction:
        """Encrypts here, has the server compute, decrypts here.

        Where the model was trained anew since `client` was made and needs the same keys, the spec is fetched and used.
        """
        begun = time.perf_counter()
        name = self.upload(keys)
        spec = self.spec()
        ours, theirs = client.facts, spec.facts
        if ours["artifact"] != theirs["artifact"] and ours["key_binding"] == theirs["key_binding"]:
            client = client.rebound(spec)
        rows = to_inputs(inputs, client.facts["shape"], client.spec._native)
        request = client.encrypt(rows, **encrypt)
        response, server_ms = self.infer(name, request)
        answers = client.decrypt(response, request, len(rows))
        return Prediction(answers, server_ms, (time.perf_counter() - begun) * 1e3)

    def _stand(self, path: str) -> int | None:
        """How many bytes of an upload have arrived; none where they are whole."""
        try:
            told = json.loads(self._ask("GET", path)[2])
        except ServerError as error:
            if error.status == 404:
                return 0
            raise
        return None if told["state"] == "stored" else int(told["received"])

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, bytes]:
        """Status, headers and body of an answer. What was lost on the way is sent again: requests are idempotent."""
        request = urllib.request.Request(self.url + path, data=body, method=method)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if body is not None:
            request.add_header("content-type", "application/octet-stream")
        if self._token is not None:
            request.add_header("authorization", f"Bearer {self._token}")
        begun, broken_since, wait = time.monotonic(), None, 0.1
        while True:
            try:
                with self._opener.open(request, timeout=self._timeout_s) as response:
                    return response.status, response.headers, response.read()
            except urllib.error.HTTPError as error:
                pause = self._pause(error)
                broken_since = None
                if time.monotonic() - begun > _BUSY_S:
                    raise ServerError(error.code, "it is busy; try again later") from None
            except (OSError, http.client.HTTPException) as error:
                broken_since = broken_since or time.monotonic()
                if time.monotonic() - broken_since > _UNREACHABLE_S:
                    raise HemetError(f"{self.url}: {error}; does the server run there?") from error
                pause, wait = wait, min(wait * 2, 30.0)
            time.sleep(pause)

    @staticmethod
    def _pause(error: urllib.error.HTTPError) -> float:
        """After how many seconds to ask again; raises what is no reason to."""
        content = error.read(64 << 10)
        try:
            told = json.loads(content)
            message = str(told.get("error", "it does not say why"))
        except (ValueError, AttributeError):
            told, message = {}, "it does not say why"
        if isinstance(told.get("received"), int):
            raise _Elsewhere(told["received"]) from None
        after = error.headers.get("retry-after", "")
        if not after.isdigit():
            raise ServerError(error.code, message) from None
        return min(float(after), 30.0)
