"""Client and server on one machine: files, keys, encryption, prediction, decryption."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from . import _hemet
from ._hemet import HemetError
from .arrays import to_inputs

PathLike = str | os.PathLike[str]


def inspect(path: PathLike) -> dict[str, Any]:
    """What an artifact is: network, classes, security, sizes, its manifest."""
    return json.loads(_hemet.inspect(Path(path)))


class Spec:
    """What clients must know of an artifact; it holds no weights."""

    def __init__(self, native: _hemet.Spec) -> None:
        self._native = native

    @classmethod
    def open(cls, path: PathLike) -> Spec:
        """Reads a spec, or that of an artifact."""
        return cls(_hemet.Spec.open(Path(path)))

    @classmethod
    def from_bytes(cls, data: bytes) -> Spec:
        """Reads the bytes of a spec."""
        return cls(_hemet.Spec.from_bytes(data))

    def to_bytes(self) -> bytes:
        """The bytes of its file."""
        return self._native.to_bytes()

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What is told of the artifact: shape, range, classes, normalization, security, bytes of keys, and more."""
        return json.loads(self._native.facts_json())

    def check_signature(self, public_key: PathLike) -> None:
        """Refuses a spec that this public key (of `hemet keys signing`) has not signed."""
        self._native.check_signature(Path(public_key))


@dataclass(frozen=True)
class Answers:
    """Decrypted answers, in the order of the inputs."""

    #: The class of each, `[count]`.
    classes: np.ndarray
    #: What each class is called; its number where it has no name.
    class_names: list[str]
    #: What was decrypted, `[count, outputs]`; without outputs where the client learns the class alone.
    logits: np.ndarray
    #: The model's own outputs, `[count, outputs]`: after the end that the client applies (a softmax, a unit).
    outputs: np.ndarray


class Client:
    """A client's secret keys. They are wiped when it is gone, and never leave it but into its file."""

    def __init__(self, native: _hemet.Client) -> None:
        self._native = native

    @classmethod
    def open(cls, path: PathLike, passphrase: str | None = None) -> Client:
        """Reads a client key file."""
        return cls(_hemet.Client.open(Path(path), passphrase))

    def save(self, path: PathLike, passphrase: str | None = None) -> None:
        """Writes the client key file, readable by its owner only, under a passphrase where one is given."""
        self._native.save(Path(path), passphrase)

    @cached_property
    def spec(self) -> Spec:
        """What it knows of the artifact."""
        return Spec(self._native.spec())

    @property
    def facts(self) -> dict[str, Any]:
        """What is told of the artifact."""
        return self.spec.facts

    @property
    def label(self) -> str:
        """What its owner calls it."""
        return self._native.label()

    def rebound(self, spec: Spec) -> Client:
        """The same keys for another artifact of the same key binding: a network that was trained anew."""
        return Client(self._native.rebound(spec._native))

    def encrypt(self, inputs: Any, allow_insecure: bool = False) -> bytes:
        """Encrypts an input, or up to `facts["images_per_request"]` of them, as one request. See `to_inputs`."""
        self._check_use(allow_insecure)
        rows = to_inputs(inputs, self.facts["shape"], self.spec._native)
        return self._native.encrypt(rows.astype("<f8").tobytes(), len(rows))

    def decrypt(
        self, response: bytes, request: bytes | None = None, count: int = 1, raw: bool = False
    ) -> Answers:
        """Decrypts the answer to `request`, whose first `count` inputs are told.

        An answer to any other request is refused (`CheckError`); without a request nothing is checked. Numbers are
        rounded to the promised precision. `raw` gives every digit, from which the secret key can be computed: show
        these to nobody.
        """
        answers = self._native.decrypt(response, request, count, raw)
        classes = np.array([answer[0] for answer in answers], dtype=np.int64)
        names = self.facts["classes"]
        named = [names[c] if c < len(names) else str(c) for c in classes]
        rows = [np.array([answer[part] for answer in answers], dtype=np.float64) for part in (1, 2)]
        logits, outputs = (row.reshape(len(answers), -1) for row in rows)
        return Answers(classes, named, logits, outputs)

    def _check_use(self, allow_insecure: bool) -> None:
        if self.facts["security_bits"] == 0 and not allow_insecure:
            raise HemetError(
                "the parameters promise no security; give allow_insecure=True for a test, and never for real data"
            )
        expires_s = self._native.expires_s()
        if expires_s is not None and expires_s <= time.time():
            raise HemetError("the key has expired; make a new pair (hemet keys rotate)")


def keygen(spec: Spec, label: str = "", allow_insecure: bool = False) -> tuple[Client, bytes]:
    """Makes a client's secret keys, and the bytes of the evaluation keys for the server."""
    if spec.facts["security_bits"] == 0 and not allow_insecure:
        raise HemetError("the parameters promise no security; give allow_insecure=True for a test")
    client, keys = _hemet.Client.generate(spec._native, label, int(time.time()))
    return Client(client), keys


class Server:
    """An artifact with its weights, ready to answer any number of clients. Nothing here can decrypt."""

    def __init__(self, native: _hemet.Server) -> None:
        self._native = native

    @classmethod
    def open(cls, path: PathLike, threads: int = 0) -> Server:
        """Loads an artifact; 0 threads means one a core."""
        return cls(_hemet.Server.open(Path(path), threads))

    @cached_property
    def spec(self) -> Spec:
        """What clients must know."""
        return Spec(self._native.spec())

    def keys(self, keys: bytes | PathLike) -> _hemet.ServerKeys:
        """Reads a client's evaluation keys, from bytes or a file, and checks that they are what the artifact needs."""
        data = keys if isinstance(keys, bytes) else Path(keys).read_bytes()
        return self._native.keys(data)

    def answer(self, keys: _hemet.ServerKeys, request: bytes) -> bytes:
        """Runs the network on an encrypted input."""
        return self._native.answer(keys, request)
