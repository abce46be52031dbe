"""The scripts of docs/python.md run as they stand."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def scripts():
    page = (ROOT / "docs/python.md").read_text()
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


def test_the_scripts_of_the_page_run(serving, square):
    found = scripts()
    assert len(found) == 2
    shutil.copy(square, serving.folder / "model.hemet")
    for number, script in enumerate(found):
        # The test's artifact has no security and four inputs; its server has a port and a token.
        script = script.replace("http://127.0.0.1:8080/v2/models/best", serving.url)
        script = script.replace('token=None', f'token="{serving.token}"')
        script = script.replace("allow_insecure=False", "allow_insecure=True")
        path = serving.folder / f"script_{number}.py"
        path.write_text(script)
        ran = subprocess.run([sys.executable, path.name], cwd=serving.folder, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert "class" in ran.stdout
