#!/usr/bin/env bash
# Duplicates, beside datasketch and rensa: seconds and memory on the first rows of a file (128 values, pairs of words,
# threshold 0.5), the curve over files of more rows, and what the modes find of what was planted and of what
# comparing all pairs finds.
# usage: benches/duplicates.sh FILE.jsonl [MORE.jsonl...]    ROWS=100000 BUDGET=1GB RUNS=3
# The peers need python3; they are installed with pip into a directory that goes with the run.
set -euo pipefail
rows=${ROWS:-100000}; budget=${BUDGET:-1GB}; runs=${RUNS:-3}
files=(); for file in "${@:?FILE}"; do files+=("$(realpath "$file")"); done
cd "$(dirname "$0")/.."
cargo build --release --quiet
bin=${ALIMENTAR:-${CARGO_TARGET_DIR:-$PWD/target}/release/alimentar}
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export ALIMENTAR_HOME=$work/home
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet datasketch rensa orjson
head -n "$rows" "${files[0]}" >"$work/some.jsonl"
cat >"$work/peer.py" <<'PY'
import sys, time, orjson
which, path = sys.argv[1:]
start = time.time()
rows = [orjson.loads(line) for line in open(path, "rb")]
def pairs(row):
    words = " ".join(str(row.get(c) or "") for c in ("instruction", "input", "output")).lower().split()
    return [words[i] + " " + words[i + 1] for i in range(len(words) - 1)] or words
found = 0
if which == "rensa":
    from rensa import RMinHash, RMinHashLSH
    index = RMinHashLSH(threshold=0.5, num_perm=128, num_bands=32)
    for n, row in enumerate(rows):
        one = RMinHash(num_perm=128, seed=42); one.update(pairs(row))
        found += len(index.query(one)) > 0; index.insert(n, one)
else:
    from datasketch import MinHash, MinHashLSH
    index = MinHashLSH(threshold=0.5, num_perm=128)
    for n, row in enumerate(rows):
        one = MinHash(num_perm=128); one.update_batch([p.encode() for p in pairs(row)])
        found += len(index.query(one)) > 0; index.insert(n, one)
print(f"{time.time() - start:.2f} {found}")
PY
columns=(--column instruction --column input --column output)
ours() { # file
    /usr/bin/time -f '%M' -o "$work/memory" "$bin" inspect dedup "$1" "${columns[@]}" --budget "$budget" --json |
        "$work/venv/bin/python" -c 'import sys, orjson; r = orjson.loads(sys.stdin.read()); print("%.2f" % r["seconds"], r["near_duplicates"] + r["exact_duplicates"], r["spilled_bytes"] >> 20)'
}
echo "| $rows rows | seconds (median of $runs in turns) | rows like another |"; echo '|---|---:|---:|'
for ((run = 0; run < runs; run++)); do
    ours "$work/some.jsonl" >>"$work/alimentar"
    "$work/venv/bin/python" "$work/peer.py" rensa "$work/some.jsonl" >>"$work/rensa"
    if [ "$run" = 0 ]; then "$work/venv/bin/python" "$work/peer.py" datasketch "$work/some.jsonl" >>"$work/datasketch"; fi
done
for who in alimentar rensa datasketch; do
    sort -n "$work/$who" | awk -v who="$who" '{s[NR]=$1; f[NR]=$2} END {n=int((NR+1)/2); print "| " who " | " s[n] " | " f[n] " |"}'
done
echo; echo '| file | seconds | memory, MB | spilled, MB |'; echo '|---|---:|---:|---:|'
for file in "${files[@]}"; do
    read -r seconds _ spilled < <(ours "$file")
    echo "| $(basename "$file") | $seconds | $(($(cat "$work/memory") / 1000)) | $spilled |"
done
echo; echo "All pairs compared, 3,000 rows and as many with every tenth word another:"; echo
cargo bench --quiet --bench duplicates -- brute "${files[0]}"
if [ -f "${files[0]}.truth.tsv" ]; then
    echo; echo "Planted: recall by kind, and how many of the pairs are alike when compared as strings:"; echo
    cargo bench --quiet --bench duplicates -- quality "${files[0]}"
fi
cargo bench --quiet --bench duplicates -- prints
cargo bench --quiet --bench duplicates -- simhash "${files[0]}"
