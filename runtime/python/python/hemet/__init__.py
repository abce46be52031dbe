"""Encrypted predictions: the network runs on a server that sees neither inputs nor answers.

    import hemet, numpy as np

    client, keys = hemet.keygen(hemet.Spec.open("model.spec"))   # client: a secret, and keys for the server
    server = hemet.Server.open("model.hemet")                    # server: the network
    request = client.encrypt(np.zeros((1, 8, 8)))
    response = server.answer(server.keys(keys), request)
    print(client.decrypt(response, request).classes)

`hemet.compile`, `hemet.estimate` and `hemet.search` are the program's commands. `hemet.Remote` is a server behind HTTP
(`hemet serve`). Arrays hold the network's input as the artifact says (`Spec.facts["normalization"]`); pictures of PIL
become what training saw, where the artifact says how (`Spec.facts["pictures"]`).
"""

from ._hemet import CheckError, HemetError, __version__, key_hash
from .arrays import to_inputs
from .local import Answers, Client, Server, Spec, inspect, keygen
from .program import Picture, Run, compile, estimate, search  # noqa: A004: the commands' names
from .remote import Prediction, Remote, ServerError

__all__ = [
    "Answers",
    "CheckError",
    "Client",
    "HemetError",
    "Picture",
    "Prediction",
    "Remote",
    "Run",
    "Server",
    "ServerError",
    "Spec",
    "__version__",
    "compile",
    "estimate",
    "inspect",
    "key_hash",
    "keygen",
    "search",
    "to_inputs",
]
