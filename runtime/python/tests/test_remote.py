import time

import numpy as np
import pytest

import hemet

INPUT = np.array([0.5, -0.25, 1.0, 0.0])


def test_a_service_answers_and_keys_are_uploaded_once(serving):
    remote = hemet.Remote(serving.url, token=serving.token)
    assert remote.metadata()["name"] == "square"
    client, keys = hemet.keygen(remote.spec(), allow_insecure=True)
    heard = []
    name = remote.upload(keys, lambda done, total: heard.append((done, total)))
    assert name == hemet.key_hash(keys)
    assert heard[0] == (0, len(keys)) and heard[-1] == (len(keys), len(keys))
    told = remote.predict(client, keys, INPUT, allow_insecure=True)
    np.testing.assert_allclose(told.answers.logits[0], INPUT**2, atol=1e-2)
    assert 0 < told.server_ms < told.total_ms
    audit = (serving.folder / "store/audit.jsonl").read_text()
    assert audit.count("store keys") == 1 and audit.count("infer") == 1
    assert serving.token not in audit


def test_an_upload_that_broke_off_goes_on(serving, monkeypatch):
    monkeypatch.setattr("hemet.remote._PIECE", 4096)
    remote = hemet.Remote(serving.url, token=serving.token)
    _, keys = hemet.keygen(remote.spec(), allow_insecure=True)

    def stop(done, total):
        if done >= 8192:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remote.upload(keys, stop)
    heard = []
    remote.upload(keys, lambda done, _: heard.append(done))
    assert heard[0] == 8192


def test_a_model_that_was_trained_anew_is_asked_under_the_keys_that_are_there(serving, square_plus):
    remote = hemet.Remote(serving.url, token=serving.token)
    client, keys = hemet.keygen(remote.spec(), allow_insecure=True)
    remote.predict(client, keys, INPUT, allow_insecure=True)
    before = remote.metadata()["versions"][0]
    serving.exchange(square_plus)
    begun = time.monotonic()
    while remote.metadata()["versions"][0] == before:
        assert time.monotonic() - begun < 20
        time.sleep(0.05)
    told = remote.predict(client, keys, INPUT, allow_insecure=True)
    np.testing.assert_allclose(told.answers.logits[0], INPUT**2 + 0.5, atol=1e-2)
    assert (serving.folder / "store/audit.jsonl").read_text().count("store keys") == 1


def test_what_the_server_refuses_is_told_with_its_status(serving):
    for token in (None, "north-0123456789abcdee"):
        with pytest.raises(hemet.ServerError, match="token") as refused:
            hemet.Remote(serving.url, token=token).spec()
        assert refused.value.status == 401
    with pytest.raises(hemet.ServerError, match="no such model") as refused:
        hemet.Remote(serving.url + "x", token=serving.token).spec()
    assert refused.value.status == 404
    remote = hemet.Remote(serving.url, token=serving.token)
    client, _ = hemet.keygen(remote.spec(), allow_insecure=True)
    request = client.encrypt(INPUT, allow_insecure=True)
    with pytest.raises(hemet.ServerError, match="upload them first"):
        remote.infer("0" * 64, request)
    with pytest.raises(hemet.HemetError, match="no address of a model"):
        hemet.Remote("localhost/net")


def test_a_server_that_is_not_there_is_given_up(monkeypatch):
    monkeypatch.setattr("hemet.remote._UNREACHABLE_S", 0.3)
    with pytest.raises(hemet.HemetError, match="does the server run there"):
        hemet.Remote("http://127.0.0.1:9/v2/models/x").spec()
