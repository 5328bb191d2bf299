#!/usr/bin/env python3
"""Packs a published vocabulary into the form that the program contains.

usage: contrib/pack_vocabulary.py cl100k_base.tiktoken src/inspect/tokens/cl100k_base.merges.gz

The published file has a line for each token: its bytes in base64 and its rank. A token of several bytes is the
merge of two tokens of lower rank, which the file does not say; they are found here by encoding the bytes of the
token with all lower ranks. The packed form is gzip of:

- 256 bytes: the tokens of one byte, in the order of ranks;
- for each other token, in the order of ranks: the ranks of the two tokens that it is merged from. They stand
  as six columns: the low, middle and high byte of all left ranks, then the same of all right ranks.
"""

import base64
import gzip
import sys


def parts_of(token, rank, ranks):
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        merges = [(ranks.get(a + b, rank), i) for i, (a, b) in enumerate(zip(parts, parts[1:]))]
        lowest, at = min(merges)
        assert lowest < rank, token
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return ranks[parts[0]], ranks[parts[1]]


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="ascii") as file:
        lines = [line.split() for line in file]
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    tokens = list(ranks)
    assert [ranks[token] for token in tokens] == list(range(len(tokens)))
    assert all((len(token) == 1) == (rank < 256) for token, rank in ranks.items())
    merges = [parts_of(token, rank, ranks) for token, rank in ranks.items() if rank >= 256]
    assert all(left < rank and right < rank for rank, (left, right) in enumerate(merges, 256))
    packed = b"".join(tokens[:256])
    for side in (0, 1):
        for shift in (0, 8, 16):
            packed += bytes(merge[side] >> shift & 255 for merge in merges)
    with open(target, "wb") as file:
        file.write(gzip.compress(packed, 9, mtime=0))


main()
