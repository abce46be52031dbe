"""Images a second of training, Hemet against PyTorch's defaults, one thread each, in turn on the same machine.

Both train the Fire network of `search/examples/train_speed.rs` (about 33 million multiply-accumulates an image) on random
images, batch 64: batch norm, learnable quadratics, cross entropy with smoothed labels, range penalty, clipped gradients,
Nesterov momentum.

    python3 -m venv venv && venv/bin/pip install -r search/benches/requirements.txt
    cargo build --release -p hemet -p hemet-search --examples --bins
    venv/bin/python search/benches/against_pytorch.py target/release/examples/train_speed
"""

import argparse
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F
from torch import nn

BATCH = 64
BATCHES = 10


class Quadratic(nn.Module):
    """a*x^2 + b*x + c with coefficients of each channel; keeps the penalty on inputs beyond 4."""

    def __init__(self, channels):
        super().__init__()
        start = torch.tensor([0.19947114, 0.5, 0.19947114])
        self.c, self.b, self.a = (nn.Parameter(torch.full((1, channels, 1, 1), float(v))) for v in start)

    def forward(self, x):
        excess = x - x.clamp(-4.0, 4.0)
        self.penalty = (excess * excess).mean()
        return (self.a * x + self.b) * x + self.c


def conv(inputs, outputs, kernel):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(outputs))


class Fire(nn.Module):
    def __init__(self, inputs, squeeze, expand):
        super().__init__()
        self.squeeze, self.inner = conv(inputs, squeeze, 1), Quadratic(squeeze)
        self.small, self.large = conv(squeeze, expand, 1), conv(squeeze, expand, 3)
        self.outer = Quadratic(2 * expand)

    def forward(self, x):
        x = self.inner(self.squeeze(x))
        return self.outer(torch.cat([self.small(x), self.large(x)], 1))


def network():
    return nn.Sequential(
        conv(3, 32, 5), Quadratic(32),
        Fire(32, 16, 32), Fire(64, 16, 32), nn.AvgPool2d(2),
        Fire(64, 32, 64), Fire(128, 32, 64), nn.AvgPool2d(2),
        Fire(128, 64, 128), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(256, 10),
    )


def pytorch(channels_last):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = network()
    images = torch.rand(BATCH * BATCHES, 3, 32, 32)
    labels = torch.randint(0, 10, (BATCH * BATCHES,))
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    quadratics = [m for m in model.modules() if isinstance(m, Quadratic)]

    def epoch():
        for i in range(BATCHES):
            part = slice(i * BATCH, (i + 1) * BATCH)
            optimiser.zero_grad()
            loss = F.cross_entropy(model(images[part]), labels[part], label_smoothing=0.05)
            loss = loss + 0.1 * sum(q.penalty for q in quadratics)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()

    epoch()
    start = time.perf_counter()
    epoch()
    return BATCH * BATCHES / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("hemet", help="the example train_speed, built")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    runs = {"hemet": [], "pytorch": [], "pytorch channels-last": []}
    for _ in range(args.rounds):
        runs["hemet"].append(float(subprocess.run([args.hemet], check=True, capture_output=True, text=True).stdout.split()[0]))
        runs["pytorch"].append(pytorch(False))
        runs["pytorch channels-last"].append(pytorch(True))
    for name, rates in runs.items():
        print(f"{name:24} median {statistics.median(rates):6.1f}  best {max(rates):6.1f} images/s")
    for name in list(runs)[1:]:
        ratios = [own / other for own, other in zip(runs["hemet"], runs[name])]
        print(f"hemet / {name:16} median {statistics.median(ratios):.2f}  ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
