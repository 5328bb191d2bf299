#!/bin/sh
# The viewer at a pseudo-terminal, beside csvlens and visidata: time to the first
# screen and to the last row, time from key to paint while a scan runs, memory; and the first screen and memory of a
# file of 50 GB with holes.
#
# usage: benches/view.sh [SIZE_MB]      (default 1000)
# needs: a release build (or ALIMENTAR=PROGRAM), python3
# csvlens is the one in PATH, or else installed under target/view-tools by `cargo install`, once, which takes
# minutes; CSVLENS=none leaves it out. visidata (vd) is measured if it is in PATH: `pip install visidata`.
set -eu

size_mb=${1:-1000}
csvlens_version=0.15.1
root=$(cd "$(dirname "$0")/.." && pwd)
program=${ALIMENTAR:-$root/target/release/alimentar}
[ -x "$program" ] || { echo "build it first: cargo build --release" >&2; exit 1; }
tools=$root/target/view-tools
PATH=$PATH:$tools/bin
if [ "${CSVLENS:-}" != none ] && ! command -v csvlens >/dev/null; then
    # Without the clipboard, which needs libraries of the desktop and takes no part here.
    CARGO_TARGET_DIR=$tools/build cargo install csvlens --version "$csvlens_version" --locked \
        --no-default-features --features cli --root "$tools" --quiet ||
        echo "csvlens cannot be installed here, so it is not measured" >&2
    rm -rf "$tools/build"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 - "$work" "$size_mb" <<'PY'
import random, sys
work, size = sys.argv[1], int(sys.argv[2]) * 1_000_000
random.seed(1)
words = ["data", "model", "token", "row", "learn", "graph", "quantum", "river", "stone", "light"]
# 50 MB of rows, repeated: the content does not matter, and making it takes no minutes.
block, n = [], 0
while n < 500_000:
    block.append(f"{n},{n * 37 % 1000}," + " ".join(random.choices(words, k=14)) + "\n")
    n += 1
block = "".join(block).encode()
with open(f"{work}/rows.csv", "wb") as f:
    f.write(b"id,score,text\n")
    while f.tell() < size:
        f.write(block)
    f.write(b"0,0,THE-LAST-ROW\n")
# Rows of 8 MB of which the disk holds the beginnings.
with open(f"{work}/holes.csv", "wb") as f:
    f.write(b"id,score,text\n")
    for n in range(6250):
        f.seek(n * 8_000_000 + 14)
        f.write(b"\n" * (n > 0) + b"%d,%d,quantum" % (n, n))
    f.truncate(50_000_000_000)
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


def last_row(name, words, key):
    pid, fd = start(words)
    if read_until(fd, b"quantum", 120) is not None:
        drain(fd, 0.05)
        os.write(fd, key)
        seconds = read_until(fd, b"THE-LAST-ROW", 120)
        shown = f"{seconds * 1000:8.1f} ms" if seconds is not None else "not in 120 s"
        print(f"{name:<10} last row, asked for at once {shown}   own memory {memory_mb(pid):7.1f} MB")
    stop(pid, fd)


def key_to_paint(name, words, scan, down, painted):
    """Time from a key to the drawing that has `painted`, which only the move of the cursor writes."""
    pid, fd = start(words)
    if read_until(fd, b"quantum", 120) is None:
        stop(pid, fd)
        return
    drain(fd, 0.5)
    os.write(fd, scan)
    drain(fd, 0.05)
    times, most = [], 0
    for n in range(400):
        began = time.perf_counter()
        os.write(fd, down)
        seconds = read_until(fd, painted, 5)
        if seconds is None:
            break
        times.append(seconds)
        most = max(most, memory_mb(pid))
        drain(fd, 0.004)
    stop(pid, fd)
    times.sort()
    if times:
        p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        print(f"{name:<10} key to paint during a scan: p50 {p50 * 1000:6.1f} ms  p99 {p99 * 1000:6.1f} ms  "
              f"of {len(times)} keys   own memory {most:7.1f} MB")


def with_holes(name, words):
    """First screen of the file with holes, and memory while it is counted and searched."""
    pid, fd = start(words)
    seconds = read_until(fd, b"quantum", 120)
    if seconds is None:
        print(f"{name:<10} 50 GB with holes: no first screen in 120 s")
        return stop(pid, fd)
    os.write(fd, b"/zzzz\r")
    most = 0
    for n in range(50):
        drain(fd, 0.2)
        most = max(most, memory_mb(pid))
    stop(pid, fd)
    print(f"{name:<10} 50 GB with holes: first screen {seconds * 1000:8.1f} ms   own memory {most:7.1f} MB at most in 10 s")


size = os.path.getsize(data) / 1e6
print(f"{size:.0f} MB of CSV, {os.cpu_count()} cores")
own = [program, "--home", f"{work}/home", "view", data]
first_screen("alimentar", own)
last_row("alimentar", own, b"G")
key_to_paint("alimentar", own, b"/zzzz\r", b"j", b"\x1b[7m")
with_holes("alimentar", [program, "--home", f"{work}/home", "view", f"{work}/holes.csv"])
if os.environ.get("CSVLENS") != "none" and shutil.which("csvlens"):
    first_screen("csvlens", ["csvlens", data])
    last_row("csvlens", ["csvlens", data], b"G")
    key_to_paint("csvlens", ["csvlens", data], b"/zzzz\r", b"j", b"\x1b[")
    with_holes("csvlens", ["csvlens", f"{work}/holes.csv"])
if shutil.which("vd"):
    first_screen("visidata", ["vd", data])
    last_row("visidata", ["vd", data], b"G")
    key_to_paint("visidata", ["vd", data], b"g/zzzz\r", b"j", b"\x1b[")
PY
