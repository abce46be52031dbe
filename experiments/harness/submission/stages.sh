#!/usr/bin/env bash
# The stages of the benchmark, each a program over files: stages.sh STAGE [SIZE], in the root of the benchmark's folder.
# HEMET names the program; it is found on the path otherwise.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
hemet=${HEMET:-hemet}
stage=$1
size=${2:-0}
names=(single small medium large)
name=${names[$size]}
io=io/$name
pixels=datasets/$name/intermediate/test_pixels.txt

# Few images are quickest one by one, many together: a network that was compiled for throughput takes a batch at once.
case $size in
0 | 1) model=$here/models/single room=1 ;;
*) model=$here/models/batch room=$(cat "$here/models/batch.room") ;;
esac

# The parts of the input, by number; an image a line.
parts() { find "$io/intermediate" -name 'part-*.txt' | sort; }
of() { basename "$1" .txt; }

case $stage in
client_key_generation)
    "$hemet" keygen "$model.spec" --out "$io/keys" --force
    mkdir -p "$io/public_keys" "$io/secret_key"
    mv "$io/keys/server.keys" "$io/public_keys/server.keys"
    mv "$io/keys/client.key" "$io/secret_key/client.key"
    ;;
server_preprocess_model)
    # The artifact is made ready as it is loaded; here it is only checked.
    "$hemet" inspect "$here/models/single.hemet" >/dev/null
    ;;
client_preprocess_input)
    rm -rf "$io/intermediate"
    mkdir -p "$io/intermediate"
    # Pixels are from 0 to 1, which is what the network was trained on.
    split --lines="$room" --numeric-suffixes --suffix-length=5 --additional-suffix=.txt "$pixels" "$io/intermediate/part-"
    ;;
client_encode_encrypt_input)
    rm -rf "$io/ciphertexts_upload"
    mkdir -p "$io/ciphertexts_upload"
    for part in $(parts); do
        "$hemet" encrypt --key "$io/secret_key/client.key" --image "$part" --count "$(wc -l <"$part")" \
            -o "$io/ciphertexts_upload/$(of "$part").ct"
    done
    ;;
server_encrypted_compute)
    rm -rf "$io/ciphertexts_download"
    mkdir -p "$io/ciphertexts_download"
    for request in "$io"/ciphertexts_upload/*.ct; do
        "$hemet" predict "$model.hemet" --keys "$io/public_keys/server.keys" "$request" \
            -o "$io/ciphertexts_download/$(basename "$request")"
    done
    ;;
client_decrypt_decode)
    for part in $(parts); do
        file=$(of "$part").ct
        "$hemet" decrypt --key "$io/secret_key/client.key" --request "$io/ciphertexts_upload/$file" \
            --count "$(wc -l <"$part")" --json "$io/ciphertexts_download/$file"
    done >"$io/intermediate/answers.jsonl"
    ;;
client_postprocess)
    sed -n 's/.*"class": *\([0-9]*\).*/\1/p' "$io/intermediate/answers.jsonl" >"$io/encrypted_model_predictions.txt"
    ;;
*)
    echo "$stage is no stage" >&2
    exit 2
    ;;
esac
