#!/usr/bin/env python3
"""Prints what the lattice estimator says of a parameter set.

Needs Sage (or passagemath) and a copy of https://github.com/malb/lattice-estimator:

    python3 estimate.py --estimator PATH_TO_lattice-estimator --log-n 15 --log-qp 868

Uniform ternary secret, error deviation 3.19, as hemet-ckks uses them. Takes minutes at large degrees.
"""

import argparse
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--estimator", required=True, help="folder of the lattice estimator")
    parser.add_argument("--log-n", type=int, required=True, help="log2 of the ring degree")
    parser.add_argument("--log-qp", type=int, required=True, help="log2 of chain and special primes together")
    arguments = parser.parse_args()
    sys.path.insert(0, arguments.estimator)
    from estimator import LWE, ND  # noqa: E402

    try:
        ternary = ND.Uniform(-1, 1)
        gaussian = ND.DiscreteGaussian(3.19)
    except AttributeError:
        ternary = ND.UniformMod(3)
        gaussian = ND.DiscreteGaussian(3.19)
    degree = 2**arguments.log_n
    problem = LWE.Parameters(n=degree, q=2**arguments.log_qp, Xs=ternary, Xe=gaussian, m=degree)
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
