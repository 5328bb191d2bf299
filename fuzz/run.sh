#!/usr/bin/env bash
# Runs the fuzz targets with libFuzzer, and prints executions, coverage and findings.
#
#   fuzz/run.sh [-f SECONDS] [-o SECONDS] [-w DIR] [-c] [TARGET…]
#
#   -f  seconds for each target that faces archives, peers and keys [default: 1200]
#   -o  seconds for each of the others [default: 180]
#   -w  where the growing corpus, the logs and the findings are kept [default: fuzz/work]
#   -c  afterwards, put a minimised corpus into fuzz/corpus, which the tests replay
#   -b  a directory of targets that are built already [default: they are built]
#
# Needs a Rust toolchain and `cargo install cargo-fuzz`.
set -euo pipefail
cd "$(dirname "$0")"
export RUSTC_BOOTSTRAP=1
first=1200 others=180 work=$PWD/work keeps= built=
while getopts f:o:w:b:c option; do
    case $option in
        f) first=$OPTARG ;;
        o) others=$OPTARG ;;
        w) work=$OPTARG ;;
        b) built=$OPTARG ;;
        c) keeps=yes ;;
        *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))

facing="archive request response envelope manifest node record delta key_file age_file service_record"
all=$(sed -n 's|^path = "fuzz_targets/\(.*\)\.rs"$|\1|p' Cargo.toml)
rest=$(for target in $all; do [[ " $facing " == *" $target "* ]] || echo "$target"; done)
targets=${*:-$facing $rest}
# The corpus of one target in the tree takes no more than this, so that all take less than 1 MB.
corpus_bytes=24000 corpus_files=150

mkdir -p "$work/logs"
work=$(cd "$work" && pwd)
# Good bytes to start from: those that the tests mutate.
[ -d "$work/seeds" ] ||
    (cd .. && FUZZ_SEEDS_DIR="$work/seeds" cargo test --quiet --test it corpus_of_the_fuzzer >/dev/null)
if [ -z "$built" ]; then
    cargo fuzz build -s none
    built=${CARGO_TARGET_DIR:-target}/$(rustc -vV | sed -n 's/^host: //p')/release
fi
printf '%-14s %8s %8s %12s %8s %8s %7s  %s\n' target seconds cpu executions edges features inputs findings
# Seconds of processor time: fewer than the wall clock's where the machine is busy with other things.
TIMEFORMAT='%U'
findings=0
for target in $targets; do
    seconds=$others
    [[ " $facing " == *" $target "* ]] && seconds=$first
    corpus=$work/corpus/$target found=$work/findings/$target log=$work/logs/$target.log
    mkdir -p "$corpus" "$found" "corpus/$target"
    cp -n "corpus/$target"/* "$work/seeds/$target"/* "$corpus/" 2>/dev/null || true
    # A finding ends the run with an error; it is counted below.
    { time "$built/$target" "$corpus" -max_total_time="$seconds" -max_len=65536 \
        -timeout=25 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="$found/" \
        >"$log" 2>&1 || true; } 2>"$log.cpu"
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    last=$(grep -aE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -n 1 || true)
    edges=$(sed -n 's/.*cov: \([0-9]*\).*/\1/p' <<<"$last")
    features=$(sed -n 's/.*ft: \([0-9]*\).*/\1/p' <<<"$last")
    count=$(find "$found" -type f | wc -l)
    findings=$((findings + count))
    printf '%-14s %8s %8.0f %12s %8s %8s %7s  %s\n' "$target" "$seconds" "$(cat "$log.cpu")" "${executions:-?}" "${edges:-?}" \
        "${features:-?}" "$(find "$corpus" -type f | wc -l)" "$count"
    if [ -n "$keeps" ]; then
        small=$(mktemp -d)
        "$built/$target" -merge=1 "$small" "$corpus" >>"$log" 2>&1 || true
        rm -f "corpus/$target"/*
        taken=0
        while read -r bytes file; do
            taken=$((taken + bytes))
            [ "$taken" -le "$corpus_bytes" ] || break
            cp "$file" "corpus/$target/"
        done < <(find "$small" -type f -printf '%s %p\n' | sort -n | head -n "$corpus_files")
        rm -rf "$small"
    fi
done
echo "$findings finding(s) in $work/findings"
[ "$findings" -eq 0 ]
