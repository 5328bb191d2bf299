"""Reads spec/vectors/signing.json and a key file made by the program, with PyPI's `cryptography`
and `argon2-cffi` alone: written from spec/signing.md and spec/key-file.md, not from the code.

usage: check_signing.py SIGNING.JSON [KEYFILE PASSPHRASE PUBLICKEY]
"""

import base64
import json
import struct
import sys

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HEADER_BYTES = 78


def encoding(domain, body):
    name = domain.encode("ascii")
    return bytes([len(name)]) + name + struct.pack("<Q", len(body)) + body


def holds(domain, body, signature):
    key, rest = signature[:32], signature[32:]
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(rest, encoding(domain, body))
        return True
    except (InvalidSignature, ValueError):
        return False


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def statement(data):
    assert data[:4] == b"ALS\x01"
    length, at = varint(data, 4)
    body, at = data[at : at + length], at + length
    count, at = data[at], at + 1
    signatures = [data[at + 96 * n : at + 96 * (n + 1)] for n in range(count)]
    assert at + 96 * count == len(data)
    said = json.loads(body)
    signers = [said["by"]] + ([said["to"]] if said["kind"] == "rotation" else [])
    assert [s[:32].hex() for s in signatures] == signers
    assert all(holds("alimentar/statement/1", body, s) for s in signatures)
    return said


def open_key(text, passphrase):
    lines = text.split()
    inside = text.split("KEY-----")[1].split("-----END")[0]
    assert lines[0] == "-----BEGIN"
    data = base64.b64decode("".join(inside.split()))
    header, sealed = data[:HEADER_BYTES], data[HEADER_BYTES : HEADER_BYTES + 48]
    assert len(data) == HEADER_BYTES + 48 + 8 and header[:4] == b"ALK\x01"
    kdf, memory, passes, lanes = struct.unpack_from("<BIII", header, 4)
    salt, cipher, nonce = header[17:33], header[33], header[34:46]
    assert (kdf, cipher) == (1, 1)
    key = hash_secret_raw(
        passphrase.encode(), salt, passes, memory, lanes, 32, Type.ID, version=0x13
    )
    seed = ChaCha20Poly1305(key).decrypt(nonce, sealed, header)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    assert public.public_bytes(Encoding.Raw, PublicFormat.Raw) == header[46:78]
    return header[46:78].hex(), seed.hex()


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        v = json.load(f)
    body = v["manifest"].encode()
    good = bytes.fromhex(v["signature"])
    assert holds("alimentar/manifest/1", body, good)
    assert json.loads(body)["signer"] == good[:32].hex() == v["public_key"]
    assert not holds("alimentar/statement/1", body, good)
    assert not holds("alimentar/manifest/1", body + b" ", good)
    for case in v["refused"]:
        signature = bytes.fromhex(case["signature"])
        key = int.from_bytes(signature[:32], "little") & ((1 << 255) - 1)
        lax = key >= 2**255 - 19 or "small order" in case["why"]
        # `cryptography` knows no strict verification: these two rules are left to the reader.
        assert lax or not holds("alimentar/manifest/1", body, signature), case["why"]
    assert statement(bytes.fromhex(v["withdrawal"]))["reason"] == "rows 5 to 9 are wrong"
    assert statement(bytes.fromhex(v["rotation"]))["to"] == v["second_public_key"]
    assert statement(bytes.fromhex(v["revocation"]))["manifests"] == ["08" * 32, "09" * 32]
    assert open_key(v["key_file"], v["passphrase"]) == (v["public_key"], v["seed"])
    try:
        open_key(v["key_file"], v["passphrase"] + "x")
        raise SystemExit("a wrong passphrase opened the key file")
    except InvalidTag:
        pass
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding="ascii") as f:
            public, _ = open_key(f.read(), sys.argv[3])
        assert public == sys.argv[4]
    print("signatures, statements and key files agree")


main()
