"""Verifies a DSSE envelope with securesystemslib, and the files it names with hashlib.

usage: check_dsse.py ENVELOPE.JSON PUBLICKEY DIRECTORY
"""

import hashlib
import json
import pathlib
import sys

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

raw = json.loads(pathlib.Path(sys.argv[1]).read_text())
public, directory = sys.argv[2], pathlib.Path(sys.argv[3])
# The library reads DSSE's fields, and calls the two of a signature by its own names.
envelope = Envelope.from_dict(raw)
key = SSlibKey(public, "ed25519", "ed25519", {"public": public})
assert envelope.verify([key], 1)
assert envelope.payload_type == "application/vnd.in-toto+json"
statement = json.loads(envelope.payload)
assert statement["_type"] == "https://in-toto.io/Statement/v1"
assert statement["subject"]
for subject in statement["subject"]:
    data = (directory / subject["name"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == subject["digest"]["sha256"], subject["name"]
envelope.payload += b" "
try:
    envelope.verify([key], 1)
    raise SystemExit("a changed payload verifies")
except VerificationError:
    print("the DSSE envelope and", len(statement["subject"]), "file(s) agree")
