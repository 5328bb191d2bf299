"""The order of `spec/python-rows.md`, from that page alone."""

import hashlib

MASK = (1 << 64) - 1


def mix(word):
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & MASK
    return word ^ (word >> 31)


def shuffle(items, key):
    state = key
    for place in range(len(items) - 1, 0, -1):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        other = mix(state) * (place + 1) >> 64
        items[place], items[other] = items[other], items[place]


def order(rows, content, seed):
    if seed is None:
        return list(range(rows))
    digest = hashlib.sha256(b"alimentar rows 1\0" + seed.to_bytes(8, "little") + content).digest()
    of_blocks, of_groups = (int.from_bytes(digest[n : n + 8], "little") for n in (0, 8))
    blocks = list(range(-(-rows // 256)))
    shuffle(blocks, of_blocks)
    numbers = []
    for group in range(-(-len(blocks) // 16)):
        of_group = blocks[16 * group : 16 * group + 16]
        part = [n for block in of_group for n in range(256 * block, min(256 * block + 256, rows))]
        shuffle(part, mix(of_groups ^ mix(group)))
        numbers += part
    return numbers
