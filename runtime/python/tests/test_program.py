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
