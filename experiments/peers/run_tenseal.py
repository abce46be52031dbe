"""TenSEAL (PyPI tenseal): by hand, as its tutorial does: the client unfolds the image, then one convolution, dense layers, squares.

TenSEAL has no other convolution and no pool on ciphertexts; networks with more did not run."""

import numpy as np
import tenseal as ts

import layers
from common import DidNotRun, Run

RING = 2**14
# 438 bits are the most that SEAL takes at this ring degree: first and special prime of 60, so at most 7 levels at this scale.
OUTER_BITS, SCALE_BITS, MOST_LEVELS = 60, 40, 7


def check(read):
    """Refuses what TenSEAL has no operation for."""
    first, rest = read[0], [layer.kind for layer in read[1:]]
    if first.kind != "conv" or first.weight.shape[1] != 1 or first.groups != 1:
        raise DidNotRun("TenSEAL needs a convolution of one channel as the first layer")
    for number, kind in enumerate(rest, start=2):
        if kind in ("conv", "pool"):
            raise DidNotRun(f"TenSEAL has no operation for layer {number}, a {kind}, on ciphertexts")
    # The convolution's channels are packed into one vector by one more product.
    if 2 + sum(kind != "flatten" for kind in rest) > MOST_LEVELS:
        raise DidNotRun(f"more than {MOST_LEVELS} levels")


def make_context(read, threads):
    levels = 2 + sum(layer.kind != "flatten" for layer in read[1:])
    chain = [OUTER_BITS] + [SCALE_BITS] * levels + [OUTER_BITS]
    context = ts.context(ts.SCHEME_TYPE.CKKS, RING, coeff_mod_bit_sizes=chain, n_threads=threads)
    context.global_scale = 2**SCALE_BITS
    context.generate_galois_keys()
    return context, chain


def evaluate(read, request):
    """The layers on the encrypted image."""
    image, windows = request
    first = read[0]
    biases = np.zeros(len(first.weight)) if first.bias is None else first.bias
    channels = [image.conv2d_im2col(w[0].tolist(), windows) + float(b) for w, b in zip(first.weight, biases)]
    x = ts.CKKSVector.pack_vectors(channels)
    for layer in read[1:]:
        if layer.kind == "square":
            x = x.square()
        elif layer.kind == "dense":
            x = x.mm(layer.weight.T.tolist())
            if layer.bias is not None:
                x = x + layer.bias.tolist()
    return x


def measure(run):
    read = layers.read(run.args.model)
    check(read)
    first = read[0]
    context, chain = run.timed("compile_s", lambda: make_context(read, run.args.threads))
    rows, columns = first.weight.shape[2:]

    def encrypt(image):
        (top, left) = first.padding
        padded = np.pad(image[0, 0], ((top, top), (left, left)))
        return ts.im2col_encoding(context, padded.tolist(), rows, columns, first.stride[0])

    run.predict(encrypt, lambda request: evaluate(read, request), lambda answer: answer.decrypt())
    sent = context.copy()
    sent.make_context_public()
    return {
        "evaluation_key_bytes": len(sent.serialize(save_public_key=False, save_secret_key=False)),
        "input_ciphertext_bytes": len(encrypt(run.inputs[:1])[0].serialize()),
        "parameters": f"ring 2^{RING.bit_length() - 1}, {sum(chain)} bits, scale 2^{SCALE_BITS}",
    }


if __name__ == "__main__":
    run = Run()
    run.print(**measure(run))
