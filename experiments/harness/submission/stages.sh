#!/usr/bin/env bash
# The stages of the benchmark, each a program over files: stages.sh STAGE [SIZE], in the root of the benchmark's folder.
# HEMET names the program; it is found on the path otherwise.
set -euo pipefail
here=${BASH_SOURCE[0]%/*}
hemet=${HEMET:-hemet}
stage=$1
size=${2:-0}
names=(single small medium large)
name=${names[$size]}
io=io/$name
pixels=datasets/$name/intermediate/test_pixels.txt

# Few images are quickest one by one; many go in batches where there is a network for those. Sets `model`.
choose_model() {
    model=$here/models/single
    case $1 in
    medium | large) [ ! -e "$here/models/batch.hemet" ] || model=$here/models/batch ;;
    esac
}
# Prepares a model, or keys for it, unless what is there is newer.
prepare() {
    local artifact=$1 out=$2 keys=${3:-}
    if [ ! "$out" -nt "${keys:-$artifact}" ]; then
        "$hemet" prepare "$artifact" ${keys:+--keys "$keys"} -o "$out" >/dev/null
    fi
}
choose_model "$name"
room=1
case $model in
*/batch) room=$(cat "$model.room") ;;
esac

secret=$io/secret_key/client.key
ready=$io/server_ready

case $stage in
client_key_generation)
    "$hemet" keygen "$model.spec" --out "$io/keys" --force
    mkdir -p "$io/public_keys" "$io/secret_key"
    mv "$io/keys/server.keys" "$io/public_keys/server.keys"
    mv "$io/keys/client.key" "$io/secret_key/client.key"
    ;;
server_preprocess_model)
    # What depends on the model, and what depends on the keys that are there, is computed once and used by every request.
    for artifact in "$here"/models/*.hemet; do
        prepare "$artifact" "${artifact%.hemet}.ready"
    done
    for name in "${names[@]}"; do
        keys=io/$name/public_keys/server.keys
        if [ -e "$keys" ]; then
            mkdir -p "io/$name/server_ready"
            choose_model "$name"
            prepare "$model.hemet" "io/$name/server_ready/client.ready" "$keys"
        fi
    done
    ;;
client_preprocess_input)
    rm -rf "$io/intermediate"
    mkdir -p "$io/intermediate/parts"
    # Pixels are from 0 to 1, which is what the network was trained on.
    split --lines="$room" --numeric-suffixes --suffix-length=5 --additional-suffix=.txt "$pixels" \
        "$io/intermediate/parts/part-"
    ;;
client_encode_encrypt_input)
    rm -rf "$io/ciphertexts_upload"
    mkdir -p "$io/ciphertexts_upload"
    if [ "$room" = 1 ]; then
        "$hemet" encrypt --key "$secret" --image "$io/intermediate/parts" -o "$io/ciphertexts_upload/"
    else
        for part in "$io"/intermediate/parts/*.txt; do
            "$hemet" encrypt --key "$secret" --image "$part" --count "$(wc -l <"$part")" \
                -o "$io/ciphertexts_upload/$(basename "$part" .txt).ct"
        done
    fi
    ;;
server_encrypted_compute)
    [ ! -e "$io/ciphertexts_download" ] || rm -rf "$io/ciphertexts_download"
    keys=$io/public_keys/server.keys
    [ ! "$ready/client.ready" -nt "$keys" ] || keys=$ready/client.ready
    prepared=()
    [ ! -e "$model.ready" ] || prepared=(--prepared "$model.ready")
    exec "$hemet" predict "$model.hemet" ${prepared[@]+"${prepared[@]}"} --keys "$keys" "$io/ciphertexts_upload" \
        -o "$io/ciphertexts_download"
    ;;
client_decrypt_decode)
    if [ "$room" = 1 ]; then
        "$hemet" decrypt --key "$secret" --request "$io/ciphertexts_upload" --json "$io/ciphertexts_download"
    else
        for part in "$io"/intermediate/parts/*.txt; do
            file=$(basename "$part" .txt).ct
            "$hemet" decrypt --key "$secret" --request "$io/ciphertexts_upload/$file" \
                --count "$(wc -l <"$part")" --json "$io/ciphertexts_download/$file"
        done
    fi >"$io/intermediate/answers.jsonl"
    ;;
client_postprocess)
    sed -n 's/.*"class": *\([0-9]*\).*/\1/p' "$io/intermediate/answers.jsonl" >"$io/encrypted_model_predictions.txt"
    ;;
*)
    echo "$stage is no stage" >&2
    exit 2
    ;;
esac
