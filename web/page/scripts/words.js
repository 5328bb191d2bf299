// Numbers, sizes and text for people.

const THIN = "\u202f";

function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, THIN);
}

function countOf(number, noun) {
  return `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
}

function size(bytes) {
  if (bytes < 1000) return countOf(bytes, "byte");
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

function day(time) {
  return /^\d{4}-\d\d-\d\d/.test(time ?? "") ? time.slice(0, 10) : "";
}

const contentId = (id) => (String(id).startsWith("alimentar:") ? id : `alimentar:${id}`);

// Characters that are invisible or that reorder others.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

// Returns a text whose hidden characters are shown by their numbers.
function visible(text) {
  return String(text).replace(HIDDEN, (c, at, whole) => {
    const code = c.codePointAt(0);
    if (c === "\r" && whole[at + 1] === "\n") return "";
    const isJoiner = code === 0x200c || code === 0x200d;
    if (isJoiner && at > 0 && whole.charCodeAt(at - 1) > 127) return c;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return "\u2421";
    return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
  });
}

// Returns at most so many characters of a text; the rest is announced.
function shortened(text, most) {
  const line = String(text);
  if (line.length <= most) return line;
  let end = most;
  // A pair of surrogates stays together.
  if (/[\ud800-\udbff]/.test(line[end - 1])) end -= 1;
  return `${line.slice(0, end)}\u2026`;
}

// A number whose digits a double cannot hold.
class Digits {
  constructor(text) {
    this.text = text;
  }
}

// Parses a row. Long numbers keep their digits, where the browser tells them.
function parseRow(json) {
  try {
    return JSON.parse(json, (_, value, context) => {
      const source = typeof value === "number" ? context?.source : undefined;
      return source !== undefined && String(value) !== source ? new Digits(source) : value;
    });
  } catch {
    return undefined;
  }
}

const isRecord = (value) => value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Digits);

// Returns a value as a person reads it.
function valueText(value) {
  if (typeof value === "string") return value;
  if (value instanceof Digits) return value.text;
  if (value === null || typeof value !== "object") return String(value);
  return jsonText(value);
}

function jsonText(value) {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map(jsonText).join(", ")}]`;
  if (isRecord(value))
    return `{${Object.entries(value)
      .map(([k, v]) => `${JSON.stringify(k)}: ${jsonText(v)}`)
      .join(", ")}}`;
  return JSON.stringify(value);
}

// Reads a list of rows, such as `0-99, 120`, as ranges `[first, count]`.
function parseRanges(text) {
  const ranges = [];
  for (const part of text
    .split(",")
    .map((p) => p.trim())
    .filter(Boolean)) {
    const match = /^(\d{1,15})(?:\s*[-\u2013]\s*(\d{1,15}))?$/.exec(part);
    if (!match)
      throw {
        kind: "invalid",
        message: `\`${shortened(part, 40)}\` is no row and no range of rows`,
        hint: "rows are numbers from 0, ranges such as 0-99, with commas between them",
      };
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first) throw { kind: "invalid", message: `the range \`${part}\` ends before it begins`, hint: null };
    ranges.push([first, last - first + 1]);
  }
  return ranges;
}

function rangesText(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const parts = [];
  for (const number of sorted) {
    const last = parts[parts.length - 1];
    if (last && last[1] + 1 === number) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(", ");
}
