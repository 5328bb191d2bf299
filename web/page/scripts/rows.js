// Rows as a table, one row as a list of fields, columns and matches.

const ROWS_A_PAGE = 50;
const COLUMNS_MAX = 60;
const SCHEMA_COLUMNS_MAX = 300;
const CELL_CHARS_MAX = 400;
const CELL_CHARS_MIN = 60;
const ROW_CHARS_MAX = 9_000;
const FIELD_CHARS_MAX = 20_000;

// The names of the columns of some rows: those of the schema, else those of the rows.
function columnsOf(described, parsed) {
  const named = (described.columns ?? []).map((c) => c.name);
  if (named.length) return named;
  const seen = new Set();
  for (const row of parsed) if (isRecord(row)) Object.keys(row).forEach((key) => seen.add(key));
  return [...seen];
}

function cell(value, most) {
  if (value === undefined) return el("td", null);
  if (value === null) return el("td", { class: "null" }, "null");
  const isNumber = typeof value === "number" || value instanceof Digits;
  const text = valueText(value);
  return el("td", { class: isNumber ? "number" : text.length > 40 ? "text" : null }, shortened(text, most));
}

// A table of rows. `onrow` shows one; `selected` is the set of marked numbers, if rows can be marked.
function rowsTable(described, rows, onrow, selected, onselect) {
  const parsed = rows.map((row) => (row.cut ? undefined : parseRow(row.json)));
  const isTable = parsed.some(isRecord);
  const names = isTable ? columnsOf(described, parsed) : [];
  const shown = names.slice(0, COLUMNS_MAX);
  const most = Math.max(CELL_CHARS_MIN, Math.min(CELL_CHARS_MAX, Math.floor(ROW_CHARS_MAX / Math.max(shown.length, 1))));
  const mark = (row) => {
    if (!selected) return null;
    const change = (event) => {
      if (event.target.checked) selected.add(row.number);
      else selected.delete(row.number);
      onselect();
    };
    return el(
      "td",
      { class: "mark" },
      el("input", { type: "checkbox", "aria-label": `Select row ${row.number}`, checked: selected.has(row.number), onchange: change }),
    );
  };
  const line = (row, value) => {
    const isWhole = isRecord(value);
    const cells =
      isWhole && shown.length
        ? shown.map((name) => cell(Object.hasOwn(value, name) ? value[name] : undefined, most))
        : [el("td", { class: "text", colspan: shown.length || null }, rowText(row, value, CELL_CHARS_MAX))];
    return el(
      "tr",
      null,
      mark(row),
      el(
        "th",
        { scope: "row" },
        button(grouped(row.number), () => onrow(row.number), { class: "number-link", "aria-label": `Row ${row.number}` }),
      ),
      cells,
    );
  };
  const heads = [
    selected && el("th", { scope: "col" }, el("span", { class: "unseen" }, "Selected")),
    el("th", { scope: "col" }, "row"),
    (shown.length ? shown : ["value"]).map((name) => el("th", { scope: "col", class: isNumeric(parsed, name) ? "number" : null }, name)),
  ];
  const table = el(
    "table",
    null,
    el("thead", null, el("tr", null, heads)),
    el(
      "tbody",
      null,
      rows.map((row, n) => line(row, parsed[n])),
    ),
  );
  const left = names.length - shown.length;
  return [
    scrolling("Rows", `rows${shown.length <= 4 ? " few" : ""}`, table),
    left > 0 && el("p", { class: "more" }, `${countOf(left, "further column")}: open a row to see them.`),
  ];
}

// True if the values of a column are numbers, as far as they are there.
function isNumeric(parsed, name) {
  const values = parsed.filter((row) => isRecord(row) && Object.hasOwn(row, name) && row[name] !== null).map((row) => row[name]);
  return values.length > 0 && values.every((value) => typeof value === "number" || value instanceof Digits);
}

function rowText(row, value, most) {
  const text = value === undefined || isRecord(value) ? row.json : valueText(value);
  return shortened(text, most) + (row.cut ? " (cut)" : "");
}

// One row, field by field.
function record(row) {
  const value = row.cut ? undefined : parseRow(row.json);
  if (!isRecord(value))
    return el("pre", { class: "said code", tabindex: "0" }, shortened(value === undefined ? row.json : valueText(value), FIELD_CHARS_MAX));
  const fields = Object.entries(value).slice(0, SCHEMA_COLUMNS_MAX);
  const content = (field) =>
    field === null
      ? el("span", { class: "null" }, "null")
      : el(
          "span",
          { class: "whole" },
          shortened(isRecord(field) || Array.isArray(field) ? indented(field) : valueText(field), FIELD_CHARS_MAX),
        );
  return el(
    "dl",
    { class: "record" },
    fields.map(([name, field]) => [el("dt", null, name), el("dd", null, content(field))]),
  );
}

function indented(value, depth = 0) {
  const pad = "  ".repeat(depth + 1);
  const end = "  ".repeat(depth);
  const isList = Array.isArray(value);
  if (!isList && !isRecord(value)) return jsonText(value);
  const parts = isList
    ? value.map((v) => indented(v, depth + 1))
    : Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}: ${indented(v, depth + 1)}`);
  const [open, close] = isList ? "[]" : "{}";
  return parts.length ? `${open}\n${pad}${parts.join(`,\n${pad}`)}\n${end}${close}` : open + close;
}

function columnsTable(columns) {
  const shown = columns.slice(0, SCHEMA_COLUMNS_MAX);
  const line = (c) =>
    el("tr", null, el("th", { scope: "row" }, c.name), el("td", null, c.type ?? ""), el("td", null, c.nullable ? "may be null" : ""));
  const heads = ["column", "type", "null"].map((name) => el("th", { scope: "col" }, name));
  const left = columns.length - shown.length;
  return [
    scrolling("Columns", "", el("table", null, el("thead", null, el("tr", null, heads)), el("tbody", null, shown.map(line)))),
    left > 0 && el("p", { class: "more" }, `and ${countOf(left, "further column")}`),
  ];
}

// The text of a match with its places marked, cut to what is around the first.
function markedText(json, spans) {
  const first = spans?.[0]?.[0] ?? 0;
  const from = Math.max(0, first - 120);
  const to = Math.min(json.length, from + CELL_CHARS_MAX);
  const pieces = [from > 0 ? "\u2026" : ""];
  let at = from;
  for (const [start, end] of spans ?? []) {
    if (start < at || end <= start || start >= to) continue;
    pieces.push(json.slice(at, start), el("mark", null, json.slice(start, Math.min(end, to))));
    at = Math.min(end, to);
  }
  pieces.push(json.slice(at, to), to < json.length ? "\u2026" : "");
  return pieces;
}
