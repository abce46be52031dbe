"""The scripts of docs/python.md and the cells of the notebook run as they stand."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import EXPERIMENT, squares

ROOT = Path(__file__).parents[3]


def scripts():
    page = (ROOT / "docs/python.md").read_text()
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


def test_the_scripts_of_the_page_run(serving, square, program):
    found = scripts()
    assert len(found) == 3
    shutil.copy(square, serving.folder / "model.hemet")
    onnx = pytest.importorskip("onnx")
    onnx.save(squares(onnx), serving.folder / "model.onnx")
    np.save(serving.folder / "images.npy", np.random.default_rng(2).random((64, 1, 8, 8), dtype=np.float32))
    (serving.folder / "experiments").mkdir()
    (serving.folder / "experiments/digits.yaml").write_text(json.dumps(EXPERIMENT))
    for number, script in enumerate(found):
        # The test's artifact has no security and four inputs; its server has a port and a token.
        script = script.replace("http://127.0.0.1:8080/v2/models/best", serving.url)
        script = script.replace('token=None', f'token="{serving.token}"')
        script = script.replace("allow_insecure=False", "allow_insecure=True")
        # Nothing is measured here.
        for call in ['digits.yaml"', "calibrate=images"]:
            script = script.replace(call, f'{call}, costs="epyc-zen4"')
        path = serving.folder / f"script_{number}.py"
        path.write_text(script)
        ran = subprocess.run([sys.executable, path.name], cwd=serving.folder, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert "class" in ran.stdout


def test_the_cells_of_the_notebook_run_one_after_the_other(tmp_path, program):
    cells = json.loads((ROOT / "docs/first-prediction.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) == 5
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/digits.yaml").write_text(json.dumps(EXPERIMENT))
    # Nothing is measured here.
    script = "\n".join(code).replace('digits.yaml"', 'digits.yaml", costs="epyc-zen4"')
    (tmp_path / "cells.py").write_text(script)
    ran = subprocess.run([sys.executable, "cells.py"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "class" in ran.stdout and "say nothing" in ran.stdout
