#!/usr/bin/env bash
# fuzz.sh [SECONDS]: runs each fuzz target that long (default 30). Needs cargo-fuzz; without a nightly toolchain the stable one is told to
# accept the sanitizer flags.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}

[ -d fuzz ] || { echo "fuzz: no targets"; exit 0; }
command -v cargo-fuzz >/dev/null || { echo "fuzz: skipped, cargo-fuzz is not there (cargo install --locked cargo-fuzz)"; exit 0; }
if rustup run nightly rustc --version >/dev/null 2>&1; then
    fuzz=(cargo +nightly fuzz)
else
    export RUSTC_BOOTSTRAP=1
    fuzz=(cargo fuzz)
fi
for target in $("${fuzz[@]}" list); do
    echo "fuzz: $target, $seconds s"
    seeds=()
    [ -d "fuzz/seeds/$target" ] && seeds=("fuzz/seeds/$target")
    mkdir -p "fuzz/corpus/$target"
    "${fuzz[@]}" run "$target" "fuzz/corpus/$target" "${seeds[@]}" -- -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=25 -max_len=8192 -print_final_stats=1
done
