"""Times of Microsoft SEAL (as TenSEAL from PyPI brings it) at the degree and primes of the example `bench`: the comparison of
README.md, on the machine at hand. Prints one JSON object; times in milliseconds, medians.

    python speed.py [--log-n 15] [--primes 12] [--bits 40] [--repetitions 20]
"""
import argparse
import json
import statistics
import time

import tenseal.sealapi as seal


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log-n", type=int, default=15)
    parser.add_argument("--primes", type=int, default=12)
    parser.add_argument("--bits", type=int, default=40)
    parser.add_argument("--repetitions", type=int, default=20)
    return parser.parse_args()


def median_ms(run, repetitions):
    run()
    times = []
    for _ in range(repetitions):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times)


def main():
    args = arguments()
    degree = 1 << args.log_n
    parameters = seal.EncryptionParameters(seal.SCHEME_TYPE.CKKS)
    parameters.set_poly_modulus_degree(degree)
    # SEAL has one special prime, as large as a prime can be.
    sizes = [args.bits] * args.primes + [60]
    parameters.set_coeff_modulus(seal.CoeffModulus.Create(degree, sizes))
    context = seal.SEALContext(parameters, True, seal.SEC_LEVEL_TYPE.TC128)
    keygen = seal.KeyGenerator(context)
    public, galois, relin = seal.PublicKey(), seal.GaloisKeys(), seal.RelinKeys()
    keygen.create_public_key(public)
    # The Galois element of a rotation by one slot.
    keygen.create_galois_keys([3], galois)
    keygen.create_relin_keys(relin)
    encoder, evaluator = seal.CKKSEncoder(context), seal.Evaluator(context)
    encryptor = seal.Encryptor(context, public)
    scale = 2.0**args.bits
    values = [i / degree for i in range(degree // 2)]
    plain = seal.Plaintext()
    encoder.encode(values, scale, plain)
    x = seal.Ciphertext(context)
    encryptor.encrypt(plain, x)
    out = seal.Ciphertext(context)

    def product():
        evaluator.multiply(x, x, out)
        evaluator.relinearize_inplace(out, relin)
        evaluator.rescale_to_next_inplace(out)

    # A product has the square of the scale, which a rescale brings back.
    squared = seal.Ciphertext(context)
    evaluator.multiply_plain(x, plain, squared)
    runs = {
        "rotate_ms": lambda: evaluator.rotate_vector(x, 1, galois, out),
        "mul_relin_rescale_ms": product,
        "ct_pt_ms": lambda: evaluator.multiply_plain(x, plain, out),
        "rescale_ms": lambda: evaluator.rescale_to_next(squared, out),
        "encode_ms": lambda: encoder.encode(values, scale, plain),
    }
    figures = {name: median_ms(run, args.repetitions) for name, run in runs.items()}
    print(json.dumps({"log_n": args.log_n, "primes": args.primes, "bits": args.bits, **figures}))


if __name__ == "__main__":
    main()
