#!/usr/bin/env bash
# Puts the networks into models/: prepare.sh WHAT [OPTION…], where WHAT is what `hemet compile` takes (a run folder with
# --trial N, or an ONNX model): once for one image at a time, and where it is small enough once for batches.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
hemet=${HEMET:-hemet}
mkdir -p "$here/models"
"$hemet" compile "$@" -o "$here/models/single.hemet"
"$hemet" client-spec "$here/models/single.hemet" -o "$here/models/single.spec"
rm -f "$here"/models/batch.*
# Batches need a ciphertext for each element of a layer: where that is too much, images go one by one.
if "$hemet" compile "$@" --target throughput -o "$here/models/batch.hemet"; then
    "$hemet" client-spec "$here/models/batch.hemet" -o "$here/models/batch.spec"
    "$hemet" inspect "$here/models/batch.hemet" --json | sed -n 's/.*"images_per_request": *\([0-9]*\).*/\1/p' \
        >"$here/models/batch.room"
fi
