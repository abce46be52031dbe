#!/usr/bin/env python3
"""Prints what the lattice estimator says of a parameter set, or of an artifact's.

Needs a copy of https://github.com/malb/lattice-estimator, and Sage, or in a virtual environment
`pip install passagemath-standard passagemath-symbolics`:

    python3 estimate.py --estimator PATH_TO_lattice-estimator --log-n 15 --log-qp 868
    hemet inspect model.hemet --json | python3 estimate.py --estimator PATH_TO_lattice-estimator --artifact -

Uniform ternary secret, error deviation 3.19, as hemet-ckks uses them. Takes minutes at large degrees.
"""

import argparse
import json
import math
import sys


def artifact_parameters(path):
    """log2 of the ring degree and of the modulus, from what `hemet inspect --json` printed."""
    with sys.stdin if path == "-" else open(path, encoding="utf-8") as file:
        figures = json.load(file)
    return figures["log_n"], math.ceil(figures["log_qp"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--estimator", required=True, help="folder of the lattice estimator")
    parser.add_argument("--log-n", type=int, help="log2 of the ring degree")
    parser.add_argument("--log-qp", type=int, help="log2 of chain and special primes together")
    parser.add_argument("--artifact", metavar="FILE", help="what `hemet inspect --json` printed (-: standard input)")
    arguments = parser.parse_args()
    log_n, log_qp = arguments.log_n, arguments.log_qp
    if arguments.artifact is not None:
        log_n, log_qp = artifact_parameters(arguments.artifact)
    if log_n is None or log_qp is None:
        parser.error("give --artifact, or --log-n and --log-qp")
    print(f"N = 2^{log_n}, log2(QP) = {log_qp}")
    sys.path.insert(0, arguments.estimator)
    from estimator import LWE, ND  # noqa: E402

    try:
        ternary = ND.Uniform(-1, 1)
        gaussian = ND.DiscreteGaussian(3.19)
    except AttributeError:
        ternary = ND.UniformMod(3)
        gaussian = ND.DiscreteGaussian(3.19)
    degree = 2**log_n
    problem = LWE.Parameters(n=degree, q=2**log_qp, Xs=ternary, Xe=gaussian, m=degree)
    attacks = {
        "primal uSVP": LWE.primal_usvp,
        "primal BDD": LWE.primal_bdd,
        "hybrid dual": LWE.dual_hybrid,
    }
    smallest = None
    for name, attack in attacks.items():
        bits = float(attack(problem)["rop"].log(2))
        smallest = bits if smallest is None else min(smallest, bits)
        print(f"{name:12} {bits:7.1f} bits")
    print(f"{'smallest':12} {smallest:7.1f} bits")


if __name__ == "__main__":
    main()
