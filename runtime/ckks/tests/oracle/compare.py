#!/usr/bin/env python3
"""Cross-checks hemet-ckks with TenSEAL (Microsoft SEAL): same inputs, same chain of prime sizes, same security.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python compare.py [--log-n 13] [--repetitions 21]

Both are compared with float64. The tolerance is the noise that hemet-ckks predicts for the operation on an encryption
with the public key, at the scale of the case. Two things are added for TenSEAL. Its vectors take the primes of the chain for
powers of two: the relative deviation of the primes for each rescale. And SEAL's digits are not centered: their mean q/2 is
the polynomial q/2·(1 + X + ..), whose slot next to 1 is q·N/π; times the error of the key (deviation 3.19·sqrt(N)),
divided by the special prime, six deviations of that for each rotation. Times are the smallest of the repetitions on one thread, for the same operations
at equal modulus. Exits with 1 when a result is outside its tolerance.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np
import tenseal as ts
from tenseal import sealapi as seal

SIZE = 64
# A power of two: SEAL's own set of rotation keys has it.
STEP = 4
POLYNOMIAL = [0.5, 0.25, 0.0, -0.1]
DEVIATIONS = 6
CHAINS = {13: ([50, 36, 36], 50), 14: ([50, 40, 40, 40, 40, 40, 40], 50)}


def make_case(log_n, repetitions):
    slots = 2 ** (log_n - 1)
    rng = np.random.default_rng(1)
    moduli, special = CHAINS[log_n]
    small = rng.uniform(-1, 1, SIZE)
    return {
        "log_n": log_n,
        "moduli_bits": moduli,
        "special_bits": special,
        "scale_bits": moduli[1],
        "x": np.tile(small, slots // SIZE).tolist(),
        "y": rng.uniform(-1, 1, slots).tolist(),
        "matrix": rng.uniform(-1, 1, (SIZE, SIZE)).tolist(),
        "polynomial": POLYNOMIAL,
        "step": STEP,
        "repetitions": repetitions,
    }


def expected(case):
    x, y = np.array(case["x"]), np.array(case["y"])
    return {
        "add": x + y,
        "rotate": np.roll(x, -STEP),
        "multiply": x * y,
        "polynomial": sum(c * x**n for n, c in enumerate(POLYNOMIAL)),
        "matrix": np.array(case["matrix"]) @ x[:SIZE],
    }


def hemet(case):
    command = ["cargo", "run", "--quiet", "--release", "-p", "hemet-ckks", "--example", "oracle"]
    done = subprocess.run(command, input=json.dumps(case), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def timed(repetitions, operation):
    result, times = operation(), []
    for _ in range(repetitions):
        start = time.perf_counter()
        operation()
        times.append((time.perf_counter() - start) * 1e3)
    return result, min(times)


class Seal:
    """SEAL through TenSEAL's thin binding: scales are exact."""

    def __init__(self, case):
        self.scale = 2.0 ** case["scale_bits"]
        parameters = seal.EncryptionParameters(seal.SCHEME_TYPE.CKKS)
        degree = 2 ** case["log_n"]
        parameters.set_poly_modulus_degree(degree)
        sizes = case["moduli_bits"] + [case["special_bits"]]
        parameters.set_coeff_modulus(seal.CoeffModulus.Create(degree, sizes))
        context = seal.SEALContext(parameters, True, seal.SEC_LEVEL_TYPE.TC128)
        keys = seal.KeyGenerator(context)
        public, self.relin, self.galois = seal.PublicKey(), seal.RelinKeys(), seal.GaloisKeys()
        keys.create_public_key(public)
        keys.create_relin_keys(self.relin)
        keys.create_galois_keys(self.galois)
        self.encryptor = seal.Encryptor(context, public)
        self.decryptor = seal.Decryptor(context, keys.secret_key())
        self.evaluator, self.encoder = seal.Evaluator(context), seal.CKKSEncoder(context)
        self.primes = [modulus.value() for modulus in parameters.coeff_modulus()]

    def encrypt(self, values):
        plaintext, ciphertext = seal.Plaintext(), seal.Ciphertext()
        self.encoder.encode(values, self.scale, plaintext)
        self.encryptor.encrypt(plaintext, ciphertext)
        return ciphertext

    def decrypt(self, ciphertext):
        plaintext = seal.Plaintext()
        self.decryptor.decrypt(ciphertext, plaintext)
        return np.array(self.encoder.decode_double(plaintext))

    def run(self, name, a, b):
        result = seal.Ciphertext()
        if name == "add":
            self.evaluator.add(a, b, result)
        elif name == "rotate":
            self.evaluator.rotate_vector(a, STEP, self.galois, result)
        else:
            self.evaluator.multiply(a, b, result)
            self.evaluator.relinearize_inplace(result, self.relin)
            self.evaluator.rescale_to_next_inplace(result)
        return result


def uncentered(case):
    """The error of a rotation by SEAL in its worst slot that a centered decomposition does not have."""
    degree = 2.0 ** case["log_n"]
    ratios = [2.0 ** (bits - case["special_bits"]) for bits in case["moduli_bits"]]
    deviation = degree / np.pi * 3.19 * np.sqrt(degree) * np.linalg.norm(ratios)
    return DEVIATIONS * deviation / 2.0 ** case["scale_bits"]


def tenseal(case):
    """Per operation: (values, ms, what is added to its tolerance; values are below 1 in magnitude)."""
    api = Seal(case)
    a, b = api.encrypt(case["x"]), api.encrypt(case["y"])
    results, repetitions = {}, case["repetitions"]
    for name in ["add", "rotate", "multiply"]:
        result, ms = timed(repetitions, lambda: api.run(name, a, b))
        results[name] = (api.decrypt(result), ms, uncentered(case) if name == "rotate" else 0)
    deviation = max(abs(q / 2.0 ** case["scale_bits"] - 1) for q in api.primes[1:-1])
    sizes = case["moduli_bits"] + [case["special_bits"]]
    context = ts.context(ts.SCHEME_TYPE.CKKS, 2 ** case["log_n"], coeff_mod_bit_sizes=sizes, n_threads=1)
    context.global_scale = 2.0 ** case["scale_bits"]
    context.generate_galois_keys()
    vector = ts.ckks_vector(context, case["x"])
    result, ms = timed(repetitions, lambda: vector.polyval(POLYNOMIAL))
    results["polynomial"] = (np.array(result.decrypt()), ms, 2 * deviation)
    short = ts.ckks_vector(context, case["x"][:SIZE])
    transposed = np.array(case["matrix"]).T.tolist()
    result, ms = timed(max(repetitions // 7, 3), lambda: short.matmul(transposed))
    rotations = np.sqrt(SIZE) * uncentered(case)
    largest = np.abs(np.array(case["matrix"])).sum(axis=1).max()
    results["matrix"] = (np.array(result.decrypt())[:SIZE], ms, rotations + largest * deviation)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log-n", type=int, default=13, choices=sorted(CHAINS))
    parser.add_argument("--repetitions", type=int, default=21)
    arguments = parser.parse_args()
    case = make_case(arguments.log_n, arguments.repetitions)
    ours, theirs = hemet(case), tenseal(case)
    print(f"N = 2^{arguments.log_n}, primes of {case['moduli_bits']} bits and a special one of {case['special_bits']}: "
          f"log QP {ours['log_qp']:.0f}, {ours['security_bits']} bits; hemet-ckks on {ours['instructions']}, "
          f"TenSEAL {ts.__version__}; one thread\n")
    print("| operation | hemet-ckks, largest error | TenSEAL | tolerance | hemet-ckks, ms | TenSEAL, ms | ratio |")
    print("|---|---|---|---|---|---|---|")
    failed = False
    for name, truth in expected(case).items():
        mine, (values, ms, added) = ours["results"][name], theirs[name]
        errors = [np.abs(np.array(v)[: len(truth)] - truth).max() for v in (mine["values"], values)]
        limits = [mine["bound"], mine["bound"] + added]
        failed |= any(error > limit for error, limit in zip(errors, limits))
        print(f"| {name} | {errors[0]:.1e} | {errors[1]:.1e} | {limits[0]:.1e}, {limits[1]:.1e} "
              f"| {mine['ms']:.3f} | {ms:.3f} | {ms / mine['ms']:.1f} |")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
