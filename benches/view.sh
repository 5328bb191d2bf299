#!/bin/sh
# The viewer at a pseudo-terminal, beside csvlens and visidata where they are installed: time to the first
# screen, time from key to paint while a scan runs, memory.
#
# usage: benches/view.sh [SIZE_MB]      (default 1000)
# needs: a release build (or ALIMENTAR=PROGRAM), python3; csvlens and visidata (vd) are optional
set -eu

size_mb=${1:-1000}
root=$(cd "$(dirname "$0")/.." && pwd)
program=${ALIMENTAR:-$root/target/release/alimentar}
[ -x "$program" ] || { echo "build it first: cargo build --release" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 - "$work" "$size_mb" <<'PY'
import random, sys
work, size = sys.argv[1], int(sys.argv[2]) * 1_000_000
random.seed(1)
words = ["data", "model", "token", "row", "learn", "graph", "quantum", "river", "stone", "light"]
block = []
n = 0
with open(f"{work}/rows.csv", "w") as f:
    f.write("id,score,text\n")
    while f.tell() < size:
        lines = []
        for _ in range(5000):
            text = " ".join(random.choices(words, k=12))
            lines.append(f"{n},{n * 37 % 1000},{text}\n")
            n += 1
        f.write("".join(lines))
PY

python3 - "$program" "$work" <<'PY'
import fcntl, os, pty, select, shutil, signal, struct, sys, termios, time

program, work = sys.argv[1], sys.argv[2]
data = f"{work}/rows.csv"


def start(words):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execvp(words[0], words)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    return pid, fd


def read_until(fd, wanted, seconds):
    """Seconds until the output has the wanted bytes; None if it has not."""
    began, seen = time.perf_counter(), b""
    while time.perf_counter() - began < seconds:
        if select.select([fd], [], [], 0.001)[0]:
            try:
                seen += os.read(fd, 1 << 16)
            except OSError:
                return None
            if wanted in seen:
                return time.perf_counter() - began
    return None


def drain(fd, seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        if select.select([fd], [], [], 0.01)[0]:
            os.read(fd, 1 << 16)


def memory_mb(pid):
    with open(f"/proc/{pid}/status") as f:
        parts = {line.split(":")[0]: line.split()[1] for line in f if line.split(":")[0] in ("RssAnon", "VmHWM")}
    return int(parts["RssAnon"]) / 1000


def stop(pid, fd):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(fd)


def first_screen(name, words, times=5):
    found = []
    for _ in range(times):
        pid, fd = start(words)
        seconds = read_until(fd, b"quantum", 120)
        memory = memory_mb(pid) if seconds is not None else 0
        stop(pid, fd)
        if seconds is None:
            print(f"{name:<10} no first screen in 120 s")
            return
        found.append(seconds)
    found.sort()
    print(f"{name:<10} first screen {found[len(found) // 2] * 1000:8.1f} ms   own memory {memory:7.1f} MB")


def key_to_paint(name, words, scan, down, quiet=0.5):
    pid, fd = start(words)
    if read_until(fd, b"quantum", 120) is None:
        stop(pid, fd)
        return
    drain(fd, quiet)
    os.write(fd, scan)
    times = []
    for n in range(300):
        began = time.perf_counter()
        os.write(fd, down)
        if read_until(fd, b"\x1b[", 5) is None:
            break
        times.append(time.perf_counter() - began)
        drain(fd, 0.004)
    memory = memory_mb(pid)
    stop(pid, fd)
    times.sort()
    if times:
        p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        print(f"{name:<10} key to paint during a scan: p50 {p50 * 1000:6.1f} ms  p99 {p99 * 1000:6.1f} ms   own memory {memory:7.1f} MB")


size = os.path.getsize(data) / 1e6
print(f"{size:.0f} MB of CSV, {os.cpu_count()} cores")
own = [program, "--home", f"{work}/home", "view", data]
first_screen("alimentar", own)
key_to_paint("alimentar", own, b"/zzzz\r", b"j")
if shutil.which("csvlens"):
    first_screen("csvlens", ["csvlens", data])
    key_to_paint("csvlens", ["csvlens", data], b"/zzzz\r", b"j")
if shutil.which("vd"):
    first_screen("visidata", ["vd", data])
PY
