#!/usr/bin/env bash
# Builds the page: build.sh OUT writes index.html, hemet.js and the WebAssembly module to OUT. It needs rustup's target
# wasm32-unknown-unknown, and clang for zstd.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:?"where to?"}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target}
cd "$here"
cargo build --release --locked --target wasm32-unknown-unknown
cargo run --release --locked --quiet -p hemet-web-bind -- \
    "$CARGO_TARGET_DIR/wasm32-unknown-unknown/release/hemet_web.wasm" "$out"
cp page/* "$out"
