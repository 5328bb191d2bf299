#!/usr/bin/env bash
# What a second version of a file costs beside the first: bytes stored anew (packs, index), bytes on
# the wire to a node that has the first (counted by the interface of a network of its own, both ways,
# where that may be made; else by the program), seconds of taking it in beside a registry that has
# nothing, and of taking it out. For alimentar, and for those of borg, restic, rustic, casync and bupstash
# that are installed. rsync, which stores nothing, brings the version to who has the first as a file, plain
# and with zstd; its bytes are counted in the same way.
#
# DIR holds the first version, A-*.jsonl, and others in delta/; Parquet versions NAME-a.parquet and
# NAME-b.parquet in parquet/ (benches/parquet_versions.py makes them).
# usage: benches/versions.sh DIR [SCRATCH]      ALIMENTAR=BINARY, PEERS=no
set -euo pipefail
dir=$(realpath "${1:?DIR}")
scratch=${2:+$(realpath "$2")}
cd "$(dirname "$0")/.."
if [ -z "${ALIMENTAR:-}" ]; then cargo build --release --quiet; fi
bin=${ALIMENTAR:-${CARGO_TARGET_DIR:-$PWD/target}/release/alimentar}
work=$(mktemp -d ${scratch:+-p "$scratch"}); trap 'rm -rf "$work"' EXIT
export RESTIC_PASSWORD=bench BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
export BORG_BASE_DIR="$work/borg-base" RESTIC_CACHE_DIR="$work/restic-cache"
export RUSTIC_PASSWORD=bench RUSTIC_NO_CACHE=true
has() { [ "${PEERS:-yes}" = yes ] && command -v "$1" >/dev/null; }
size() { du -s --apparent-size -B1 "$1" | cut -f1; }
timed() { # command; seconds in $took
    local start; start=$(date +%s.%N)
    bash -c "$1" >"$work/said" 2>&1 || { echo "failed: $1" >&2; cat "$work/said" >&2; exit 1; }
    took=$(printf '%.1f' "$(echo "$(date +%s.%N) - $start" | bc)")
}
row() { printf '%-28s %-10s %13s %11s %13s %7s %7s %7s\n' "$@"; }
into() { echo "$bin --home $1 --quiet registry index $2 --name f"; }

# Runs a script with bytes counted, in a network of its own where one may be made;
# prints them, and seconds.
counting() { # script, its words
    if unshare -n true 2>/dev/null && command -v ip >/dev/null; then
        unshare -n bash "$work/count.sh" own "$@"
    else
        bash "$work/count.sh" said "$@"
    fi
}
scripts() {
    # A script sets up what serves as $node, pulls in `pull`, and sets $said to what the program counted.
    cat >"$work/count.sh" <<'COUNT'
how=$1; script=$2; shift 2
[ $how = said ] || ip link set lo up
counted() { awk -F'[: ]+' '/ lo:/ {print $3}' /proc/net/dev; }
. "$script"
before=$(counted); start=$(date +%s.%N)
pull "$@"
took=$(echo "$(date +%s.%N) - $start" | bc); after=$(counted)
kill "$node"; wait "$node" 2>/dev/null
[ $how = said ] || said=$((after - before))
echo "$said $took"
COUNT
    cat >"$work/pull.sh" <<'PULL'
bin=$1; home=$3; rm -f "$4"
"$bin" --home "$2" registry serve --bind 127.0.0.1 --port 0 --no-mdns --share-unsigned >"$4" 2>/dev/null &
node=$!
until [ -s "$4" ]; do sleep 0.1; done
peer=$(sed -n 's/.*"addr":"\([^"]*\)".*/\1/p' "$4" | head -1)
pull() {
    said=$("$bin" --home "$home" --json registry pull f --peer "$peer" --accept-unsigned |
        sed -n 's/.*"bytes_received":\([0-9]*\).*/\1/p')
}
PULL
    cat >"$work/rsync.sh" <<'RSYNC'
file=$(realpath "$1"); to=$2; conf=$3; shift 3
printf '%s\n' 'use chroot = no' 'address = 127.0.0.1' 'port = 8873' "uid = $(id -u)" "gid = $(id -g)" \
    '[data]' "path = $(dirname "$file")" >"$conf"
rsync --daemon --no-detach --config="$conf" &
node=$!
until rsync -q rsync://127.0.0.1:8873/ 2>/dev/null >&2; do sleep 0.1; done
pull() {
    said=$(rsync --ignore-times --stats "$@" "rsync://127.0.0.1:8873/data/$(basename "$file")" "$to" | tr -d , |
        awk '/^Total bytes (sent|received)/ {n += $4} END {print n}')
}
RSYNC
}
# Serves $1 and pulls f into $2; bytes on the wire in $wire.
pulled() {
    scripts
    read -r wire _ < <(counting "$work/pull.sh" "$bin" "$1" "$2" "$work/ready")
}

# The first version, in everything, and in a node that pulls.
prepare() { # file
    # Some store a link as a link.
    first=$(realpath "$1"); set -- "$first"
    rm -rf "$work"/*
    cat "$1" >/dev/null
    bash -c "$(into "$work/a" "$1")" >/dev/null
    pulled "$work/a" "$work/node"
    if has borg; then borg init -e none "$work/borg"; borg create -C zstd "$work/borg::a" "$1"; fi
    if has restic; then restic init -q -r "$work/restic"; restic -q -r "$work/restic" backup "$1"; fi
    if has rustic; then
        (rustic -r "$work/rustic" init; rustic -r "$work/rustic" backup "$1") >/dev/null 2>&1
    fi
    if has bupstash; then
        bupstash new-key -o "$work/bupstash.key"; bupstash init -r "$work/bupstash"
        bupstash put -q -k "$work/bupstash.key" -r "$work/bupstash" --no-send-log "$1" >/dev/null
    fi
    if has casync; then
        casync make --store="$work/casync.castr" "$work/a.caibx" "$1" >/dev/null
    fi
}

costs() { # file, what to call it
    local file name=$2 packs index alone in
    file=$(realpath "$1")
    cat "$file" >/dev/null
    cp -a "$work/a" "$work/b"; cp -a "$work/node" "$work/puller"
    packs=$(size "$work/b/packs"); index=$(size "$work/b/registry.redb")
    timed "$(into "$work/empty" "$file")"; alone=$took
    timed "$(into "$work/b" "$file")"; in=$took
    packs=$(($(size "$work/b/packs") - packs)); index=$(($(size "$work/b/registry.redb") - index))
    timed "$bin --home $work/b registry checkout f $work/out"
    cmp "$work/out" "$file"
    rm -rf "$work/empty" "$work/out"
    pulled "$work/b" "$work/puller"
    row "$name" alimentar "$packs" "$index" "$wire" "$in" "$alone" "$took"
    rm -rf "$work/b" "$work/puller"
    # With nothing to say that it is a version of the first.
    cp -a "$work/a" "$work/b"
    packs=$(size "$work/b/packs"); index=$(size "$work/b/registry.redb")
    timed "$bin --home $work/b --quiet registry index $file --name g"; in=$took
    packs=$(($(size "$work/b/packs") - packs)); index=$(($(size "$work/b/registry.redb") - index))
    timed "$bin --home $work/b registry checkout g $work/out"
    cmp "$work/out" "$file"
    row "$name" 'new name' "$packs" "$index" - "$in" "$alone" "$took"
    rm -rf "$work/b" "$work/out"
    for tool in borg restic rustic bupstash casync; do
        has "$tool" || continue
        case $tool in
            borg) store=$work/borg; run="borg create -C zstd $work/borg::b $file" ;;
            restic) store=$work/restic; run="restic -q -r $work/restic backup $file" ;;
            rustic) store=$work/rustic; run="rustic -r $store backup $file" ;;
            bupstash)
                store=$work/bupstash
                run="bupstash put -q -k $work/bupstash.key -r $store --no-send-log $file" ;;
            casync) store=$work/casync.castr; run="casync make --store=$store $work/b.caibx $file" ;;
        esac
        # A copy, so that no version profits from another; of what borg remembers of its repository too, which
        # it would else take for one that somebody has set back.
        cp -a "$store" "$store.kept"; before=$(size "$store")
        [ "$tool" != borg ] || cp -a "$BORG_BASE_DIR" "$BORG_BASE_DIR.kept"
        timed "$run"
        row "$name" "$tool" "$(($(size "$store") - before))" - - "$took" - -
        rm -rf "$store"; mv "$store.kept" "$store"
        [ "$tool" != borg ] || { rm -rf "$BORG_BASE_DIR"; mv "$BORG_BASE_DIR.kept" "$BORG_BASE_DIR"; }
    done
    has rsync || return 0
    for options in '' '--compress --compress-choice=zstd'; do
        cp "$first" "$work/beside"
        # shellcheck disable=SC2086 # options are words
        read -r wire took < <(counting "$work/rsync.sh" "$file" "$work/beside" "$work/rsyncd.conf" $options)
        cmp "$work/beside" "$file"
        row "$name" "rsync${options:+ zstd}" - - "$wire" "$(printf %.1f "$took")" - -
    done
    rm -f "$work/beside"
}

row version tool 'packs, bytes' 'index' 'wire, bytes' 'in, s' 'alone' 'out, s'
if ls "$dir"/A-*.jsonl >/dev/null 2>&1; then
    prepare "$(ls "$dir"/A-*.jsonl | head -1)"
    for file in "$dir"/delta/*; do costs "$file" "$(basename "$file")"; done
fi
for first in "$dir"/parquet/*-a.parquet; do
    [ -f "$first" ] || continue
    prepare "$first"
    costs "${first%-a.parquet}-b.parquet" "$(basename "${first%-a.parquet}") pages"
done
