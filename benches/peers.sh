#!/usr/bin/env bash
# Pulling a file: alimentar beside rsync, curl from nginx, syncthing and sendme, in one run, with the
# rounds interleaved; prints medians (lowest..highest), and the command line of each.
# usage: [PARTS="loopback shaped deltas memory loss"] [ROUNDS=3] peers.sh ALIMENTAR FILE DELTA_DIR [WORK_DIR]
#   SMALL=62914560    bytes of the file for memory and loss, cut at a line
#   CLIENTS=100 STOPPED=20   of the part memory
#   SENDME=path       sendme (cargo install sendme) [default: in PATH]
#   LINK=netem|tbf|wire      how the link is shaped [default: netem; without it in the kernel, tbf where
#                     only a rate is asked for, and else a program between two tun devices]
#   TCP=cubic         congestion control of TCP on the link [default: the machine's]
#   LIMIT=180         seconds after which a pull of the part loss is given up
# Root only: everything runs in network namespaces of its own. What arrived is compared byte by byte
# with the source, outside the measured time. alimentar without -o leaves the bytes in its registry,
# and they are checked there; with -o also as a file. The source is read once before; `sync` before each pull.
set -euo pipefail
bin=$(realpath "${1:?ALIMENTAR}"); file=$(realpath "${2:?FILE}"); deltas=$(realpath "${3:?DELTA_DIR}")
parts=${PARTS:-loopback shaped deltas memory loss}; rounds=${ROUNDS:-3}; small=${SMALL:-62914560}
tcp=${TCP:-$(cat /proc/sys/net/ipv4/tcp_congestion_control)}
clients=${CLIENTS:-100}; stopped=${STOPPED:-20}; limit=${LIMIT:-180}
sendme=${SENDME:-$(command -v sendme || true)}
[ "$(id -u)" = 0 ] || { echo "only root can make network namespaces" >&2; exit 1; }
has() { command -v "$1" >/dev/null; }
for tool in rsync nginx syncthing ip tc curl jq ethtool ping cc; do
    has $tool && continue
    if has apt-get; then
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q rsync nginx-light syncthing iproute2 curl jq \
            ethtool iputils-ping gcc libc6-dev >/dev/null 2>&1 || true
    fi
    break
done
if [ -n "${4:-}" ]; then mkdir -p "$4"; work=$(mktemp -d "$(realpath "$4")/peers.XXXXXX"); else work=$(mktemp -d); fi
ns=peers$$; a=$ns-a; b=$ns-b # serving, receiving
pids=(); current=; others=0
stop() { # ends everything that was started
    local pid
    for pid in "$work"/crowd/*.pid; do [ ! -e "$pid" ] || pids+=("$(cat "$pid")"); done
    [ -z "$current" ] || pids+=("$current")
    current=
    for pid in "${pids[@]}"; do kill -CONT "$pid" 2>/dev/null || true; kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do
        for ((n = 0; n < 50; n++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        kill -9 "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true
    done
    pids=()
}
finish() {
    local rc=$?
    set +e; trap - EXIT INT TERM
    [ $rc = 0 ] || { echo "ended with $rc; logs:"; tail -n 5 "$work"/*.log; } >&2
    stop; ip netns del "$ns-a" 2>/dev/null; ip netns del "$ns-b" 2>/dev/null; rm -rf "$work"
    exit $rc
}
trap finish EXIT; trap 'exit 130' INT TERM
cp "$bin" "$work/alimentar"; bin=$work/alimentar # a build may replace the other one meanwhile
in_a() { exec ip netns exec "$a" "$@"; }
in_b() { ip netns exec "$b" "$@"; }

# ---- measuring
link_file() { ln -f "$1" "$2" 2>/dev/null || cp "$1" "$2"; } # rsync's daemon follows no symbolic links
now() { echo "${EPOCHREALTIME/,/.}"; }
minus() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a - b }'; }
wire_bytes() { # both directions of the receiver's interface
    [ "$link" != none ] || { echo 0; return; }
    in_b cat /sys/class/net/peer/statistics/{rx,tx}_bytes | awk '{ s += $1 } END { printf "%.0f\n", s }'
}
note() { printf '%s\n' "$*" | tee -a "$work/notes" >/dev/null; }
row() { printf '%s\t%s\t%s\t%s\t%s\n' "$@" "${others%% *}" >>"$work/rows"; } # what, tool, seconds, bytes
busy() { # how much of the machine others use, over a moment in which we do nothing
    local x y
    read -r -a x </proc/stat; sleep "${1:-1}"; read -r -a y </proc/stat
    awk -v load="$(cut -d' ' -f1 /proc/loadavg)" -v a="${x[*]}" -v b="${y[*]}" 'BEGIN { split(a, x); split(b, y)
        for (i = 2; i <= 9; i++) t += y[i] - x[i]
        printf "%.0f %%, load %s", 100 - 100 * (y[5] + y[6] - x[5] - x[6]) / t, load }'
}
measure() { # what, tool, source, got, command...: runs it in the receiver's namespace
    local what=$1 tool=$2 source=$3 got=$4 start end before after rc=0
    shift 4
    sync; others=$(busy 0.3); before=$(wire_bytes); start=$(now)
    ip netns exec "$b" timeout "$limit_now" "$@" >"$work/out.log" 2>&1 & current=$! # in the background, for the trap
    wait "$current" || rc=$?
    end=$(now); after=$(wire_bytes); current=
    printf '%s\t%s\t%s\n' "${kind:-$part}" "$tool" "$*" >>"$work/commands"
    if [ $rc = 124 ]; then row "$what" "$tool" "over $limit_now s" "$((after - before))"; return; fi
    if [ $rc != 0 ]; then
        note "$what, $tool: exit $rc of: $* :: $(grep -v '^$' "$work/out.log" | tail -n 4 | tr '\n' ' ')"
    fi
    if same "$got" "$source"; then row "$what" "$tool" "$(minus "$end" "$start")" "$((after - before))"
    else row "$what" "$tool" failed "$((after - before))"; note "$what, $tool: what arrived is not the source"; fi
}
same() { # got, source; got may be home:name
    case $1 in
        home=*) local at=${1#home=}; cmp -s <("$bin" --home "${at%:*}" -q registry cat "${at##*:}" 2>>"$work/cat.log") "$2" ;;
        *) cmp -s "$1" "$2" ;;
    esac
}
table() { # what, size of the source
    awk -F'\t' -v what="$1" -v size="${2:-0}" '$1 == what {
            if (!($2 in n)) order[++k] = $2
            if ($3 + 0 > 0) { v[$2, ++n[$2]] = $3; w[$2, n[$2]] = $4; o[$2] = o[$2] "," $5 } else { n[$2] += 0; bad[$2] = bad[$2] " " $3 } }
        END { printf "%-28s %8s %18s %6s %9s  %s\n", what, "seconds", "lowest..highest", "MB/s", "wire MB", "others % before each"
            for (i = 1; i <= k; i++) { t = order[i]; c = n[t]
                if (!c) { printf "%-28s %8s%s\n", t, "-", bad[t]; continue }
                for (x = 1; x <= c; x++) for (y = x + 1; y <= c; y++) {
                    if (v[t, y] < v[t, x]) { z = v[t, x]; v[t, x] = v[t, y]; v[t, y] = z }
                    if (w[t, y] < w[t, x]) { z = w[t, x]; w[t, x] = w[t, y]; w[t, y] = z } }
                m = int((c + 1) / 2)
                printf "%-28s %8.2f %18s %6s %9s  %s%s\n", t, v[t, m], sprintf("%.2f..%.2f", v[t, 1], v[t, c]),
                    size ? sprintf("%.0f", size / 1e6 / v[t, m]) : "-", w[t, m] ? sprintf("%.2f", w[t, m] / 1e6) : "-", substr(o[t], 2),
                    bad[t] ? "  also:" bad[t] : "" } }' "$work/rows"
    echo
}

# ---- the link
link=none; host=127.0.0.1; kind=
cat >"$work/wire.c" <<'C'
/* Two tun devices, and between them delay, rate and loss, for kernels without netem.
   wire NAME_A NAME_B delay_us mbit loss_percent queue_packets */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#define SLOTS 65536u
typedef struct { uint64_t sent, due; int len; char data[1600]; } packet;
typedef struct { int in, out; packet *ring; unsigned head, tail, sent; uint64_t free_at; } way;
static uint64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static int tun(const char *name) {
    struct ifreq r; int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    memset(&r, 0, sizeof r); strncpy(r.ifr_name, name, IFNAMSIZ - 1); r.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (fd < 0 || ioctl(fd, TUNSETIFF, &r)) { perror("tun"); exit(1); }
    return fd;
}
static uint64_t seed = 88172645463325252ull;
static double dice(void) { seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17; return (seed >> 11) * (1.0 / 9007199254740992.0); }
int main(int n, char **v) {
    if (n != 7) return 2;
    way w[2]; memset(w, 0, sizeof w); int x = tun(v[1]), y = tun(v[2]);
    w[0].in = w[1].out = x; w[0].out = w[1].in = y;
    for (int i = 0; i < 2; i++) w[i].ring = malloc(sizeof(packet) * SLOTS);
    uint64_t delay = atof(v[3]) * 1000; double mbit = atof(v[4]), loss = atof(v[5]) / 100; unsigned queue = atoi(v[6]);
    prctl(PR_SET_TIMERSLACK, 1); puts("ready"); fflush(stdout);
    for (;;) {
        uint64_t next = ~0ull, t = now();
        for (int i = 0; i < 2; i++) {
            way *q = &w[i];
            while (q->sent != q->head && q->ring[q->sent % SLOTS].sent <= t) q->sent++;
            for (int k = 0; k < 64; k++) {
                static char spare[1600];
                int full = q->head - q->sent >= queue || q->head - q->tail >= SLOTS;
                packet *p = &q->ring[q->head % SLOTS];
                int len = read(q->in, full ? spare : p->data, 1600);
                if (len <= 0) break;
                if (full || dice() < loss) continue;
                if (q->free_at < t) q->free_at = t;
                q->free_at += (len + 38) * 8000 / mbit; /* 38: what Ethernet adds */
                p->len = len; p->sent = q->free_at; p->due = q->free_at + delay; q->head++;
            }
            while (q->tail != q->head && q->ring[q->tail % SLOTS].due <= t) {
                packet *p = &q->ring[q->tail % SLOTS];
                if (write(q->out, p->data, p->len) < 0) {}
                q->tail++; if ((int)(q->sent - q->tail) < 0) q->sent = q->tail;
            }
            if (q->tail != q->head && q->ring[q->tail % SLOTS].due < next) next = q->ring[q->tail % SLOTS].due;
        }
        struct pollfd f[2] = {{x, POLLIN, 0}, {y, POLLIN, 0}}; struct timespec d, *dp = NULL;
        if (next != ~0ull) { t = now(); t = next > t ? next - t : 0; d.tv_sec = t / 1000000000; d.tv_nsec = t % 1000000000; dp = &d; }
        ppoll(f, 2, dp, NULL);
    }
}
C
netem() { # can this kernel do netem?
    [ -n "${netem_known:-}" ] || {
        netem_known=no
        ip -n "$a" link add probe type veth peer name probe2
        ! ip netns exec "$a" tc qdisc add dev probe root netem delay 1ms 2>/dev/null || netem_known=yes
        ip -n "$a" link del probe
    }
    [ $netem_known = yes ]
}
link_up() { # delay in ms of one way, loss in % of one way; always 1 Gbit/s both ways
    local side how=${LINK:-}
    if [ -z "$how" ]; then
        if netem; then how=netem; elif [ "$2" = 0 ] && [ "${1%%.*}" = 0 ]; then how=tbf; else how=wire; fi
    fi
    if [ "$how" = wire ]; then
        [ -x "$work/wire" ] || cc -O2 -o "$work/wire" "$work/wire.c"
        : >"$work/wire.log"
        "$work/wire" "$ns-x" "$ns-y" "$(awk "BEGIN { print $1 * 1000 }")" 1000 "$2" 1000 >"$work/wire.log" 2>&1 &
        pids+=($!); until grep -q ready "$work/wire.log"; do sleep 0.05; done
        ip link set "$ns-x" netns "$a" name peer txqueuelen 10000; ip link set "$ns-y" netns "$b" name peer txqueuelen 10000
    else
        ip -n "$a" link add peer type veth peer name peer netns "$b"
        for side in "$a" "$b"; do # packets as on a real wire, so that each is counted, delayed and lost by itself
            ip netns exec "$side" ethtool -K peer tso off gso off gro off tx-udp-segmentation off >/dev/null 2>&1 || true
            if [ "$how" = netem ]; then
                ip netns exec "$side" tc qdisc add dev peer root netem delay "$1ms" rate 1gbit loss "$2%" limit 40000
            else ip netns exec "$side" tc qdisc add dev peer root tbf rate 1gbit burst 32kb limit 1500kb; fi
        done
    fi
    ip -n "$a" addr add 10.77.0.1/24 dev peer; ip -n "$b" addr add 10.77.0.2/24 dev peer
    ip -n "$a" link set peer up; ip -n "$b" link set peer up
    for side in "$a" "$b"; do ip -n "$side" route change 10.77.0.0/24 dev peer congctl "$tcp"; done
    link=$how; host=10.77.0.1
    if [ "$2" = 0 ]; then
        printf 'link: %s, 1 Gbit/s, %s ms each way asked for; measured round trip %s\n' "$how" "$1" \
            "$(in_b ping -q -c 20 -i 0.05 $host | sed -n 's/^rtt min.avg.max.mdev = //p') (min/avg/max/mdev)"
    else printf 'link: %s, 1 Gbit/s, %s ms and %s %% loss each way\n' "$how" "$1" "$2"; fi
    [ "$how" != tbf ] || echo "      (this kernel has no netem: the rate is held by tbf, and there is no delay but the machine's)"
}
link_down() { ip -n "$b" link del peer 2>/dev/null || true; link=none; host=127.0.0.1; }
spaces() { # one: loopback within one namespace; two: a link to come
    ip netns del "$ns-a" 2>/dev/null || true; ip netns del "$ns-b" 2>/dev/null || true
    ip netns add "$ns-a"; ip -n "$ns-a" link set lo up; b=$a
    [ "$1" = one ] || { b=$ns-b; ip netns add "$b"; ip -n "$b" link set lo up; }
}

# ---- who serves
serve_alimentar() { # home
    : >"$work/serve.log"
    in_a "$bin" --home "$1" registry serve --port 8765 --bind $host --no-mdns --share-unsigned >"$work/serve.log" 2>"$work/serve-err.log" &
    server=$!; pids+=("$server")
    for ((n = 0; n < 200; n++)); do grep -q '"ready"' "$work/serve.log" && return; sleep 0.05; done
    echo "alimentar does not serve" >&2; exit 1
}
serve_rsync() { # directory
    cat >"$work/rsyncd.conf" <<CONF
use chroot = no
uid = 0
gid = 0
address = $host
port = 8873
pid file = $work/rsyncd.pid.$RANDOM
[data]
path = $1
read only = yes
CONF
    in_a rsync --daemon --no-detach --config="$work/rsyncd.conf" >"$work/rsyncd.log" 2>&1 & pids+=($!)
}
serve_nginx() { # directory
    mkdir -p "$work/nginx"
    cat >"$work/nginx/nginx.conf" <<CONF
daemon off; user root; worker_processes auto; pid $work/nginx/pid; error_log $work/nginx-err.log;
events { worker_connections 512; }
http { sendfile on; tcp_nopush on; access_log off; default_type application/octet-stream;
  client_body_temp_path $work/nginx/1; proxy_temp_path $work/nginx/2; fastcgi_temp_path $work/nginx/3;
  uwsgi_temp_path $work/nginx/4; scgi_temp_path $work/nginx/5;
  server { listen $host:8880; root $1; } }
CONF
    in_a nginx -c "$work/nginx/nginx.conf" -p "$work/nginx" >"$work/nginx.log" 2>&1 & pids+=($!)
}
reachable() { # waits for rsync and nginx
    for ((n = 0; n < 100; n++)); do
        ! { in_b rsync -q "rsync://$host:8873/" && in_b curl -s -o /dev/null "http://$host:8880/"; } >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    echo "rsync or nginx does not serve" >&2; exit 1
}
zstd=(--compress --compress-choice=zstd --compress-level=3)

# ---- one pull each, into what is empty
pull_alimentar() { # what, source, name
    rm -rf "$work/home"
    measure "$1" alimentar "$2" "home=$work/home:$3" "$bin" --home "$work/home" -q registry pull "$3" --peer $host:8765 --accept-unsigned
    rm -rf "$work/home"
}
pull_alimentar_o() {
    rm -rf "$work/home" "$work/got"
    measure "$1" "alimentar -o" "$2" "$work/got" "$bin" --home "$work/home" -q registry pull "$3" --peer $host:8765 --accept-unsigned -o "$work/got"
    rm -rf "$work/home" "$work/got"
}
pull_rsync() {
    rm -f "$work/got"
    measure "$1" rsync "$2" "$work/got" rsync "rsync://$host:8873/data/$3" "$work/got"
    rm -f "$work/got"
}
pull_rsync_zstd() {
    rm -f "$work/got"
    measure "$1" "rsync zstd" "$2" "$work/got" rsync "${zstd[@]}" "rsync://$host:8873/data/$3" "$work/got"
    rm -f "$work/got"
}
pull_curl() {
    rm -f "$work/got"
    measure "$1" "curl nginx" "$2" "$work/got" curl -sSf -o "$work/got" "http://$host:8880/$3"
    rm -f "$work/got"
}
syncthing_home() { # home, own port, gui port, folder, type, paused
    cat >"$1/config.xml" <<XML
<configuration version="35">
<folder id="bench" label="bench" path="$4" type="$5" rescanIntervalS="0" fsWatcherEnabled="false">
<device id="$st_a"></device><device id="$st_b"></device></folder>
<device id="$st_a" name="a"><address>tcp://127.0.0.1:22001</address><paused>$6</paused></device>
<device id="$st_b" name="b"><address>tcp://127.0.0.1:22002</address></device>
<gui enabled="true" tls="false"><address>127.0.0.1:$3</address><apikey>bench</apikey></gui>
<options><listenAddress>tcp://127.0.0.1:$2</listenAddress><globalAnnounceEnabled>false</globalAnnounceEnabled>
<localAnnounceEnabled>false</localAnnounceEnabled><relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled>
<startBrowser>false</startBrowser><urAccepted>-1</urAccepted><autoUpgradeIntervalH>0</autoUpgradeIntervalH>
<crashReportingEnabled>false</crashReportingEnabled><setLowPriority>false</setLowPriority>
<reconnectionIntervalS>1</reconnectionIntervalS></options></configuration>
XML
}
st() { in_b curl -sS -m 5 -H 'X-API-Key: bench' "$@"; }
syncthing_start() { # which, gui port
    in_a env STNODEFAULTFOLDER=1 STNOUPGRADE=1 syncthing serve --home "$work/st-$1" --no-browser --no-restart >"$work/st-$1.log" 2>&1 &
    pids+=($!); st_last=$!
    for ((n = 0; n < 300; n++)); do
        [ "$(st "http://127.0.0.1:$2/rest/db/status?folder=bench" 2>/dev/null | jq -r .state 2>/dev/null)" != idle ] || return 0
        sleep 0.2
    done
    echo "syncthing $1 is not ready" >&2; return 1
}
syncthing_up() { # the file: the sending side scans it once
    mkdir -p "$work/st-a" "$work/st-b0" "$work/st-data/.stfolder"
    link_file "$1" "$work/st-data/data"
    syncthing generate --home "$work/st-a" >"$work/st-gen.log" 2>&1; syncthing generate --home "$work/st-b0" >>"$work/st-gen.log" 2>&1
    st_a=$(syncthing --home "$work/st-a" --device-id 2>/dev/null); st_b=$(syncthing --home "$work/st-b0" --device-id 2>/dev/null)
    syncthing_home "$work/st-a" 22001 22003 "$work/st-data" sendonly false
    syncthing_start a 22003
}
pull_syncthing() { # what, source: from the moment the receiver lets the sender in until the file has its name
    local start end at=$work/st-got rc=0
    rm -rf "$at" "$work/st-b"; mkdir -p "$at/.stfolder"; cp -r "$work/st-b0" "$work/st-b"
    syncthing_home "$work/st-b" 22002 22004 "$at" receiveonly true
    syncthing_start b 22004 || { row "$1" syncthing failed 0; return; }
    sync; others=$(busy 0.3); start=$(now)
    st -X PATCH -d '{"paused": false}' "http://127.0.0.1:22004/rest/config/devices/$st_a" >/dev/null
    for ((n = 0; n < 6000; n++)); do [ ! -e "$at/data" ] || break; sleep 0.05; done
    end=$(now)
    printf '%s\t%s\t%s\n' "$part" syncthing "PATCH /rest/config/devices/ID {\"paused\": false}, until the file is there" >>"$work/commands"
    if cmp -s "$at/data" "$2"; then row "$1" syncthing "$(minus "$end" "$start")" 0; else row "$1" syncthing failed 0; fi
    kill "$st_last"; wait "$st_last" 2>/dev/null || true; rm -rf "$at" "$work/st-b"
}
sendme_up() { # file
    mkdir -p "$work/sm-a"; : >"$work/sendme.log"
    (cd "$work/sm-a"; in_a "$sendme" send "$1" --relay disabled --ticket-type addresses </dev/null >"$work/sendme.log" 2>&1) & pids+=($!)
    for ((n = 0; n < 1200; n++)); do
        ticket=$(grep -o 'sendme receive [^ ]*' "$work/sendme.log" | awk '{ print $3 }' | head -n 1) || true
        [ -z "$ticket" ] || return 0
        sleep 0.1
    done
    return 1
}
pull_sendme() { # what, source, name in the ticket's collection
    rm -rf "$work/sm-b"; mkdir "$work/sm-b"
    measure "$1" sendme "$2" "$work/sm-b/$3" sh -c "cd $work/sm-b && exec $sendme receive $ticket --relay disabled"
    rm -rf "$work/sm-b"
}

# ---- the parts
size=$(stat -c %s "$file"); name=$(basename "$file"); limit_now=3600
cat "$file" >/dev/null
mkdir -p "$work/data"; link_file "$file" "$work/data/base.jsonl"
head -c "$small" "$file" | sed '$d' >"$work/data/small.jsonl"; small_size=$(stat -c %s "$work/data/small.jsonl")
index() { "$bin" --home "$work/source" -q registry index "$1" --name "$2" >/dev/null; }
index_base() { [ -e "$work/base-is-in" ] || { index "$file" base; touch "$work/base-is-in"; }; }
echo "$("$bin" --version) ($(sha256sum <"$bin" | cut -c1-12)); $(rsync --version | sed -n '1s/  */ /gp'); $(nginx -v 2>&1); $(curl --version | head -n 1 | cut -d' ' -f1,2); $(syncthing --version 2>/dev/null | cut -d' ' -f1,2); $([ -x "$sendme" ] && "$sendme" --version || echo 'no sendme')"
echo "$(nproc) cores ($(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)), kernel $(uname -r), TCP $tcp, $name of $size bytes, $rounds round(s)"

loopback() {
    spaces one
    index_base; serve_alimentar "$work/source"; serve_rsync "$work/data"; serve_nginx "$work/data"; reachable
    local with_st=yes with_sm=yes round
    syncthing_up "$file" || { with_st=no; echo "syncthing: did not start, left out"; }
    if [ ! -x "$sendme" ]; then with_sm=no; echo "sendme: not there ($sendme), left out"
    elif ! sendme_up "$file"; then with_sm=no; echo "sendme: gave no ticket, left out"; tail -n 3 "$work/sendme.log"; fi
    for ((round = 1; round <= rounds; round++)); do
        echo "round $round: others use $(busy)"
        pull_alimentar loopback "$file" base
        pull_rsync loopback "$file" base.jsonl
        pull_alimentar_o loopback "$file" base
        pull_curl loopback "$file" base.jsonl
        pull_rsync_zstd loopback "$file" base.jsonl
        [ $with_st = no ] || pull_syncthing loopback "$file"
        [ $with_sm = no ] || pull_sendme loopback "$file" "$name"
    done
    stop; rm -rf "$work/st-data" "$work/sm-a"
    table loopback "$size"
}
shaped() {
    local round
    spaces two; link_up 0.15 0
    index_base; serve_alimentar "$work/source"; serve_rsync "$work/data"; serve_nginx "$work/data"; reachable
    for ((round = 1; round <= rounds; round++)); do
        echo "round $round: others use $(busy)"
        pull_alimentar shaped "$file" base
        pull_rsync shaped "$file" base.jsonl
        pull_alimentar_o shaped "$file" base
        pull_curl shaped "$file" base.jsonl
        pull_rsync_zstd shaped "$file" base.jsonl
    done
    stop; link_down; table shaped "$size"
}
deltas() {
    local round later v
    spaces two; index_base
    for later in "$deltas"/*; do
        [ -f "$later" ] || continue
        v=$(basename "$later" .jsonl); index "$later" "$v"; link_file "$later" "$work/data/$v.jsonl"; cat "$later" >/dev/null
    done
    link_up 0.15 0
    serve_alimentar "$work/source"; serve_rsync "$work/data"; serve_nginx "$work/data"; reachable
    for ((round = 1; round <= rounds; round++)); do
        echo "round $round: others use $(busy)"
        rm -rf "$work/has-base"; kind="first pull"
        measure "first pull" alimentar "$file" "home=$work/has-base:base" "$bin" --home "$work/has-base" -q registry pull base --peer $host:8765 --accept-unsigned
        pull_rsync "first pull" "$file" base.jsonl
        pull_rsync_zstd "first pull" "$file" base.jsonl
        for later in "$deltas"/*; do
            [ -f "$later" ] || continue
            v=$(basename "$later" .jsonl); kind="later version"
            rm -rf "$work/home"; cp -r "$work/has-base" "$work/home"; rm -f "$work/home/node.sock"
            measure "$v" alimentar "$later" "home=$work/home:$v" "$bin" --home "$work/home" -q registry pull "$v" --peer $host:8765 --accept-unsigned
            rm -rf "$work/home"
            cp "$file" "$work/$v.jsonl"
            measure "$v" rsync "$later" "$work/$v.jsonl" rsync --ignore-times --no-whole-file --inplace "rsync://$host:8873/data/$v.jsonl" "$work/$v.jsonl"
            cp "$file" "$work/$v.jsonl"
            measure "$v" "rsync zstd" "$later" "$work/$v.jsonl" rsync --ignore-times --no-whole-file --inplace "${zstd[@]}" "rsync://$host:8873/data/$v.jsonl" "$work/$v.jsonl"
            cp "$file" "$work/$v.jsonl" # in place, rsync cannot use what it has overwritten: what moved back goes over again
            measure "$v" "rsync, not in place" "$later" "$work/$v.jsonl" rsync --ignore-times --no-whole-file "rsync://$host:8873/data/$v.jsonl" "$work/$v.jsonl"
            cp "$file" "$work/$v.jsonl"
            measure "$v" "rsync zstd, not in place" "$later" "$work/$v.jsonl" rsync --ignore-times --no-whole-file "${zstd[@]}" "rsync://$host:8873/data/$v.jsonl" "$work/$v.jsonl"
            rm -f "$work/$v.jsonl"
        done
    done
    stop; link_down; rm -rf "$work/has-base"; kind=
    table "first pull" "$size"
    for later in "$deltas"/*; do
        [ -f "$later" ] || continue
        table "$(basename "$later" .jsonl)" "$(stat -c %s "$later")"
    done
}
crowd() { # label, how many to stop, after how many seconds (or 0)
    local i start end pid good=0 bad=0 cut=$2 held=0 late=0
    rm -rf "$work/crowd"; mkdir "$work/crowd"
    serve_alimentar "$work/small-source"; sync
    local here=()
    start=$(now)
    for ((i = 0; i < clients; i++)); do
        (
            rc=0 # the pull's own process id is that of this shell, for the signals
            "$BASH" -c 'echo $$ >"$1"; shift; exec "$@"' _ "$work/crowd/$i.pid" ip netns exec "$b" \
                "$bin" --home "$work/crowd/$i" -q registry pull small --peer $host:8765 --accept-unsigned >"$work/crowd/$i.log" 2>&1 || rc=$?
            echo "$rc ${EPOCHREALTIME/,/.}" >"$work/crowd/$i.end"
        ) &
        here+=($!)
    done
    if [ "$cut" -gt 0 ]; then
        sleep "$3"
        for ((i = 0; i < cut; i++)); do
            [ ! -e "$work/crowd/$i.end" ] || continue
            kill -STOP "$(cat "$work/crowd/$i.pid")" 2>/dev/null && { held=$((held + 1)); } || true
        done
    fi
    for ((i = cut; i < clients; i++)); do wait "${here[i]}" || true; done
    for ((i = cut; i < clients; i++)); do tail -n 1 "$work/crowd/$i.end"; done | sort -k2 -n >"$work/crowd/ends"
    echo "$1: the $((clients - cut)) that run on: $(awk -v s="$start" '{ t[NR] = $2 - s } END { printf "first done %.1f s, half %.1f s, last %.1f s", t[1], t[int((NR + 1) / 2)], t[NR] }' "$work/crowd/ends"), exits: $(cut -d' ' -f1 "$work/crowd/ends" | sort | uniq -c | awk '{ printf "%s times %s  ", $1, $2 }')"
    echo "$1: server's $(awk '/VmHWM/ { printf "VmHWM %.1f MB", $2 / 1000 }' "/proc/$server/status"), threads $(awk '/Threads/ { print $2 }' "/proc/$server/status"), CPU $(awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%.1f s", ($12 + $13) / hz }' "/proc/$server/stat")"
    last=$(awk -v s="$start" 'END { print $2 - s }' "$work/crowd/ends")
    if [ "$cut" -gt 0 ]; then
        end=$(now); echo "$1: $held were stopped in the middle, $3 s after the start"
        for ((i = 0; i < cut; i++)); do kill -CONT "$(cat "$work/crowd/$i.pid")" 2>/dev/null || true; done
        for ((i = 0; i < cut; i++)); do wait "${here[i]}" || true; done
        echo "$1: let go again, they end $(minus "$(now)" "$end") s later, exits: $(for ((i = 0; i < cut; i++)); do cut -d' ' -f1 "$work/crowd/$i.end"; done | sort | uniq -c | awk '{ printf "%s times %s  ", $1, $2 }')"
    fi
    for ((i = 0; i < clients; i++)); do
        if same "home=$work/crowd/$i:small" "$work/data/small.jsonl"; then good=$((good + 1)); else
            bad=$((bad + 1)); [ $bad -gt 3 ] || note "memory, client $i: $(tail -n 3 "$work/crowd/$i.log" | tr '\n' ' ')"; fi
    done
    echo "$1: complete and equal to the source at the end: $good of $clients"
    rm -f "$work"/crowd/*.pid; stop; rm -rf "$work/crowd"
}
small_source() { [ -e "$work/small-source" ] || "$bin" --home "$work/small-source" -q registry index "$work/data/small.jsonl" --name small >/dev/null; }
memory() {
    spaces one; small_source
    echo "others use $(busy)"
    crowd "$clients clients" 0 0
    # Stopped after a third of the time: late enough to be served, too early to be done.
    crowd "$clients clients, $stopped stopped" "$stopped" "$(awk -v t="$last" 'BEGIN { printf "%.1f", t / 3 }')"
    echo
}
loss() {
    local round case delay percent
    spaces two; small_source; limit_now=$limit
    for case in "0.15 0" "0.15 1" "0.15 5" "0.15 10" "100 0"; do
        read -r delay percent <<<"$case"
        LINK=${LINK:-$(netem || echo wire)} link_up "$delay" "$percent" # the row without loss on the same kind of link
        serve_alimentar "$work/small-source"; serve_rsync "$work/data"; serve_nginx "$work/data"; reachable
        for ((round = 1; round <= rounds; round++)); do
            pull_alimentar "$delay ms, loss $percent %" "$work/data/small.jsonl" small
            pull_rsync "$delay ms, loss $percent %" "$work/data/small.jsonl" small.jsonl
            pull_rsync_zstd "$delay ms, loss $percent %" "$work/data/small.jsonl" small.jsonl
            pull_curl "$delay ms, loss $percent %" "$work/data/small.jsonl" small.jsonl
        done
        stop; link_down; table "$delay ms, loss $percent %" "$small_size"
    done
    limit_now=3600
}
for part in $parts; do
    echo "== $part ($(date -u +%H:%M:%S), others use $(busy))"
    $part
done
echo "== commands (in the receiver's namespace; WORK is the work directory)"
sed "s#$work#WORK#g; s#receive blob[a-z0-9]*#receive TICKET#" "$work/commands" 2>/dev/null | awk -F'\t' '!seen[$1 FS $2]++ { printf "%s, %s: %s\n", $1, $2, $3 }' || true
echo "served by: alimentar --home HOME registry serve --port 8765 --bind ADDR --no-mdns --share-unsigned; rsync --daemon; nginx, sendfile on"
if [ -s "$work/notes" ]; then echo "== what went wrong"; sed "s#$work#WORK#g" "$work/notes" | sort | uniq -c | sort -rn | cut -c1-600; fi
