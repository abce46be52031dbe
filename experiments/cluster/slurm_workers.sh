#!/usr/bin/env bash
#SBATCH --job-name=hemet-worker
#SBATCH --array=0-7
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --output=hemet-worker-%A_%a.log
# Eight workers, a core each, for searches in one PostgreSQL database; each ends ten minutes after the last search has.
#
# The database's password lies in ~/.pgpass (db.example.org:5432:hemet:hemet:PASSWORD), which nobody else may read.
#
#   export HEMET_STORAGE=postgres://hemet@db.example.org/hemet HEMET_KEY=$HOME/study.key HEMET_DATA=$HOME/data
#   hemet search experiments/mnist.yaml --data $HEMET_DATA --storage $HEMET_STORAGE --key $HEMET_KEY &   # on any machine
#   sbatch experiments/cluster/slurm_workers.sh                                            # takes the environment along
#
# A worker that Slurm ends or moves loses nothing: its trial goes to another, which finds the checkpoint in the scratch
# folder if that lies on a shared disk.
set -euo pipefail
: "${HEMET_STORAGE:?set it to postgres://USER@HOST/DATABASE}"
: "${HEMET_KEY:?set it to the file of the key that the search was given with --key}"
scratch=${HEMET_SCRATCH:-${SLURM_SUBMIT_DIR:-$PWD}/hemet-scratch}

arguments=(worker --storage "$HEMET_STORAGE" --key "$HEMET_KEY" --scratch "$scratch" --idle-minutes 10)
if [ -n "${HEMET_DATA:-}" ]; then
    arguments+=(--data "$HEMET_DATA")
fi
exec hemet "${arguments[@]}"
