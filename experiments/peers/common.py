"""What the runners share: their command line, the test cases, the figures that they print."""

import argparse
import json
import time

import numpy as np
from safetensors.numpy import load_file


class DidNotRun(Exception):
    """The peer cannot run this network; the message says why."""


class Run:
    """One measurement: a model, its cases, a number of threads. Gathers the figures of a row of the table."""

    def __init__(self):
        parser = argparse.ArgumentParser()
        parser.add_argument("--model", required=True, help="ONNX file")
        parser.add_argument("--cases", required=True, help="safetensors with input [n][c][h][w] and logits [n][classes]")
        parser.add_argument("--threads", type=int, required=True)
        parser.add_argument("--runs", type=int, required=True, help="timed predictions")
        parser.add_argument("--hemet", help="the binary hemet")
        parser.add_argument("--costs", help="cost table for hemet")
        self.args = parser.parse_args()
        cases = load_file(self.args.cases)
        self.inputs = cases["input"].astype(np.float64)
        self.logits = cases["logits"].astype(np.float64)
        self.figures = {"latency_s": [], "max_abs_error": 0.0}

    def timed(self, name, work):
        """Runs `work` and adds its seconds to the figure `name`."""
        start = time.perf_counter()
        result = work()
        self.figures[name] = self.figures.get(name, 0.0) + time.perf_counter() - start
        return result

    def predict(self, encrypt, evaluate, decrypt):
        """One untimed prediction, then the timed ones; only the server's work, `evaluate`, is timed."""
        for number in range(-1, self.args.runs):
            index = max(number, 0) % len(self.inputs)
            request = encrypt(self.inputs[index : index + 1])
            start = time.perf_counter()
            answer = evaluate(request)
            seconds = time.perf_counter() - start
            if number >= 0:
                self.figures["latency_s"].append(seconds)
            found = np.asarray(decrypt(answer), dtype=np.float64).ravel()[: self.logits.shape[1]]
            error = float(np.abs(found - self.logits[index]).max())
            self.figures["max_abs_error"] = max(self.figures["max_abs_error"], error)

    def print(self, **figures):
        """The last line of standard output: the figures as JSON."""
        print(json.dumps(self.figures | figures), flush=True)
