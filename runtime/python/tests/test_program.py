"""Compiler and search from Python, by the program `hemet`."""

from pathlib import Path

import numpy as np
import pytest

import hemet
from conftest import EXPERIMENT, squares

COSTS = "epyc-zen4"


def test_an_experiment_is_searched_and_its_trials_compiled(program, tmp_path, capfd):
    run = hemet.search(EXPERIMENT, tmp_path / "run", costs=COSTS)
    assert "chosen" in capfd.readouterr().out
    assert run.summary["complete"] == 2 and run.artifact.exists()
    trials = run.trials()
    assert len(trials) == 2
    assert run.plot()._repr_svg_().startswith("<svg")
    with pytest.raises(hemet.HemetError, match="it has .*pareto"):
        run.plot("nothing")
    told = run.compile(0, tmp_path / "trial.hemet")
    assert told["log_n"] >= 11 and told["predicted_latency_ms"] > 0
    kept = run.compile(0, tmp_path / "again.hemet", like=tmp_path / "trial.hemet")
    assert kept["log_qp"] == told["log_qp"]
    client, keys = hemet.keygen(hemet.Spec.open(run.artifact))
    server = hemet.Server.open(run.artifact)
    request = client.encrypt(np.full((1, 8, 8), 0.5))
    answers = client.decrypt(server.answer(server.keys(keys), request), request)
    assert answers.logits.shape == (1, 10)


def test_mistakes_are_told_as_the_program_tells_them(program, tmp_path):
    with pytest.raises(hemet.HemetError, match="did you mean `trials`"):
        hemet.search({**EXPERIMENT, "search": {"strategy": "random", "trails": 2}}, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
    with pytest.raises(hemet.HemetError, match="nowhere.onnx"):
        hemet.compile("nowhere.onnx", "model.hemet")
    with pytest.raises(hemet.HemetError, match="a list is no model"):
        hemet.compile([1, 2], "model.hemet")
    with pytest.raises(hemet.HemetError, match="labels"):
        hemet.compile("model.onnx", "model.hemet", calibrate=np.zeros((4, 1, 2, 2)), labels=np.zeros(3))


def test_a_model_of_the_package_onnx_is_compiled_for_an_array(program, tmp_path):
    model, random = squares(pytest.importorskip("onnx")), np.random.default_rng(1)
    inputs = random.random((64, 1, 8, 8))
    told = hemet.compile(model, "squares.hemet", calibrate=inputs, costs=COSTS)
    assert told["promised_error"] < 0.1 and Path("squares.hemet").exists()
    labels = random.integers(0, 10, 64)
    told = hemet.estimate(model, calibrate=inputs, labels=labels, agreement=90, costs=COSTS)
    assert told["predicted_agreement"] >= 90 and told["agreement_images"] == 64


def test_pictures_become_what_the_artifact_says(program, tmp_path):
    model, image = squares(pytest.importorskip("onnx")), pytest.importorskip("PIL.Image")
    options = ["--mean", "0.5", "--deviation", "0.25", "--resize", "8", "--crop", "--gray", "--input-range", "2"]
    hemet.compile(model, "pictures.hemet", costs=COSTS, options=options)
    spec = hemet.Spec.open("pictures.hemet")
    assert spec.facts["pictures"] == {"fit": "crop", "gray": True, "pixels": {"mean": [0.5], "factor": [4.0]}}
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8) * 3
    expected = (pixels.astype(np.float32) / np.float32(255) - np.float32(0.5)) * np.float32(4)
    rows = hemet.to_inputs(image.fromarray(pixels), spec.facts["shape"], spec._native)
    np.testing.assert_array_equal(rows[0], expected.ravel())
    # A photo twice as large, in color; then one lying on its side, with the camera's tag.
    photo = image.fromarray(np.stack([np.kron(pixels, np.ones((2, 2), np.uint8))] * 3, axis=-1))
    np.testing.assert_array_equal(hemet.to_inputs(photo, spec.facts["shape"], spec._native), rows)
    exif = image.Exif()
    exif[0x0112] = 6
    photo.transpose(image.Transpose.ROTATE_90).save("turned.jpg", quality=100, subsampling=0, exif=exif)
    near = hemet.to_inputs(image.open("turned.jpg"), spec.facts["shape"], spec._native)
    assert np.abs(near - rows).max() < 4 * 6 / 255
