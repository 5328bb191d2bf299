"""Values of all formats in one form, and when two of them are the same.

Null is None; booleans, integers and texts are those of Python; numbers of JSON with a fraction or an exponent are
Decimal; doubles are float, narrower floats Narrow; objects are dict, or Pairs where a key comes twice; dates and times
are When. Refused stands where a row has no value that the format could have."""

import base64
import json
import math
import re
import sys
from decimal import Decimal
from decimal import InvalidOperation
from typing import NamedTuple

import numpy
import pyarrow as pa
import pyarrow.compute as pc

sys.set_int_max_str_digits(0)
sys.setrecursionlimit(5000)
DAY = 86_400_000_000_000
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


class When(NamedTuple):
    """A date, time, timestamp ("at" without a zone, "instant" with one) or duration, in nanoseconds."""

    kind: str
    ns: int


class Narrow(float):
    """A float of 16 or 32 bits. It is written with the digits that lead back to it among floats of its width."""

    width = numpy.float32


class Half(Narrow):
    width = numpy.float16


class Pairs(list):
    """An object in which a key comes twice."""


class Skipped:
    """A value that this program does not compare, for instance one of a union."""


def pairs(found):
    made = dict(found)
    return made if len(made) == len(found) else Pairs(found)


def exact(text):
    """A number with all its digits; the nearest double where its exponent is beyond those of decimal."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return float(text)


DECODER = json.JSONDecoder(object_pairs_hook=pairs, parse_float=exact)


def loads(text):
    """JSON as Python reads it, with exact numbers. NaN and Infinity are read."""
    return DECODER.decode(text)


def tagged(array):
    """The values of an Arrow array."""
    if isinstance(array, pa.ChunkedArray):
        return [value for chunk in array.chunks for value in tagged(chunk)]
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return tagged(array.storage)
    if pa.types.is_union(kind):
        return [Skipped] * len(array)
    if pa.types.is_dictionary(kind):
        return tagged(array.dictionary_decode())
    if pa.types.is_run_end_encoded(kind):
        return tagged(pc.run_end_decode(array))
    if pa.types.is_float16(kind):
        return [None if v is None else Half(v) for v in array.to_pylist()]
    if pa.types.is_float32(kind):
        return [None if v is None else Narrow(v) for v in array.to_pylist()]
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        return times(array, kind)
    if pa.types.is_struct(kind):
        fields = [tagged(array.field(n)) for n in range(kind.num_fields)]
        names = [kind.field(n).name for n in range(kind.num_fields)]
        made = [pairs(list(zip(names, row))) for row in zip(*fields)] if fields else [{}] * len(array)
        return masked(made, array)
    if pa.types.is_map(kind):
        items = list(zip(tagged(array.keys), tagged(array.items)))
        lists = [items[a:b] for a, b in spans(array)]
        if pa.types.is_string(kind.key_type) or pa.types.is_large_string(kind.key_type):
            return masked([pairs(found) for found in lists], array)
        names = kind.key_field.name, kind.item_field.name
        return masked([[dict(zip(names, item)) for item in found] for found in lists], array)
    if pa.types.is_fixed_size_list(kind):
        size, inner = kind.list_size, tagged(array.values)
        from_ = [(n + array.offset) * size for n in range(len(array))]
        return masked([inner[n : n + size] for n in from_], array)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = tagged(array.values)
        return masked([inner[a:b] for a, b in spans(array)], array)
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        inner = tagged(array.values)
        starts = zip(array.offsets.to_pylist(), array.sizes.to_pylist())
        return masked([inner[a : a + n] for a, n in starts], array)
    return array.to_pylist()


def spans(array):
    offsets = array.offsets.to_pylist()
    return zip(offsets, offsets[1:])


def masked(values, array):
    if not array.null_count:
        return values
    return [v if valid else None for v, valid in zip(values, array.is_valid().to_pylist())]


def times(array, kind):
    if pa.types.is_date32(kind):
        name, factor, whole = "date", DAY, pa.int32()
    elif pa.types.is_date64(kind):
        name, factor, whole = "date", 10**6, pa.int64()
    else:
        factor, whole = UNITS[kind.unit], pa.int32() if pa.types.is_time32(kind) else pa.int64()
        if pa.types.is_timestamp(kind):
            name = "instant" if kind.tz else "at"
        else:
            name = "duration" if pa.types.is_duration(kind) else "time"
    return [None if v is None else When(name, v * factor) for v in array.cast(whole).to_pylist()]


STAMP = re.compile(r"([+-]?\d{4,})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?)?")
CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d+))?")
SPAN = re.compile(r"(-?)P(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?\d+)(?:\.(\d+))?S)?)?")


def days(year, month, day):
    """Days from 1970-01-01 in the proleptic Gregorian calendar."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def parsed(text):
    """What date or time a text is, or None."""
    if found := STAMP.fullmatch(text):
        date = days(*map(int, found.groups()[:3])) * DAY
        if found[4] is None:
            return When("date", date)
        ns = date + clock(found[4], found[5], found[6], found[7])
        if found[8] and found[8] != "Z":
            return None
        return When("instant" if found[8] else "at", ns)
    if found := CLOCK.fullmatch(text):
        return When("time", clock(*found.groups()))
    if (found := SPAN.fullmatch(text)) and text not in ("P", "-P"):
        sign, whole_days, hours, minutes, seconds, fraction = found.groups()
        ns = int(whole_days or 0) * DAY + clock(hours or 0, minutes or 0, seconds or 0, fraction)
        return When("duration", -ns if sign else ns)
    return None


def clock(hours, minutes, seconds, fraction):
    ns = int((fraction or "").ljust(9, "0")[:9])
    return (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 10**9 + ns


NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|nan|inf(?:inity)?)", re.IGNORECASE | re.ASCII)


def number(text):
    return exact(text) if NUMBER.fullmatch(text) else None


def is_finite(value):
    return value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)


def same_number(a, b):
    """`a` is what it was, `b` what was written."""
    if isinstance(a, float) or isinstance(b, float):
        if isinstance(a, float) and math.isnan(a):
            return isinstance(b, float | Decimal) and math.isnan(b)
        if isinstance(a, Narrow) and not isinstance(b, float):
            return float(a.width(float(b))) == float(a)
        if isinstance(b, float) and isinstance(a, int | Decimal):
            # A double is right for a number if it is written with the same digits again.
            return a == b or (math.isfinite(b) and Decimal(repr(b)) == a)
        return float(a) == float(b)
    return a == b


def is_number(value):
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def same(a, b):
    """Whether `b`, from a file that was written, is the value `a` that was read: a value of JSON, of CSV (a text), or of
    a column."""
    if a is Skipped:
        return True
    if a is None or isinstance(a, bool):
        return a is b
    if is_number(a):
        if is_number(b):
            return same_number(a, b)
        # Where JSON was asked to have texts for numbers that are none.
        return isinstance(b, str) and isinstance(a, float) and not math.isfinite(a) and same_number(a, float(b))
    if isinstance(a, str):
        return a == b
    if isinstance(a, bytes):
        return b == a or (isinstance(b, str) and b == base64.b64encode(a).decode())
    if isinstance(a, When):
        found = parsed(b) if isinstance(b, str) else b
        # A date of 64 bits may be written with the time 00:00:00.
        return a == found or (a.kind == "date" and found == When("at", a.ns))
    if isinstance(a, Pairs):
        if isinstance(b, dict):
            b = list(b.items())
        return isinstance(b, Pairs | list) and len(a) == len(b) and all(
            k == l and same(v, w) for (k, v), (l, w) in zip(a, b)
        )
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, tuple):  # An interval of months, days and nanoseconds: how it is written is the library's.
        return isinstance(b, tuple | str)
    raise TypeError(type(a))


def same_cell(a, b):
    """The same, where `b` is a field of CSV or a column that was made from rows: null is empty, what is nested is
    JSON."""
    if a is None or a is Skipped:
        return b is None or b == "" or a is Skipped
    if not isinstance(b, str):
        return same(a, b) or (isinstance(a, str) and same_text(a, b))
    if isinstance(a, str):
        return a == b
    if isinstance(a, bool):
        return b == ("true" if a else "false")
    if is_number(a):
        made = number(b)
        return made is not None and same_number(a, made if is_finite(made) else float(made))
    if isinstance(a, dict | list):
        try:
            return same(a, loads(b))
        except ValueError:
            return False
    return same(a, b)


def same_text(a, b):
    """Whether the text `a` of a field was rightly taken for the typed value `b`."""
    if b is None:
        return a == ""
    text = a.strip()
    if isinstance(b, bool):
        return text.lower() == ("true" if b else "false")
    if isinstance(b, When):
        found = parsed(text)
        return found is not None and (found == b or (found.kind == "date" and b == When("at", found.ns)))
    if is_number(b):
        made = number(text)
        if made is None:
            return False
        return same_number(float(made), float(b)) if not is_finite(made) else same_number(made, b)
    return False


def loose(a, b):
    """Whether a value is the same after a way through a format without types."""
    return same_cell(a, b) or (isinstance(a, str) and same_text(a, b)) or (
        isinstance(b, str) and isinstance(a, str) and a == b
    )
