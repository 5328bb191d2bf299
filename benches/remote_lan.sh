#!/usr/bin/env bash
# A file at a peer and at a web server, over 1 Gbit/s between two network namespaces: first rows, a far row, a search of
# everything beside a pull and beside curl, taking in beside curl and an index of the local file.
# usage: benches/remote_lan.sh PROGRAM FILE    FILE is JSON Lines; needs root, ip, tc and nginx
set -euo pipefail
program=$(realpath "$1") file=$(realpath "$2")
tag=al$$ work=$(mktemp -d)
trap 'kill "$(cat "$work/pid")" "$node" 2>/dev/null; ip netns del "$tag" 2>/dev/null; ip link del "$tag" 2>/dev/null; rm -rf "$work"' EXIT
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
export ALIMENTAR_PASSPHRASE=pass
ip netns add "$tag"
ip link add "$tag" type veth peer name eth0 netns "$tag"
ip addr add 10.77.0.1/24 dev "$tag"
ip link set "$tag" up
ip -n "$tag" addr add 10.77.0.2/24 dev eth0
ip -n "$tag" link set eth0 up
tc qdisc add dev "$tag" root tbf rate 1gbit burst 1mb latency 20ms
cat >"$work/nginx.conf" <<CONF
user root; pid $work/pid; error_log $work/error.log; worker_processes 1; events {}
http { sendfile on; access_log off;
client_body_temp_path $work/a; proxy_temp_path $work/b; fastcgi_temp_path $work/c; uwsgi_temp_path $work/d; scgi_temp_path $work/e;
server { listen 10.77.0.1:18080; root $(dirname "$file"); } }
CONF
nginx -p "$work" -c "$work/nginx.conf"
url=http://10.77.0.1:18080/$(basename "$file")
mkdir -m 700 "$work/pub"
key=$("$program" --home "$work/pub" --json keygen --name publisher | sed -n 's/.*"public_key":"\([0-9a-f]*\)".*/\1/p')
"$program" --home "$work/pub" -q index "$file" --name rows --sign >/dev/null
"$program" --home "$work/pub" serve --bind 10.77.0.1 --port 18081 --no-mdns >/dev/null &
node=$!
sleep 2
fresh() { rm -rf "$work/own" && mkdir -m 700 "$work/own" && "$program" --home "$work/own" trust add publisher "$key" >/dev/null; }
there() { ip netns exec "$tag" "$@"; }
measure() {
    local task=$1
    shift
    /usr/bin/time -f '%e s, %U + %S s of processors, %M KiB' -o "$work/time" "$@" >/dev/null 2>"$work/said" || tail -n 1 "$work/said"
    printf '%-44s %s\n' "$task" "$(tail -n 1 "$work/time")"
    grep -E '^(peers|read from elsewhere):' "$work/said" | sed 's/^/    /' || true
}
ours() { measure "$1" ip netns exec "$tag" "$program" --home "$work/own" "${@:2}"; }
far=$(($(wc -l <"$file") * 4 / 5))
fresh
ours 'first 10 rows at a peer' -v inspect lines rows --peer 10.77.0.1:18081
fresh
ours "row $far at a peer" -v inspect lines rows --peer 10.77.0.1:18081 --start "$far"
for _ in 1 2 3; do
    fresh
    ours 'pull' pull rows --peer 10.77.0.1:18081
    fresh
    ours 'search --count of all of it at a peer' -v inspect search rows qqqq --count --peer 10.77.0.1:18081
done
ours 'pull after that' pull rows --peer 10.77.0.1:18081
for _ in 1 2 3; do
    measure 'curl to /dev/null' ip netns exec "$tag" curl -so /dev/null "$url"
    fresh
    ours 'search --count over HTTP' -v inspect search "$url" qqqq --count
    fresh
    ours 'taking in from HTTP' index "$url" --name taken
    fresh
    measure 'index of the local file' "$program" --home "$work/own" index "$file" --name local
done
