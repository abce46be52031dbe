"""Opens what `hemet report RUN --export …` wrote with the programs that it is for, and compares it with the run's journal.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    for format in optuna csv parquet tensorboard; do hemet report RUN --export $format -o OUT/$format; done
    venv/bin/python check.py RUN OUT
"""

import csv
import json
import math
import sys
import urllib.request
from pathlib import Path
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

import optuna
import optuna_dashboard
import pyarrow.parquet
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def same(a, b):
    return a == b or math.isclose(float(a), float(b), rel_tol=1e-6)


def check_optuna(path, journal):
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(path)))
    study = optuna.load_study(study_name=None, storage=storage)
    states = {"Complete": TrialState.COMPLETE, "Failed": TrialState.FAIL, "Infeasible": TrialState.PRUNED}
    assert len(study.trials) == len(journal)
    for trial, line in zip(study.trials, journal):
        stopped = line.get("stopped_at_epoch")
        state = TrialState.PRUNED if stopped else states[line["outcome"]]
        assert trial.number == line["number"] and trial.state == state
        if stopped:
            assert trial.intermediate_values[stopped] == line["accuracy"]
        if trial.state == TrialState.COMPLETE:
            assert trial.values == [line["accuracy"], line["predicted_latency_ms"]]
        genes = [d.to_internal_repr(trial.params[name]) for name, d in trial.distributions.items()]
        assert sorted(genes) == sorted(int(g) for g in line["architecture"].split("-"))
    front = [(t.number, t.values) for t in study.best_trials]
    study.sampler = optuna.samplers.NSGAIISampler(seed=1)
    asked = study.ask(study.trials[0].distributions)
    assert asked.params.keys() == study.trials[0].params.keys()
    return study, storage, front


def check_dashboard(study, storage):
    server = make_server("127.0.0.1", 0, optuna_dashboard.wsgi(storage), handler_class=Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    page = urllib.request.urlopen(f"{base}/dashboard/").read()
    studies = json.load(urllib.request.urlopen(f"{base}/api/studies"))["study_summaries"]
    detail = json.load(urllib.request.urlopen(f"{base}/api/studies/{studies[0]['study_id']}?after=0"))
    server.shutdown()
    assert b"<html" in page and studies[0]["study_name"] == study.study_name
    assert len(detail["trials"]) == len(study.trials) and len(detail["best_trials"]) >= 1
    return len(detail["trials"])


def check_table(rows, journal):
    assert len(rows) == len(journal)
    for row, line in zip(rows, journal):
        assert int(row["trial"]) == line["number"] and row["outcome"] == line["outcome"].lower()
        assert row["architecture"] == line["architecture"]
        for name in ["accuracy", "predicted_latency_ms", "log_qp_bits", "evaluation_key_bytes"]:
            value = row[name] if row[name] != "" else None
            assert (value is None and line[name] is None) or same(value, line[name]), (row, line)


def check_tensorboard(folder, run, journal):
    curves = 0
    for line in journal:
        events = folder / f"trial-{line['number']:04}"
        kept = run / "curves" / f"trial-{line['number']:04}.json"
        assert events.exists() == kept.exists()
        if not kept.exists():
            continue
        accumulator = EventAccumulator(str(events)).Reload()
        losses = [(e.step, e.value) for e in accumulator.Scalars("training/loss")]
        wanted = [(e["epoch"], e["loss"]) for e in json.loads(kept.read_text())]
        assert [s for s, _ in losses] == [s for s, _ in wanted]
        assert all(same(a, b) for (_, a), (_, b) in zip(losses, wanted))
        assert same(accumulator.Scalars("validation/accuracy")[-1].value, line["accuracy"])
        curves += 1
    search = EventAccumulator(str(folder / "search")).Reload()
    volumes = [e.value for e in search.Scalars("search/hypervolume")]
    assert len(volumes) == len(journal) and volumes == sorted(volumes)
    return curves, volumes[-1]


def main():
    run, out = Path(sys.argv[1]), Path(sys.argv[2])
    journal = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    # Asking for a trial writes to the file: a copy is asked.
    copy = out / "optuna.copy"
    copy.write_bytes((out / "optuna").read_bytes())
    study, storage, front = check_optuna(copy, journal)
    print(f"optuna {optuna.__version__}: {len(journal)} trials, front {front}")
    print(f"optuna-dashboard: serves {check_dashboard(study, storage)} trials (one asked for above)")
    with open(out / "csv", newline="") as file:
        check_table(list(csv.DictReader(file)), journal)
    table = pyarrow.parquet.read_table(out / "parquet")
    rows = [{k: "" if v is None else v for k, v in row.items()} for row in table.to_pylist()]
    check_table(rows, journal)
    print(f"csv and parquet (pyarrow {pyarrow.__version__}): {len(rows)} rows, {table.num_columns} columns")
    curves, volume = check_tensorboard(out / "tensorboard", run, journal)
    print(f"tensorboard: curves of {curves} trials, hypervolume {volume:.4f}")


main()
