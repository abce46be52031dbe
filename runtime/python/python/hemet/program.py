"""The compiler and the search, by the program `hemet`: what it prints comes back as Python values.

The program is the one on the PATH, or the one that the environment variable HEMET_PROGRAM names
(`cargo build --release` makes `target/release/hemet`).
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ._hemet import CheckError, HemetError

PathLike = str | os.PathLike[str]

#: Exit status of the program for a check that failed; others but 0 are a user's mistakes.
FAILED_CHECK = 1


def compile(  # noqa: A001: the command's name
    model: Any,
    out: PathLike,
    *,
    calibrate: PathLike | np.ndarray | None = None,
    labels: np.ndarray | None = None,
    agreement: float | None = None,
    precision: int | None = None,
    output: str | Sequence[str] | None = None,
    fit_activations: int | str | None = None,
    like: PathLike | None = None,
    costs: PathLike | None = None,
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """Compiles an ONNX model to an artifact at `out`, and tells what was chosen: `predicted_latency_ms`, `log_n`,
    `precision_bits`, `promised_error`, `evaluation_key_bytes` and more.

    `model` is a path, a model of the package onnx, or what `torch.onnx.export` gives. `calibrate` is a path that
    `hemet compile --calibrate` takes, or an array `[n][c][h][w]` (or `[n][features]`) of the network's inputs, with
    `labels` `[n]` where an agreement is to be the worst class's. `options` are further options of the command.
    """
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["compile", _model(model, Path(folder)), "-o", os.fspath(out), "--force", "--json"]
        if calibrate is not None:
            arguments += ["--calibrate", _calibration(calibrate, labels, Path(folder))]
        named = {
            "--agreement": agreement,
            "--precision": precision,
            "--fit-activations": fit_activations,
            "--like": like,
            "--costs": costs,
        }
        for name, value in named.items():
            if value is not None:
                arguments += [name, os.fspath(value) if isinstance(value, os.PathLike) else str(value)]
        if output is not None:
            arguments += ["--output", output if isinstance(output, str) else ",".join(output)]
        return json.loads(_run([*arguments, *options]))


def estimate(model: Any, **wishes: Any) -> dict[str, Any]:
    """What an ONNX model would cost under encryption: as `compile`, without keeping the artifact."""
    with tempfile.TemporaryDirectory() as folder:
        return compile(model, Path(folder) / "estimated.hemet", **wishes)


def search(
    experiment: PathLike | Mapping[str, Any],
    out: PathLike | None = None,
    *,
    data: PathLike | None = None,
    seed: int | None = None,
    workers: int | None = None,
    costs: PathLike | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Run:
    """Runs an experiment, a YAML file or its keys as a mapping, and gives its run folder.

    The program's progress goes to standard error, unless `progress` is off. An interrupted search goes on with
    `resume`.
    """
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(experiment, Mapping):
            # JSON is YAML.
            path = Path(folder) / "experiment.yaml"
            path.write_text(json.dumps(dict(experiment), indent=1))
            name = experiment.get("name", "run")
        else:
            path = Path(experiment)
            name = path.stem
        root = Path(out) if out is not None else _free(Path("runs") / str(name))
        arguments = ["search", os.fspath(path), "--out", os.fspath(root)]
        named = {"--data": data, "--seed": seed, "--workers": workers, "--costs": costs}
        for option, value in named.items():
            if value is not None:
                arguments += [option, os.fspath(value) if isinstance(value, os.PathLike) else str(value)]
        if resume:
            arguments.append("--resume")
        if not progress:
            arguments.append("--json")
        _run(arguments, shown=progress)
    return Run(root)


class Picture:
    """A plot, shown by notebooks."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _repr_svg_(self) -> str:
        return self.path.read_text()

    def __repr__(self) -> str:
        return f"Picture({os.fspath(self.path)!r})"


@dataclass(frozen=True)
class Run:
    """A run folder of a search."""

    folder: Path

    @property
    def summary(self) -> dict[str, Any]:
        """What the search found: `best`, `front`, counts, times."""
        return json.loads((self.folder / "summary.json").read_text())

    @property
    def artifact(self) -> Path:
        """The compiled network that was chosen."""
        return self.folder / "best.hemet"

    def trials(self) -> Any:
        """All trials, a row each: a data frame where pandas is installed, a list of dictionaries otherwise."""
        path = self.folder / "report" / "trials.csv"
        if not path.exists():
            _run(["report", os.fspath(self.folder)])
        try:
            import pandas
        except ImportError:
            with path.open(newline="") as file:
                return list(csv.DictReader(file))
        return pandas.read_csv(path)

    def plot(self, name: str = "pareto") -> Picture:
        """A plot of the report, such as `pareto`, `hypervolume`, `parallel` or `timeline`."""
        path = self.folder / "report" / f"{name}.svg"
        if not path.exists():
            there = sorted(path.stem for path in path.parent.glob("*.svg"))
            raise HemetError(f"the report has no plot {name}; it has {', '.join(there) or 'none'}")
        return Picture(path)

    def compile(self, trial: int, out: PathLike, *, like: PathLike | None = None) -> dict[str, Any]:
        """Compiles a trial to an artifact at `out`, and tells what was chosen."""
        arguments = ["compile", os.fspath(self.folder), "--trial", str(trial), "-o", os.fspath(out), "--force", "--json"]
        return json.loads(_run(arguments + (["--like", os.fspath(like)] if like is not None else [])))


def _program() -> str:
    program = os.environ.get("HEMET_PROGRAM") or shutil.which("hemet")
    if program is None or shutil.which(program) is None:
        raise HemetError(
            "the program hemet is not on the PATH: `cargo build --release` makes target/release/hemet; "
            "name it in the environment variable HEMET_PROGRAM"
        )
    return program


def _run(arguments: Sequence[str], shown: bool = False) -> str:
    """What the program prints; its standard error is shown, or told where it fails."""
    process = subprocess.Popen(
        [_program(), *arguments],
        stdout=None if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.PIPE,
        text=True,
    )
    try:
        told, errors = process.communicate()
    except KeyboardInterrupt:
        # It says what is kept and how it goes on.
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    if process.returncode != 0:
        words = (errors or "").strip() or f"hemet {arguments[0]} ended with status {process.returncode}"
        raise (CheckError if process.returncode == FAILED_CHECK else HemetError)(words)
    if errors and not shown:
        print(errors, file=sys.stderr, end="")
    return told or ""


def _model(model: Any, folder: Path) -> str:
    if isinstance(model, str | os.PathLike):
        return os.fspath(model)
    path = folder / "model.onnx"
    if hasattr(model, "SerializeToString"):
        path.write_bytes(model.SerializeToString())
    elif hasattr(model, "save"):
        model.save(os.fspath(path))
    else:
        raise HemetError(
            f"a {type(model).__name__} is no model: give the path of an ONNX file, a model of the package onnx, or what "
            "torch.onnx.export gives"
        )
    return os.fspath(path)


def _calibration(calibrate: PathLike | np.ndarray, labels: np.ndarray | None, folder: Path) -> str:
    if isinstance(calibrate, str | os.PathLike):
        if labels is not None:
            raise HemetError("labels go with an array of inputs; a file holds its own")
        return os.fspath(calibrate)
    tensors = {"input": np.ascontiguousarray(calibrate, dtype="<f4")}
    if labels is not None:
        labels = np.ascontiguousarray(labels, dtype="<i8")
        if labels.shape != tensors["input"].shape[:1]:
            raise HemetError(f"there are {labels.shape} labels for {tensors['input'].shape[0]} inputs")
        tensors["labels"] = labels
    path = folder / "calibration.safetensors"
    path.write_bytes(_safetensors(tensors))
    return os.fspath(path)


def _safetensors(tensors: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of a safetensors file: the length of a JSON head, the head, the tensors."""
    head, parts, at = {}, [], 0
    for name, tensor in tensors.items():
        data = tensor.tobytes()
        kind = {"f": "F32", "i": "I64"}[tensor.dtype.kind]
        head[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(parts)


def _free(root: Path) -> Path:
    """The folder, or one beside it that is not there."""
    number, free = 2, root
    while free.exists():
        free = root.with_name(f"{root.name}-{number}")
        number += 1
    return free
