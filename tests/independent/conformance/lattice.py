"""Types of fields of CSV, by `spec/rows.md` alone: what the columns of a file with types must be."""

import datetime
import re
from decimal import Decimal

from values import exact

BOOLEANS = {"true", "True", "TRUE", "false", "False", "FALSE"}
INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d*)", re.ASCII)
NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
NOT_FINITE = re.compile(r"[+-]?(?:nan|NaN|Nan|NAN|inf|Inf|INF|infinity|Infinity|INFINITY)")
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z?))?", re.ASCII)


def is_moment(found):
    try:
        datetime.date.fromisoformat(found[1])
        if found[2]:
            datetime.time.fromisoformat(found[2])
    except ValueError:
        return found[1].startswith("0000")
    return True


def is_double(text):
    """Whether a number is written by the same digits again as a double."""
    value = exact(text)
    return isinstance(value, Decimal) and Decimal(repr(float(value))) == value


def least(cells):
    """The least type that keeps every value of a column, as Arrow names it."""
    full = [cell for cell in cells if cell != ""]
    if not full:
        return "Utf8"
    if all(cell in BOOLEANS for cell in full):
        return "Boolean"
    if all(INTEGER.fullmatch(cell) and cell != "-0" for cell in full):
        numbers = list(map(int, full))
        if min(numbers) >= -(2**63) and max(numbers) < 2**63:
            return "Int64"
        return "UInt64" if min(numbers) >= 0 and max(numbers) < 2**64 else "Utf8"
    numbers = [cell for cell in full if NUMBER.fullmatch(cell)]
    if numbers and len(numbers) + sum(bool(NOT_FINITE.fullmatch(cell)) for cell in full) == len(full):
        whole = [int(cell) for cell in numbers if INTEGER.fullmatch(cell)]
        fits = all(abs(n) <= 2**53 for n in whole) and all(map(is_double, numbers))
        return "Float64" if fits else "Utf8"
    moments = [MOMENT.fullmatch(cell) for cell in full]
    if all(found and is_moment(found) for found in moments):
        if not any(found[2] for found in moments):
            return "Date32"
        # All with a zone, or all without one.
        if all(found[2] for found in moments) and len({found[3] for found in moments}) == 1:
            return "Timestamp"
    return "Utf8"
