"""Concrete (PyPI concrete-python), the compiler below Concrete ML, on the integers of a TFHE artifact of Hemet: same weights, same tables.

Concrete ML quantizes and trains by itself; here the network is given, so its compiler is used as Concrete ML uses it: matrix products in the
clear weights, one table look-up an activation, widths from the range of a set of inputs, and one error probability for the whole."""

import argparse
import gzip
import json
import math
import time

import numpy as np
from concrete import fhe

HEAD = 16
SUM = 32
TYPES = {"U32": np.uint32, "I32": np.int32, "I64": np.int64}


class Artifact:
    """Instructions, constants and encoding of a TFHE artifact."""

    def __init__(self, path):
        data = open(path, "rb").read()
        if data[:8] != b"\x89HMTFH\r\n":
            raise SystemExit(f"{path} is no TFHE artifact")
        end = HEAD + int.from_bytes(data[12:16], "little")
        self.encoding = json.loads(data[HEAD:end])["encoding"]
        tensors = data[end:-SUM]
        start = 8 + int.from_bytes(tensors[:8], "little")
        records = json.loads(tensors[8:start])
        self.text = records.pop("__metadata__")["hemet-tfhe-schedule"]
        self.tensors = {}
        for name, record in records.items():
            first, last = record["data_offsets"]
            values = np.frombuffer(tensors[start + first : start + last], TYPES[record["dtype"]])
            self.tensors[name] = values.reshape(record["shape"])

    def failure_log2(self):
        """The goal for a whole prediction, as a power of 2."""
        line = next(line for line in self.text.splitlines() if line.startswith("failure"))
        if not line.endswith(" prediction"):
            raise SystemExit(f"`{line}`: a goal for whole predictions is needed")
        return int(line.split()[1].removeprefix("2^"))

    def instructions(self):
        """(operation, operands, constant, turn) of each; key switches give their operand."""
        for line in self.text.splitlines():
            if not line.startswith("%"):
                continue
            body, kind = line.split(" = ")[1].rsplit(" : ", 1)
            words = body.split()
            operands = [int(word[1:]) for word in words if word.startswith("%")]
            constant = next((word[1:] for word in words if word.startswith("@")), None)
            yield words[0], operands, constant, int(kind.split()[-1])

    def outputs(self):
        return [int(line.split()[1][1:]) for line in self.text.splitlines() if line.startswith("output %")]

    def matrix(self, name):
        """Weights [inputs][outputs] and biases of a map."""
        part = lambda which: self.tensors[f"{name}:{which}"]
        starts, columns, weights = part("row_starts"), part("columns"), part("weights")
        dense = np.zeros((int(part("inputs")[0]), len(starts) - 1), dtype=np.int64)
        for row in range(len(starts) - 1):
            entries = slice(starts[row], starts[row + 1])
            dense[columns[entries], row] = weights[entries]
        return dense, part("bias").astype(np.int64)

    def table(self, name, turn):
        """A row for each element: its value at each message of a turn."""
        half, channel_len = (int(number) for number in self.tensors[f"{name}:shape"])
        values = self.tensors[f"{name}:values"].reshape(-1, half).astype(np.int64)
        whole = np.concatenate([values, self.tensors[f"{name}:flip"][:, None] - values], axis=1)
        assert whole.shape[1] == turn
        return np.repeat(whole, channel_len, axis=0)


def evaluate(artifact, x, look_up):
    """The network on integers [inputs], clear or encrypted; `look_up(accumulators, rows, turn)` is a table."""
    values, turns = [], []
    for operation, operands, constant, turn in artifact.instructions():
        of = [values[operand] for operand in operands]
        match operation:
            case "input":
                value = x
            case "linear":
                weights, bias = artifact.matrix(constant)
                value = (of[0] if len(of) == 1 else np.concatenate(of)) @ weights + bias
            case "keyswitch":
                value = of[0]
            case "bootstrap":
                rows = artifact.table(constant, turns[operands[0]])
                value = look_up(of[0], rows, len(values))
            case _:
                raise SystemExit(f"`{operation}` is not written for Concrete: take a network without rounding")
        values.append(value)
        turns.append(turn)
    parts = [values[output] for output in artifact.outputs()]
    return sum(parts[1:], parts[0])


def images(path, encoding, count):
    """The first images of a gzipped IDX file, pixels 0 to 255 or, where they are 8x8, 0 to 16, as the network's integers."""
    data = gzip.open(path).read()
    images, height = (int.from_bytes(data[at : at + 4], "big") for at in (4, 8))
    top = 16 if height == 8 else 255
    pixels = np.frombuffer(data, np.uint8, offset=16).reshape(images, -1)[:count] / top
    share = (pixels - encoding["low"]) / (encoding["high"] - encoding["low"])
    top = encoding["levels"] - 1
    return np.clip(np.floor(share * top + 0.5), 0, top).astype(np.int64)


def circuit(artifact, inputs):
    """The network compiled, with tables as wide as the accumulators of `inputs` are."""
    bounds = {}

    def observe(accumulators, rows, key):
        low, high = bounds.get(key, (0, 0))
        bounds[key] = (min(low, int(accumulators.min())), max(high, int(accumulators.max())))
        return rows[np.arange(len(rows)), accumulators % rows.shape[1]]

    clear = [evaluate(artifact, x, observe) for x in inputs]

    def look_up(accumulators, rows, key):
        low, high = bounds[key]
        width = 1 << max(high - low, 1).bit_length()
        messages = (np.arange(width) + low) % rows.shape[1]
        tables = fhe.LookupTable([fhe.LookupTable(row[messages].tolist()) for row in rows])
        return tables[accumulators - low]

    compiler = fhe.Compiler(lambda x: evaluate(artifact, x, look_up), {"x": "encrypted"})
    configuration = fhe.Configuration(global_p_error=2.0 ** artifact.failure_log2())
    return compiler.compile(list(inputs), configuration), clear


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--artifact", required=True, help="TFHE artifact of a network for grey images")
    parser.add_argument("--images", required=True, help="gzipped IDX file of its images")
    parser.add_argument("--calibrate", type=int, default=500, help="images whose accumulators give the tables' widths")
    parser.add_argument("--runs", type=int, required=True, help="timed predictions")
    args = parser.parse_args()
    artifact = Artifact(args.artifact)
    inputs = images(args.images, artifact.encoding, args.calibrate)
    start = time.perf_counter()
    compiled, clear = circuit(artifact, inputs)
    compile_s = time.perf_counter() - start
    start = time.perf_counter()
    compiled.keygen()
    keygen_s = time.perf_counter() - start
    latency_s, equal = [], 0
    for run in range(-1, args.runs):
        index = max(run, 0) % len(inputs)
        request = compiled.encrypt(inputs[index])
        start = time.perf_counter()
        answer = compiled.run(request)
        seconds = time.perf_counter() - start
        if run >= 0:
            latency_s.append(seconds)
            equal += int(np.array_equal(compiled.decrypt(answer), clear[index]))
    print(
        json.dumps(
            {
                "latency_s": latency_s,
                "equal": equal,
                "error_log2": math.log2(compiled.global_p_error),
                "bootstraps": compiled.programmable_bootstrap_count,
                # What a client sends a server.
                "evaluation_key_bytes": len(compiled.client.evaluation_keys.serialize()),
                "input_ciphertext_bytes": len(compiled.encrypt(inputs[0]).serialize()),
                "compile_s": compile_s,
                "keygen_s": keygen_s,
                "parameters": f"tables of up to {compiled.graph.maximum_integer_bit_width()} bits",
            }
        )
    )


if __name__ == "__main__":
    main()
