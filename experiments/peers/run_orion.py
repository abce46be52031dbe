"""Orion (PyPI orion-fhe): the network rebuilt from its modules, compiled and run encrypted."""

import contextlib
import sys

import torch

import layers
from common import DidNotRun, Run

# log2(QP) that a ring degree carries at 128 bits, by the 2018 HomomorphicEncryption.org tables, which Orion's own settings follow.
LIMITS = {12: 109, 13: 218, 14: 438, 15: 881}
# Below this many bits of scale its answers are noise.
LEAST_SCALE_BITS = 25
# Its settings leave the first and the special primes this many bits above the scale.
HEADROOM_BITS = 3


def network(on, read):
    """The layers as an Orion module."""

    class Network(on.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList(module(on, layer) for layer in read)

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    return Network()


def module(on, layer):
    match layer.kind:
        case "square":
            return on.Quad()
        case "flatten":
            return on.Flatten()
        case "pool":
            return on.AvgPool2d(layer.kernel, layer.stride, layer.padding)
        case "dense":
            made = on.Linear(layer.weight.shape[1], layer.weight.shape[0])
        case "conv":
            out, width = layer.weight.shape[:2]
            made = on.Conv2d(
                width * layer.groups, out, layer.weight.shape[2:], layer.stride, layer.padding, groups=layer.groups
            )
    made.weight.data = torch.tensor(layer.weight)
    made.bias.data = torch.zeros(len(layer.weight)) if layer.bias is None else torch.tensor(layer.bias)
    return made


def parameters(depth):
    """The smallest ring with room for `depth` levels, two special primes, and the largest scale that it carries."""
    for log_n, limit in LIMITS.items():
        scale = (limit - 3 * HEADROOM_BITS) // (depth + 3)
        if scale >= LEAST_SCALE_BITS:
            scale = min(scale, 40)
            outer = scale + HEADROOM_BITS
            ckks = {
                "LogN": log_n,
                "LogQ": [outer] + [scale] * depth,
                "LogP": [outer] * 2,
                "LogScale": scale,
                "H": 2 ** (log_n - 1),
                "RingType": "ConjugateInvariant",
            }
            return {"ckks_params": ckks, "orion": {"debug": False}}
    raise DidNotRun(f"depth {depth} needs bootstrapping or a ring above 2^{max(LIMITS)}")


def measure(run):
    import orion
    import orion.nn as on

    read = layers.read(run.args.model)
    config = parameters(sum(layer.kind != "flatten" for layer in read))
    scheme = run.timed("compile_s", lambda: orion.init_scheme(config))
    net = network(on, read)
    net.eval()
    example = torch.tensor(run.inputs[:1], dtype=torch.float32)
    run.timed("compile_s", lambda: orion.fit(net, torch.tensor(run.inputs, dtype=torch.float32)[:1]))
    level = run.timed("compile_s", lambda: orion.compile(net))
    net.he()
    run.predict(
        lambda image: orion.encrypt(orion.encode(torch.tensor(image, dtype=torch.float32).reshape(example.shape), level)),
        net,
        lambda answer: answer.decrypt().decode().detach().numpy(),
    )
    # The keys cannot be asked for their size: one is written, all (with the one for relinearisation) are as large.
    steps = scheme.lt_evaluator.saved_rotation_keys
    one, _ = scheme.backend.GenerateAndSerializeRotationKey(next(iter(steps)))
    ckks = config["ckks_params"]
    bits = sum(ckks["LogQ"]) + sum(ckks["LogP"])
    return {
        "evaluation_key_bytes": (len(steps) + 1) * len(one),
        "parameters": f"ring 2^{ckks['LogN']} (conjugate invariant), {bits} bits, scale 2^{ckks['LogScale']}",
    }


if __name__ == "__main__":
    run = Run()
    with contextlib.redirect_stdout(sys.stderr):
        figures = measure(run)
    run.print(**figures)
