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

# Few images are quickest one by one; many go in batches where there is a network for those.
model=$here/models/single
room=1
if [ "$size" -ge 2 ] && [ -e "$here/models/batch.hemet" ]; then
    model=$here/models/batch
    room=$(cat "$here/models/batch.room")
fi

secret=$io/secret_key/client.key

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
    rm -rf "$io/ciphertexts_download"
    "$hemet" predict "$model.hemet" --keys "$io/public_keys/server.keys" "$io/ciphertexts_upload" \
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
