#!/usr/bin/env bash
# Nodes on a LAN of network namespaces: how soon what is published arrives, and how many requests
# filters save. Takes root and iproute2. Usage: benches/neighbours.sh [path of the program]
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:-target/release/alimentar}")
work=$(mktemp -d)
tag=lan$$
nodes=8
cleanup() {
    pkill -P $$ 2>/dev/null || true
    for n in hub $(seq $nodes); do ip netns del "$tag-$n" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT
ip netns add "$tag-hub"
ip -n "$tag-hub" link add br0 type bridge mcast_snooping 0
ip -n "$tag-hub" link set br0 up
for n in $(seq $nodes); do
    ip netns add "$tag-$n"
    ip -n "$tag-hub" link add "p$n" type veth peer name eth0 netns "$tag-$n"
    ip -n "$tag-hub" link set "p$n" master br0 up
    ip -n "$tag-$n" link set lo up
    ip -n "$tag-$n" addr add "10.78.0.$n/24" dev eth0
    ip -n "$tag-$n" link set eth0 up
done
export ALIMENTAR_PASSPHRASE=bench
python3 - "$program" "$work" "$tag" "$nodes" <<'PY'
import json, os, subprocess, sys, threading, time
program, work, tag, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])

def command(n, *words):
    return ["ip", "netns", "exec", f"{tag}-{n}", program, "--home", f"{work}/h{n}", "--json", *words]

def ask(n, *words):
    done = subprocess.run(command(n, *words), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{words}: {done.stderr}")
    return json.loads(done.stdout)

class Node:
    def __init__(self, n, *more):
        self.n, self.events = n, []
        self.child = subprocess.Popen(command(n, "registry", "serve", "-v", *more), stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
    def read(self):
        for line in self.child.stdout:
            self.events.append((time.monotonic(), json.loads(line)))
    def wait(self, event, times=1, patience=60):
        begun = time.monotonic()
        while True:
            found = [e for e in self.events if e[1]["event"] == event]
            if len(found) >= times:
                return found[times - 1]
            if time.monotonic() - begun > patience:
                raise SystemExit(f"node {self.n}: no {event}: {self.events}")
            time.sleep(0.002)
    def stop(self):
        self.child.terminate()
        self.child.wait()

def rows(path, count, seed):
    with open(path, "w") as out:
        for n in range(count):
            out.write(json.dumps({"n": n, "text": f"row {n} of {seed} " + "word " * (n % 90)}) + "\n")

os.makedirs(f"{work}/h1")
key = ask(1, "registry", "keygen", "--name", "lab")["public_key"]
for n in range(2, count + 1):
    os.makedirs(f"{work}/h{n}")
    ask(n, "registry", "trust", "add", "lab", key)

print("Three nodes, two of which follow the first:")
started = time.monotonic()
nodes = [Node(1)] + [Node(n, "--follow", "lab") for n in (2, 3)]
for node in nodes:
    node.wait("found", 2)
print(f"  each has found both others {max(n.wait('found', 2)[0] for n in nodes) - started:.2f} s after the start")
time.sleep(3)
times = []
for turn in range(10):
    rows(f"{work}/corpus.jsonl", 5000 + turn, "bench")
    ask(1, "registry", "index", f"{work}/corpus.jsonl", "--name", "corpus", "--sign")
    ended = time.monotonic()
    for node in nodes[1:]:
        times.append(node.wait("followed", turn + 1)[0] - ended)
    time.sleep(0.5)
times.sort()
print(f"  ten versions published: whole at both after {times[0]:.2f} s at best, {times[len(times) // 2]:.2f} s median, {times[-1]:.2f} s at worst")
for node in nodes:
    usage = open(f"/proc/{node.child.pid}/status").read()
    peak = [l for l in usage.splitlines() if l.startswith("VmHWM")][0].split()[1]
    print(f"  node {node.n}: {int(peak) // 1024} MB at most")
    node.stop()

print(f"{count - 1} nodes serve, one of them has the dataset; another one asks for it:")
for n in range(2, count):
    rows(f"{work}/own{n}.jsonl", 300, n)
wanted = ask(1, "registry", "list")["datasets"][0]["content_id"]
nodes = [Node(n, *(["--share-unsigned"] if n > 1 else [])) for n in range(1, count)]
for n in range(4, count):
    ask(n, "registry", "index", f"{work}/own{n}.jsonl", "--name", f"own{n}")
for node in nodes:
    node.wait("found", count - 2)
time.sleep(3)
def asked(words):
    before = [len(n.events) for n in nodes]
    done = ask(count, "registry", "pull", *words)
    time.sleep(0.5)
    own = done["sources"]
    requests = peers = 0
    for node, since in zip(nodes, before):
        mine = [e[1] for e in node.events[since:]]
        callers = {e["peer"] for e in mine if e["event"] == "connected"}
        answered = [e for e in mine if e["event"] == "answered" and e["peer"] == me and e["request"] in ("hello", "list")]
        peers += bool(answered)
        requests += len(answered)
    return peers, requests
me = ask(count, "registry", "node")["node_id"]
for n in (2, 3):
    pass
print("  by content id: {} peers were asked, {} requests to find it".format(*asked([wanted])))
name = "corpus"
ask(count, "registry", "unindex", wanted)
print("  by name:       {} peers were asked, {} requests to find it".format(*asked([name])))
for node in nodes:
    node.stop()
PY
