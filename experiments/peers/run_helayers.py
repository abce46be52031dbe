"""HElayers (PyPI pyhelayers): reads the ONNX file and chooses parameters itself; the weights are not encrypted."""

import math
import re

import pyhelayers as he

from common import Run


def measure(run):
    plain = he.NeuralNetPlain()
    plain.init_from_files(he.PlainModelHyperParams(), [run.args.model])
    wanted = he.HeRunRequirements()
    wanted.set_he_context_options([he.DefaultContext()])
    wanted.optimize_for_batch_size(1)
    wanted.set_model_encrypted(False)
    profile = run.timed("compile_s", lambda: he.HeModel.compile(plain, wanted))
    context = he.HeModel.create_context(profile)
    network = he.NeuralNet(context)
    network.encode(plain, profile)
    client = network.create_model_io_encoder()

    def encrypt(image):
        request = he.EncryptedData(context)
        client.encode_encrypt(request, [image])
        return request

    def evaluate(request):
        answer = he.EncryptedData(context)
        network.predict(answer, request)
        return answer

    run.predict(encrypt, evaluate, client.decrypt_decode_output)
    bits = sum(math.log2(int(prime)) for prime in re.findall(r"\d{6,}", str(context.get_modulus_chain())))
    return {
        # What a client sends a server: the context without its secret key.
        "evaluation_key_bytes": len(context.save_to_buffer()),
        "input_ciphertext_bytes": len(encrypt(run.inputs[:1]).save_to_buffer()),
        "parameters": f"ring 2^{int(math.log2(context.slot_count())) + 1}, {bits:.0f} bits",
    }


if __name__ == "__main__":
    run = Run()
    run.print(**measure(run))
