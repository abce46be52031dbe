#!/usr/bin/env bash
# Puts the networks into models/: prepare.sh WHAT [OPTION…], where WHAT is what `hemet compile` takes (a run folder with
# --trial N, or an ONNX model): once for one image at a time, once for batches.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
hemet=${HEMET:-hemet}
mkdir -p "$here/models"
"$hemet" compile "$@" -o "$here/models/single.hemet"
"$hemet" compile "$@" --target throughput -o "$here/models/batch.hemet"
for model in single batch; do
    "$hemet" client-spec "$here/models/$model.hemet" -o "$here/models/$model.spec"
done
"$hemet" inspect "$here/models/batch.hemet" --json | sed -n 's/.*"images_per_request": *\([0-9]*\).*/\1/p' >"$here/models/batch.room"
