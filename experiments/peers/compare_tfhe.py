"""Runs hemet and Concrete, the compiler below Concrete ML, on one integer network of a run under TFHE and prints one table; see README.md.

Weights, tables and error probability of a prediction are the same; every figure is measured here and now, each row in processes of its own
that are bound to as many cores as they may use threads."""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import compare

HERE = Path(__file__).parent
IMAGES = HERE.parent / "data/optdigits/optdigits-test-images-idx3-ubyte.gz"


def main():
    args = arguments()
    trial = json.loads((args.run / "summary.json").read_text())["best"]["trial"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        artifact = os.path.join(folder, "model.hemet")
        compile_s = compiled(args, trial, artifact)
        for threads in args.threads:
            print(f"{threads} thread(s) …", file=sys.stderr, flush=True)
            bench = [args.hemet, "bench", artifact, "--threads", str(threads), "--runs", str(args.runs), "--json"]
            rows.append({"system": "Hemet", "threads": threads} | hemet(compare.run_child(bench, threads, args.limit), compile_s))
            command = [sys.executable, str(HERE / "run_concrete.py"), "--artifact", artifact, "--images", str(args.images)]
            command += ["--runs", str(args.runs)]
            rows.append({"system": "Concrete", "threads": threads} | compare.run_child(command, threads, args.limit))
    report = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": compare.machine(),
        "python": platform.python_version(),
        "concrete": compare.metadata.version("concrete-python"),
        "trial": trial,
        "runs": args.runs,
        "rows": rows,
    }
    text = table(report)
    print(text)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "peers_tfhe.md").write_text(text)
        (args.out / "peers_tfhe.json").write_text(json.dumps(report, indent=1) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="run folder of experiments/digits_tfhe.yaml or mnist_tfhe.yaml")
    parser.add_argument("--images", type=Path, default=IMAGES, help="gzipped IDX file of its test images; those of digits_tfhe")
    parser.add_argument("--hemet", default="target/release/hemet", help="the binary")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--runs", type=int, default=3, help="timed predictions; the table shows their median")
    parser.add_argument("--limit", type=int, default=3600, metavar="SECONDS", help="most time for one measurement")
    parser.add_argument("--out", type=Path, help="folder for peers_tfhe.md and peers_tfhe.json")
    return parser.parse_args()


def compiled(args, trial, artifact):
    """Compiles the run's chosen trial; seconds of the second time, as the first may measure the machine's costs."""
    command = [args.hemet, "compile", str(args.run), "--trial", str(trial), "--scheme", "tfhe", "-o", artifact]
    for _ in range(2):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def hemet(found, compile_s):
    """A row from what `hemet bench` prints, which ends with status 1 if a result is not the integer network's."""
    if "did_not_run" in found:
        return found
    return {
        "latency_s": [ms / 1e3 for ms in found["measured_latency_ms"]],
        "equal": len(found["measured_latency_ms"]),
        "error_log2": found["failure_log2"],
        "bootstraps": found["bootstraps"],
        "evaluation_key_bytes": found["evaluation_key_bytes"],
        "input_ciphertext_bytes": found["input_ciphertext_bytes"],
        "compile_s": compile_s,
        "peak_memory_bytes": found["peak_memory_bytes"],
    }


def table(report):
    """The report as markdown."""
    lines = [
        "# Hemet and Concrete on one integer network", "",
        f"{report['machine']}; {report['date']}; concrete-python {report['concrete']}; Python {report['python']}.", "",
        f"Latency: median of {report['runs']} predictions on the server. Equal: results that are exactly the integer network's. Error: probability",
        "that a prediction goes wrong. Compile: from the trained network to a program ready for keys. Keys: evaluation keys as a client sends",
        "them. Memory: peak of the whole process, client and server.", "",
        "| system | threads | latency, s | equal | error | bootstraps | keys, MB | input, kB | compile, s | peak memory, GB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]  # fmt: skip
    lines += [line(row) for row in report["rows"]]
    return "\n".join(lines) + "\n"


def line(row):
    start = f"| {row['system']} | {row['threads']} | "
    if "did_not_run" in row:
        return start + f"did not run: {row['did_not_run'].replace('|', '/')} | | | | | | | |"
    cells = [
        f"{statistics.median(row['latency_s']):.4g}",
        f"{row['equal']} of {len(row['latency_s'])}",
        f"2^{row['error_log2']:.1f}",
        str(row["bootstraps"]),
        f"{row['evaluation_key_bytes'] / 1e6:.4g}",
        f"{row['input_ciphertext_bytes'] / 1e3:.3g}",
        f"{row['compile_s']:.2f}",
        f"{row['peak_memory_bytes'] / 1e9:.2f}",
    ]
    return start + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
