"""Artifacts for the tests: squares of four numbers (CKKS, parameters without security), the same with 0.5 added (it
needs the same keys), and 2a - b + 3 of two numbers (TFHE). They are also artifacts of an older build: they must load."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parent / "data"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def square():
    return DATA / "square.hemet"


@pytest.fixture
def square_plus():
    return DATA / "square_plus.hemet"


@pytest.fixture
def linear():
    return DATA / "linear.hemet"


class Serving:
    """A server in a process of its own, with a folder of models."""

    def __init__(self, program, folder):
        self.folder = folder
        self.models = folder / "models"
        self.models.mkdir()
        shutil.copy(DATA / "square.hemet", self.models / "square.hemet")
        (folder / "tokens").write_text("north north-0123456789abcdef\n")
        arguments = ["models", "--store", "store", "--listen", "127.0.0.1:0", "--port-file", "port", "--tokens", "tokens"]
        self.process = subprocess.Popen([program, *arguments], cwd=folder, stderr=subprocess.DEVNULL)
        port, begun = folder / "port", time.monotonic()
        while not port.exists():
            assert self.process.poll() is None and time.monotonic() - begun < 30, "the server does not start"
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{port.read_text().strip()}/v2/models/square"
        self.token = "north-0123456789abcdef"

    def exchange(self, artifact):
        aside = self.models / "aside"
        shutil.copy(artifact, aside)
        os.replace(aside, self.models / "square.hemet")


@pytest.fixture
def serving(tmp_path):
    program = os.environ.get("HEMET_SERVE", ROOT / "target/release/hemet-serve")
    if not Path(program).exists():
        pytest.skip("there is no hemet-serve: cargo build --release -p hemet-serve, or HEMET_SERVE=PROGRAM")
    serving = Serving(program, tmp_path)
    yield serving
    serving.process.kill()
    serving.process.wait()


@pytest.fixture
def program(tmp_path, monkeypatch):
    program = os.environ.get("HEMET_PROGRAM", ROOT / "target/release/hemet")
    if not Path(program).exists():
        pytest.skip("there is no hemet: cargo build --release, or HEMET_PROGRAM=PROGRAM")
    monkeypatch.setenv("HEMET_PROGRAM", str(program))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return program


EXPERIMENT = {
    "name": "tiny",
    "data": {"set": "optdigits"},
    "space": {"input": [1, 8, 8], "classes": 10, "blocks": [{"name": "b1", "options": ["skip", {"dense": {"width": 8}}]}]},
    "search": {"strategy": "random", "trials": 2},
    "train": {"epochs": 2},
    "encrypted_images": 2,
    "measured_members": 0,
}


def squares(onnx):
    """A network of one dense layer and a square, as a model of the package onnx."""
    helper, random = onnx.helper, np.random.default_rng(1)
    weights = onnx.numpy_helper.from_array(random.normal(size=(10, 64)).astype(np.float32) / 8, "w")
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w"], ["h"], transB=1),
        helper.make_node("Mul", ["h", "h"], ["y"]),
    ]
    shapes = [("x", ["n", 1, 8, 8]), ("y", ["n", 10])]
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in shapes]
    graph = helper.make_graph(nodes, "squares", values[:1], values[1:], [weights])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
