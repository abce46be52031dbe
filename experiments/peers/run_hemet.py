"""Hemet: `hemet compile` and `hemet bench` on the same file."""

import json
import os
import subprocess
import tempfile

from common import DidNotRun, Run


def command(*parts):
    done = subprocess.run([str(part) for part in parts], capture_output=True, text=True)
    # Status 1 says that the promised precision was not kept; the figures say by how much.
    if done.returncode not in (0, 1) or not (done.stdout or parts[1] == "compile"):
        raise DidNotRun(done.stderr.strip() or f"exit status {done.returncode}")
    return done.stdout


def measure(run):
    args = run.args
    costs = ["--costs", args.costs] if args.costs else []
    with tempfile.TemporaryDirectory() as folder:
        artifact = os.path.join(folder, "model.hemet")
        compile = lambda: command(args.hemet, "compile", args.model, "-o", artifact, *costs)
        if not args.costs:
            # The first compilation on a machine measures its cost table, once; it is kept.
            compile()
        run.timed("compile_s", compile)
        bench = ["bench", artifact, "--cases", args.cases, "--threads", args.threads, "--runs", args.runs, "--json"]
        found = json.loads(command(args.hemet, *bench))
        size = os.path.getsize(artifact)
    return {
        "latency_s": [ms / 1e3 for ms in found["measured_latency_ms"]],
        "max_abs_error": found["max_abs_error"],
        "evaluation_key_bytes": found["evaluation_key_bytes"],
        "input_ciphertext_bytes": found["input_ciphertext_bytes"],
        "artifact_bytes": size,
        "parameters": f"ring 2^{found['log_n']}, {found['log_qp']:.0f} bits",
    }


if __name__ == "__main__":
    run = Run()
    run.print(**measure(run))
