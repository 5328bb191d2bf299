"""Validates a Croissant description with mlcroissant, and reads the rows that it describes.

usage: check_croissant.py CROISSANT.JSON RECORD-SET ROWS
"""

import sys

import mlcroissant as mlc

dataset = mlc.Dataset(jsonld=sys.argv[1])
assert not dataset.metadata.issues.errors, dataset.metadata.issues.report()
rows = sum(1 for _ in dataset.records(record_set=sys.argv[2]))
assert rows == int(sys.argv[3]), rows
print("mlcroissant accepts the description and reads", rows, "rows")
