#!/usr/bin/env bash
# Looking into a file of lines, beside wc, ripgrep and sort: seconds of each run in turn, the page
# cache warm, and the largest memory of each program in MB.
# usage: benches/inspect.sh FILE.jsonl [RUNS]
set -euo pipefail
# Peers come from Debian's packages; without the right to install, those that are there are used.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y -q ripgrep time bc >/dev/null 2>&1 || true
fi
file=$(realpath "${1:?FILE}"); runs=${2:-5}
cd "$(dirname "$0")/.."
cargo build --release --quiet
bin=${ALIMENTAR:-$PWD/target/release/alimentar}
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export ALIMENTAR_HOME=$work/home
cat "$file" >/dev/null
# Median of the runs of two commands in turns, and their ratio.
pair() { # what, ours, theirs
    : >"$work/a"; : >"$work/b"
    for ((run = 0; run < runs; run++)); do
        rm -rf "$work/home"
        /usr/bin/time -f '%e %M' -a -o "$work/a" bash -c "$2" >/dev/null
        /usr/bin/time -f '%e %M' -a -o "$work/b" bash -c "$3" >/dev/null
    done
    median() { sort -n "$1" | awk '{t[NR]=$1; m[NR]=$2} END {n=int((NR+1)/2); print t[n], m[n]/1000}'; }
    read -r a am <<<"$(median "$work/a")"; read -r b bm <<<"$(median "$work/b")"
    printf '%-34s %7.2f s %6.0f MB   %7.2f s %6.0f MB   %5.2f x\n' "$1" "$a" "$am" "$b" "$bm" \
        "$(echo "$b / ($a + 0.0001)" | bc -l)"
}
printf '%-34s %17s   %19s   %s\n' "$(basename "$file")" alimentar peer 'peer/ours'
pair 'lines, counted (wc -l)' "'$bin' inspect info '$file'" "wc -l '$file'"
for pattern in quantum 'quantum|theorem|photosynthesis' '(?i)quantum physics' '\p{Greek}' \
    '[a-z]+ing the [a-z]+ed' '"score":0\.99'; do
    pair "search $pattern (rg -c)" "'$bin' inspect search '$file' '$pattern' --count" \
        "rg -c '$pattern' '$file'"
done
pair 'dedup --exact (sort -u)' "'$bin' inspect dedup '$file' --exact" \
    "LC_ALL=C sort -u --parallel=2 '$file'"
# Without a peer that does the same.
alone() { # what, ours
    /usr/bin/time -f '%e %M' -o "$work/a" bash -c "$2" >/dev/null || true
    awk -v what="$1" '{printf "%-34s %7.2f s %6.0f MB\n", what, $1, $2/1000}' <(tail -n 1 "$work/a")
}
"$bin" inspect info "$file" >/dev/null
alone 'lines, the second time' "'$bin' inspect info '$file'"
alone lint "'$bin' inspect lint '$file'"
alone stats "'$bin' inspect stats '$file'"
alone 'dedup, near (texts of the rows)' \
    "'$bin' inspect dedup '$file' --column instruction --column input --column output"
alone tokens "'$bin' inspect tokens '$file'"
"$bin" inspect info "$file" --json
