import os
import stat

import numpy as np
import pytest

import hemet

INPUT = np.array([0.5, -0.25, 1.0, 0.0]).reshape(1, 2, 2)


def ask(artifact, inputs, client=None, keys=None):
    server = hemet.Server.open(artifact, threads=1)
    if client is None:
        client, keys = hemet.keygen(server.spec, allow_insecure=True)
    request = client.encrypt(inputs, allow_insecure=True)
    response = server.answer(server.keys(keys), request)
    return client.decrypt(response, request), client, keys, request, response


def test_both_schemes_predict_on_one_machine(square, linear):
    answers, *_ = ask(square, INPUT)
    assert answers.logits.shape == (1, 4)
    np.testing.assert_allclose(answers.logits[0], INPUT.ravel() ** 2, atol=1e-2)
    assert answers.classes.tolist() == [2] and answers.class_names == ["2"]
    # 2a - b + 3 of levels 3 and 1, in units of 0.5.
    answers, *_ = ask(linear, [1.0, 0.34])
    assert answers.logits.tolist() == [[4.0]]


def test_keys_are_kept_under_a_passphrase_and_read_by_their_owner_only(square, tmp_path):
    _, client, keys, *_ = ask(square, INPUT)
    path = tmp_path / "client.key"
    client.save(path, passphrase="correct horse")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    for wrong in (None, "correct house"):
        with pytest.raises(hemet.HemetError, match="passphrase"):
            hemet.Client.open(path, passphrase=wrong)
    with pytest.raises(hemet.HemetError, match="at least 8"):
        client.save(path, passphrase="short")
    again = hemet.Client.open(path, passphrase="correct horse")
    answers, *_ = ask(square, INPUT, again, keys)
    np.testing.assert_allclose(answers.logits[0], INPUT.ravel() ** 2, atol=1e-2)


def test_the_secret_is_nowhere_in_what_is_sent_and_has_no_way_into_python(square):
    _, client, keys, request, response = ask(square, INPUT)
    for value in INPUT.ravel():
        if value not in (0.0, 1.0):
            assert np.float64(value).tobytes() not in request
    assert b"secret" not in repr(client).encode()
    with pytest.raises(TypeError):
        import pickle

        pickle.dumps(client._native)


def test_an_answer_to_another_request_is_a_failed_check(square):
    _, client, keys, request, response = ask(square, INPUT)
    other = client.encrypt(INPUT, allow_insecure=True)
    with pytest.raises(hemet.CheckError, match="not to this request"):
        client.decrypt(response, other)
    assert client.decrypt(response).logits.shape == (1, 4)
    stranger, _ = hemet.keygen(client.spec, allow_insecure=True)
    with pytest.raises(hemet.HemetError, match="key set"):
        stranger.decrypt(response, request)


def test_a_retrained_network_takes_the_same_keys(square, square_plus, linear):
    _, client, keys, *_ = ask(square, INPUT)
    spec = hemet.Spec.open(square_plus)
    assert spec.facts["key_binding"] == client.facts["key_binding"]
    assert spec.facts["artifact"] != client.facts["artifact"]
    answers, *_ = ask(square_plus, INPUT, client.rebound(spec), keys)
    np.testing.assert_allclose(answers.logits[0], INPUT.ravel() ** 2 + 0.5, atol=1e-2)
    with pytest.raises(hemet.HemetError, match="artifact"):
        ask(square_plus, INPUT, client, keys)
    with pytest.raises(hemet.HemetError, match="binding"):
        client.rebound(hemet.Spec.open(linear))


def test_an_artifact_says_what_it_is(square, linear):
    told = hemet.inspect(square)
    assert told["scheme"] == "ckks" and told["shape"] == [1, 2, 2] and told["security_bits"] == 0
    assert told["notices"] and told["manifest"]["network"] == told["network"]
    spec = hemet.Spec.open(linear)
    assert spec.facts["scheme"] == "tfhe" and spec.facts["is_exact"] and spec.facts["security_bits"] >= 128
    assert hemet.Spec.from_bytes(spec.to_bytes()).facts == spec.facts


def test_parameters_without_security_are_used_only_on_purpose(square):
    spec = hemet.Spec.open(square)
    with pytest.raises(hemet.HemetError, match="no security"):
        hemet.keygen(spec)
    client, _ = hemet.keygen(spec, allow_insecure=True)
    with pytest.raises(hemet.HemetError, match="no security"):
        client.encrypt(INPUT)


@pytest.mark.parametrize(
    "given, what",
    [
        (np.zeros(5), "5 numbers"),
        (np.zeros((1, 2, 3)), "6 numbers"),
        ([], "0 numbers"),
        (np.full((1, 2, 2), np.nan), "finite"),
        (np.full((1, 2, 2), np.inf), "finite"),
        (np.zeros((2, 1, 2, 2)), "2 images"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_with_the_numbers(square, given, what):
    client, _ = hemet.keygen(hemet.Spec.open(square), allow_insecure=True)
    with pytest.raises(hemet.HemetError, match=what):
        client.encrypt(given, allow_insecure=True)


def test_files_that_are_none_are_refused_by_name(square, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    for read in (hemet.Spec.open, hemet.Client.open, hemet.Server.open, hemet.inspect):
        with pytest.raises(hemet.HemetError, match="picture.png"):
            read(path)
        with pytest.raises(hemet.HemetError, match="none"):
            read(tmp_path / "none")
    with pytest.raises(hemet.HemetError, match="evaluation keys"):
        hemet.Server.open(square).keys(b"no keys")


def test_pictures_become_what_training_saw():
    image = pytest.importorskip("PIL.Image")
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    picture = image.fromarray(pixels)
    expected = (pixels.astype(np.float32) / np.float32(255)).astype(np.float64).ravel()
    np.testing.assert_array_equal(hemet.to_inputs(picture, [1, 3, 4])[0], expected)
    assert hemet.to_inputs([picture, picture], [1, 3, 4]).shape == (2, 12)
    color = image.fromarray(np.stack([pixels, pixels + 1, pixels + 2], axis=-1))
    planes = hemet.to_inputs(color, [3, 3, 4]).reshape(3, 3, 4)
    for channel, plane in enumerate(planes):
        np.testing.assert_array_equal(plane, (pixels + channel).astype(np.float32) / np.float32(255))
    for wrong in (picture.resize((3, 3)), color, picture.convert("1")):
        with pytest.raises(hemet.HemetError, match="a picture of"):
            hemet.to_inputs(wrong, [1, 3, 4])
