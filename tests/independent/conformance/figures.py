"""The figures of `inspect stats`, made again from the rows."""

import math
from collections import Counter
from decimal import Decimal

import numpy

from sources import Refused
from sources import has_half
from values import Narrow
from values import Pairs
from values import Skipped
from values import is_finite
from values import is_number
from values import number


def compare(check, answer):
    told = answer.told
    if told is None:
        check.differ("stats: error", f"{answer.code} {answer.error}")
        return
    rows = check.source.rows
    if told["rows"] != len(rows):
        check.differ("stats: rows", f"{told['rows']}, not {len(rows)}")
        return
    wrong = sum(isinstance(row, Refused) for row in rows)
    if (wrong > 0) != (told["malformed"] > 0) and check.format in ("json", "jsonl"):
        check.differ("stats: malformed rows", f"{told['malformed']}, not {wrong}")
    if any(not isinstance(row, dict) for row in rows):
        return
    columns = {c["name"]: c for c in told["columns"]}
    names = check.source.names
    if names is None:
        names = list(dict.fromkeys(key for row in rows for key in row))
    for name in names[:250]:
        if has_half(name):
            continue
        column = columns.get(name)
        values = [row[name] for row in rows if name in row]
        if column is None:
            if any(v is not Skipped for v in values):
                check.differ("stats: column is missing", name)
            continue
        if any(v is Skipped for v in values):
            continue
        if "." in name or name.endswith("[]"):
            continue
        wrong = of_cells(column, values) if check.format == "csv" else of_values(column, values)
        if wrong:
            check.differ(f"stats: {wrong[0]}", f"{name!r}: {wrong[1]}")
            return
        check.counted["columns of figures"] += 1


def kind(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -(2**63) <= value < 2**64 else "float"
    if isinstance(value, float | Decimal):
        return "float"
    if isinstance(value, bytes):
        return "binary"
    if isinstance(value, list) and not isinstance(value, Pairs):
        return "array"
    return "object" if isinstance(value, dict | Pairs) else "text"


def of_values(column, values):
    types = Counter(map(kind, values))
    for name, count in column["types"].items():
        if types[name] != count:
            return "types of values", f"{count} {name}, not {types[name]}"
    if column["nulls"] != types["null"]:
        return "nulls", f"{column['nulls']}, not {types['null']}"
    numbers = [v for v in values if is_number(v)]
    nan = sum(isinstance(v, float) and math.isnan(v) for v in numbers)
    infinite = sum(is_infinite(v) for v in numbers)
    if (column["nan"], column["infinite"]) != (nan, infinite):
        return "numbers that are none", f"{column['nan']} {column['infinite']}, not {nan} {infinite}"
    finite = [v for v in numbers if v == v and not is_infinite(v)]
    if wrong := ends(column, finite):
        return wrong
    lengths = [len(v) for v in values if isinstance(v, bytes)]
    if lengths:
        told = [column["lengths"][key] for key in ("min", "max", "sum")]
        if told != [min(lengths), max(lengths), sum(lengths)]:
            return "lengths of bytes", f"{told}, not {min(lengths)} {max(lengths)} {sum(lengths)}"
    texts = [v for v in values if isinstance(v, str)]
    if texts and types["text"] == len(texts) and not has_half(texts):
        return of_texts(column, texts, len(numbers) > 0)
    return None


def is_infinite(value):
    """Whether a number is infinite as a double."""
    return not isinstance(value, int) and math.isinf(float(value))


def ends(column, finite):
    """The least, the greatest and the mean of numbers."""
    if not finite:
        return None
    # A narrow float is the number that its digits say.
    finite = [float(str(numpy.float32(v))) if isinstance(v, Narrow) else v for v in finite]
    least, most = min(finite), max(finite)
    for name, wanted in (("min", least), ("max", most)):
        told = column[name]
        if told is None or (told != wanted and float(told) != float(wanted)):
            return name, f"{told}, not {wanted}"
    try:
        mean = math.fsum(map(float, finite)) / len(finite)
        scale = max(abs(float(least)), abs(float(most)))
    except OverflowError:
        return None
    if not math.isclose(column["mean"], mean, rel_tol=1e-9, abs_tol=scale * 1e-9) and math.isfinite(scale):
        return "mean", f"{column['mean']}, not {mean}"
    return None


def of_texts(column, texts, beside_numbers):
    if column["empty"] != texts.count(""):
        return "empty texts", f"{column['empty']}, not {texts.count('')}"
    characters = sum(map(len, texts))
    lengths = column["lengths"]
    if lengths and not beside_numbers and lengths["sum"] != characters:
        return "lengths of texts", f"{lengths['sum']}, not {characters}"
    if beside_numbers:
        return None
    # Texts of the ends are cut where they are long.
    for name, wanted in (("min", min(texts, key=bytes_of)), ("max", max(texts, key=bytes_of))):
        if column[name] is None or not wanted.startswith(column[name][:20].rstrip("\u2026")):
            return f"{name} of texts", f"{column[name]!r:.80}, not {wanted!r:.80}"
    if column["distinct_exact"] and column["distinct_estimate"] != len(set(texts)):
        return "distinct", f"{column['distinct_estimate']}, not {len(set(texts))}"
    return None


def bytes_of(text):
    return text.encode("utf-8", "surrogatepass")


def of_cells(column, cells):
    """Fields of CSV: the type is found from the figures, and must hold for each field."""
    empty = cells.count("")
    full = [cell for cell in cells if cell != ""]
    if column["type"] in ("int", "float"):
        numbers = [number(cell.strip()) for cell in full]
        if any(n is None for n in numbers if n is not None) or None in numbers:
            wrong = full[numbers.index(None)]
            if wrong.strip():
                return "type", f"{column['type']}, and {wrong!r} is none"
            numbers = [n for n in numbers if n is not None]
        finite = [n for n in numbers if is_finite(n)]
        if column["type"] == "int" and any(n != n.to_integral_value() for n in finite if abs(n) < 2**64):
            return "type", "int, and there are fractions"
        return ends(column, finite)
    if column["type"] == "text":
        if full and all(plainly_number(cell) for cell in full):
            return "type", f"text, and all are numbers: {full[:3]}"
        if column["types"]["text"] == len(full) and column["lengths"]["sum"] != sum(map(len, full)):
            return "lengths of texts", f"{column['lengths']['sum']}, not {sum(map(len, full))}"
    if column["type"] == "bool" and any(cell.strip().lower() not in ("true", "false", "") for cell in full):
        return "type", "bool, and there are others"
    if column["types"]["null"] > empty + sum(not cell.strip() for cell in full):
        return "nulls", f"{column['nulls']}, not {empty}"
    return None


def plainly_number(cell):
    digits = cell.strip().lstrip("+-")
    return number(digits) is not None and not (digits[:1] == "0" and digits[1:2].isdigit()) and digits[:1].isdigit()
