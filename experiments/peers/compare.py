"""Runs the peers and hemet in turn on the same ONNX files and prints one table; see README.md.

Every row is measured here and now, each in a process of its own that is bound to as many cores as it may use threads. What a peer
cannot run is shown with its reason; no figure comes from anywhere else."""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
# Name in the table, script, PyPI package.
SYSTEMS = {
    "hemet": ("Hemet", "run_hemet.py", None),
    "orion": ("Orion", "run_orion.py", "orion-fhe"),
    "helayers": ("HElayers", "run_helayers.py", "pyhelayers"),
    "tenseal": ("TenSEAL", "run_tenseal.py", "tenseal"),
}


def main():
    args = arguments()
    report = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "python": platform.python_version(),
        "versions": {name: version(name, args) for name in args.systems},
        "runs": args.runs,
        "rows": [],
    }
    for model, cases in zip(args.model, args.cases):
        for name in args.systems:
            for threads in args.threads:
                print(f"{Path(model).stem}: {name}, {threads} thread(s) …", file=sys.stderr, flush=True)
                row = {"model": Path(model).stem, "system": name, "threads": threads}
                report["rows"].append(row | measure(args, name, model, cases, threads))
    text = table(report)
    print(text)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "peers.md").write_text(text)
        (args.out / "peers.json").write_text(json.dumps(report, indent=1) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", required=True, help="ONNX file; may be given several times")
    parser.add_argument("--cases", action="append", required=True, help="its inputs and logits (safetensors), in the same order")
    parser.add_argument("--hemet", default="target/release/hemet", help="the binary")
    parser.add_argument("--costs", help="cost table for hemet; without it, the one that it keeps of this machine")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--runs", type=int, default=5, help="timed predictions; the table shows their median")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--limit", type=int, default=1800, metavar="SECONDS", help="most time for one measurement")
    parser.add_argument("--out", type=Path, help="folder for peers.md and peers.json")
    args = parser.parse_args()
    if len(args.model) != len(args.cases):
        parser.error(f"{len(args.model)} models and {len(args.cases)} files of cases; give equally many")
    return args


def measure(args, name, model, cases, threads):
    """The figures of one row, or `did_not_run` with the reason."""
    cores = sorted(os.sched_getaffinity(0))
    if threads > len(cores):
        return {"did_not_run": f"{threads} threads asked for, {len(cores)} cores here"}
    command = [sys.executable, str(HERE / SYSTEMS[name][1]), "--model", model, "--cases", cases]
    command += ["--threads", str(threads), "--runs", str(args.runs), "--hemet", args.hemet]
    if args.costs:
        command += ["--costs", args.costs]
    return run_child(command, threads, args.limit)


def run_child(command, threads, limit):
    """The figures that a command prints as its last line, bound to `threads` cores, with its peak memory; or `did_not_run`."""
    cores = sorted(os.sched_getaffinity(0))
    count = {key: str(threads) for key in ("OMP_NUM_THREADS", "GOMAXPROCS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(
            ["timeout", "--kill-after=10", str(limit), *command],
            stdout=out, stderr=errors, env=os.environ | count,
            preexec_fn=lambda: os.sched_setaffinity(0, cores[:threads]),
        )  # fmt: skip
        # Peak memory of the child and of those that it waited for.
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), errors.seek(0)
        lines, complaint = out.read().splitlines(), errors.read()
    if child.returncode == 124:
        return {"did_not_run": f"not done within {limit} s"}
    if child.returncode != 0 or not lines:
        return {"did_not_run": reason(complaint, child.returncode)}
    return json.loads(lines[-1]) | {"peak_memory_bytes": usage.ru_maxrss * 1024}


def reason(complaint, status):
    """The last line of a traceback, without the exception's module."""
    last = next((line for line in reversed(complaint.splitlines()) if line.strip()), f"exit status {status}")
    return last.removeprefix("common.DidNotRun: ").removeprefix("ModuleNotFoundError: ").strip()


def table(report):
    """The report as markdown, one table a model."""
    versions = ", ".join(f"{SYSTEMS[name][0]} {version}" for name, version in report["versions"].items())
    lines = [
        "# Hemet and its peers on the same networks", "",
        f"{report['machine']}; {report['date']}; {versions}; Python {report['python']}.", "",
        f"Latency: median of {report['runs']} predictions of one input on the server. Error: greatest of any logit against 64-bit",
        "floats. Compile: from the file to a program ready for keys. Keys: evaluation keys as a client sends them (Orion's",
        "are counted, not sent). Memory: peak of the whole process, client and server.", "",
    ]  # fmt: skip
    for model in dict.fromkeys(row["model"] for row in report["rows"]):
        lines += [f"## {model}", ""]
        lines.append("| system | threads | latency, s | max error | compile, s | keys, MB | input, MB | peak memory, GB | parameters |")
        lines.append("|---|--:|--:|--:|--:|--:|--:|--:|---|")
        lines += [line(row) for row in report["rows"] if row["model"] == model] + [""]
    return "\n".join(lines)


def line(row):
    start = f"| {SYSTEMS[row['system']][0]} | {row['threads']} | "
    if "did_not_run" in row:
        return start + f"did not run: {row['did_not_run'].replace('|', '/')} | | | | | | |"
    input_bytes = row.get("input_ciphertext_bytes")
    cells = [
        f"{statistics.median(row['latency_s']):.4g}",
        f"{row['max_abs_error']:.1e}",
        f"{row['compile_s']:.2f}",
        f"{row['evaluation_key_bytes'] / 1e6:.4g}",
        "" if input_bytes is None else f"{input_bytes / 1e6:.3g}",
        f"{row['peak_memory_bytes'] / 1e9:.2f}",
        row["parameters"],
    ]
    return start + " | ".join(cells) + " |"


def version(name, args):
    """The version of the package, or of the binary."""
    try:
        if SYSTEMS[name][2]:
            return metadata.version(SYSTEMS[name][2])
        return subprocess.run([args.hemet, "--version"], capture_output=True, text=True).stdout.split()[-1]
    except (metadata.PackageNotFoundError, OSError, IndexError):
        return "not installed"


def machine():
    """Processor and cores."""
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {len(os.sched_getaffinity(0))} cores"


if __name__ == "__main__":
    main()
