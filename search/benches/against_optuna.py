"""Hypervolume of hemet's nsga2 and of Optuna's NSGA-II after the same number of trials, on a benchmark whose truth is known
(`search/src/strategy/benchmark.rs`): twelve genes of four options, latency to be minimised, accuracy to be maximised.

    python3 -m venv venv && venv/bin/pip install -r search/benches/requirements-optuna.txt
    cargo build --release -p hemet -p hemet-search --examples --bins
    venv/bin/python search/benches/against_optuna.py target/release/examples/strategy_benchmark
"""

import argparse
import json
import math
import statistics
import subprocess

import optuna

GENES = 12


def figures(genes):
    """Latency in milliseconds and accuracy."""
    latency = 10.0 + sum((0.5 + (i * 5 % 12) / 6.0) * g for i, g in enumerate(genes))
    gain = sum((0.3 + (i * 7 % 12) / 6.0) * g for i, g in enumerate(genes))
    return latency, 0.5 + 0.5 * (1.0 - math.exp(-gain / 15.0))


def hypervolume(points, reference):
    """Of points (latency, accuracy), up to a latency and from an accuracy on."""
    area, floor = 0.0, reference[1]
    for latency, accuracy in sorted(points, key=lambda p: (p[0], -p[1])):
        if latency < reference[0] and accuracy > floor:
            area += (reference[0] - latency) * (accuracy - floor)
            floor = accuracy
    return area


def optuna_volume(sampler, budget, reference):
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)

    def objective(trial):
        # Options without an order, as the genes of a space are.
        return figures([trial.suggest_categorical(f"g{i}", [0, 1, 2, 3]) for i in range(GENES)])

    study.optimize(objective, n_trials=budget)
    return hypervolume([t.values for t in study.trials], reference)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ours", help="the example strategy_benchmark")
    parser.add_argument("--budget", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    run = subprocess.run(
        [arguments.ours, str(arguments.budget), str(arguments.seeds)], check=True, capture_output=True, text=True
    )
    ours = json.loads(run.stdout)
    probes = [figures([g] * GENES) for g in range(4)] + [figures([i % 4 for i in range(GENES)])]
    for theirs, mine in zip(ours["probes"], probes):
        assert all(math.isclose(a, b, rel_tol=1e-12) for a, b in zip(theirs, mine)), "not the same benchmark"
    samplers = {
        "Optuna NSGA-II (population 50, default)": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
        "Optuna NSGA-II (population 20)": lambda seed: optuna.samplers.NSGAIISampler(population_size=20, seed=seed),
    }
    rows = {"hemet nsga2": ours["nsga2"], "hemet random": ours["random"]}
    for name, sampler in samplers.items():
        rows[name] = [
            optuna_volume(sampler(seed), arguments.budget, ours["reference"]) for seed in range(arguments.seeds)
        ]
    print(f"{arguments.budget} trials, {arguments.seeds} seeds; hypervolume as a share of the bound {ours['bound']:.3f}")
    for name, volumes in rows.items():
        shares = [volume / ours["bound"] for volume in volumes]
        spread = statistics.stdev(shares) if len(shares) > 1 else 0.0
        print(f"{name:<42} mean {statistics.mean(shares):.4f}  sd {spread:.4f}  worst {min(shares):.4f}  best {max(shares):.4f}")
    print(f"optuna {optuna.__version__}")


main()
