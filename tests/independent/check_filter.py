"""Makes the filters of spec/vectors/filter.txt anew, written from spec/filter.md and not from the
code; BLAKE3 is PyPI's `blake3`.

usage: check_filter.py FILTER.TXT
"""

import sys
from math import comb

from blake3 import blake3

FINGERPRINTS = 2266
MASK = 0xFFFFFFFF
BUCKETS_MAX = ((4 << 20) - 10) // 5


def spread(x):
    return x * 0x9E3779B1 & MASK


def reduce(x, m):
    return x * m >> 32


def other(bucket, fingerprint, n):
    return (reduce(spread(fingerprint), n) - bucket) % n


def home(key, g, n):
    x = key ^ spread(g)
    x = (x ^ x >> 16) * 0x85EBCA6B & MASK
    x = (x ^ x >> 13) * 0xC2B2AE35 & MASK
    x ^= x >> 16
    fingerprint = 1 + reduce(spread(x), FINGERPRINTS)
    first = reduce(x, n)
    return fingerprint, first, other(first, fingerprint, n)


def place(keys, g, n):
    buckets = [[0] * 4 for _ in range(n)]
    for key in keys:
        fingerprint, first, second = home(key, g, n)
        if fingerprint in buckets[first] or fingerprint in buckets[second]:
            continue
        came = {first: None, second: None}
        queue = list(came)
        for bucket in queue:
            if 0 in buckets[bucket]:
                break
            for slot, held in enumerate(buckets[bucket]):
                to = other(bucket, held, n)
                if to not in came and len(queue) < 4096:
                    came[to] = (bucket, slot)
                    queue.append(to)
        else:
            return None
        free = buckets[bucket].index(0)
        while came[bucket]:
            before, slot = came[bucket]
            buckets[bucket][free] = buckets[before][slot]
            bucket, free = before, slot
        buckets[bucket][free] = fingerprint
    return buckets


def number(bucket):
    members = sorted(f for f in bucket if f)
    smaller = sum(comb(FINGERPRINTS, k) for k in range(len(members)))
    return smaller + sum(comb(f - 1, j) for j, f in enumerate(members, 1))


def varint(n):
    out = b""
    while n >= 128:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def encode(ids):
    ids = set(ids)
    keys = sorted({int.from_bytes(i[:4], "little") for i in ids})
    n = -(-25 * len(ids) // 98)
    for g in range(33):
        n += (1 + n * g // 256) if g else 0
        if n > BUCKETS_MAX:
            break
        buckets = place(keys, g, n)
        if buckets is not None:
            body = b"".join(number(b).to_bytes(5, "little") for b in buckets)
            return bytes([1]) + varint(len(ids)) + bytes([g]) + body, g
    return bytes([1]) + varint(len(ids)) + bytes([255]), 255


def main():
    checked, grown = 0, 0
    for line in open(sys.argv[1], encoding="ascii"):
        if line.startswith("#"):
            continue
        name, value = line.split()
        kind, count = name.split("-")
        ids = [blake3(str(n).encode()).digest() for n in range(int(count))]
        found, growth = encode(ids)
        if kind == "digest":
            found = blake3(found).digest()[:8]
        assert found.hex() == value, name
        checked, grown = checked + 1, grown + (growth > 0)
    assert checked > 8 and grown > 0, (checked, grown)
    print(f"{checked} filters agree, {grown} of them grown")


main()
