#!/usr/bin/env bash
# Makes the programs that the benchmark runs: build_task.sh FOLDER-OF-THE-SUBMISSION. The networks must be in its models/
# already (prepare.sh); this machine's hemet is taken from HEMET or from the path.
set -euo pipefail
task=$(cd "$1" && pwd)
[ -e "$task/models/single.hemet" ] || { echo "$task/models has no network; run prepare.sh first" >&2; exit 1; }
mkdir -p "$task/build"
for stage in client_key_generation server_preprocess_model client_preprocess_input client_encode_encrypt_input \
    server_encrypted_compute client_decrypt_decode client_postprocess; do
    printf '#!/bin/sh\nexec bash "%s/stages.sh" %s "$@"\n' "$task" "$stage" >"$task/build/$stage"
    chmod +x "$task/build/$stage"
done
