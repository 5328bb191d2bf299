// Compares the module with the command line: node parity.mjs GLUE WASM PROGRAM WORK DATA
// DATA is `tests/data`. Ends with code 1 at the first difference.

import { execFileSync, spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { bytesSource, fileSource, load } from "./module.mjs";

const [glue, wasm, program, work, data] = process.argv.slice(2);
const module = await load(glue, wasm);
fs.mkdirSync(work, { recursive: true });

function run(words, home = "home") {
  const out = spawnSync(program, ["--home", path.join(work, home), "--json", ...words], { maxBuffer: 1 << 30 });
  const parsed = (bytes) => {
    try {
      return JSON.parse(bytes.toString());
    } catch {
      return null;
    }
  };
  return { code: out.status, value: parsed(out.stdout), text: out.stdout.toString(), error: parsed(out.stderr)?.error };
}

const read = (text) => JSON.parse(text);

function thrown(call) {
  try {
    call();
  } catch (error) {
    assert.ok(error.kind, String(error));
    return error;
  }
  return null;
}

// Files with rows: the description, the number of rows, the rows, the faults, the matches.
const files = fs.readdirSync(path.join(data, "formats")).map((name) => path.join(data, "formats", name));
files.push(path.join(data, "gsm8k", "test.jsonl"));
const lines = fs.readFileSync(path.join(data, "gsm8k", "test.jsonl"));
const rows = lines.toString().trimEnd().split("\n").map((line) => JSON.parse(line));
const csv = ["question,answer", ...rows.map((row) => [row.question, row.answer].map((cell) => `"${cell.replaceAll('"', '""')}"`).join(","))].join("\n");
const made = {
  "gsm.jsonl.gz": zlib.gzipSync(lines),
  "gsm.json": Buffer.from(JSON.stringify(rows)),
  "gsm.csv": Buffer.from(csv),
  "blank.jsonl": Buffer.from('{"a":1}\n\n{"a":2}\n  \n{"a":"x"}'),
  "broken.jsonl": Buffer.from('{"a":1}\n{"a":\n{"a":1,"a":2}\nnothing\n'),
  "latin.csv": Buffer.from("name;n\nJos\xe9;1\n", "latin1"),
  "empty.jsonl": Buffer.alloc(0),
  "cut.parquet": fs.readFileSync(path.join(data, "formats", "three.parquet")).subarray(0, 300),
};
for (const [name, bytes] of Object.entries(made)) {
  files.push(path.join(work, name));
  fs.writeFileSync(path.join(work, name), bytes);
}

for (const file of files) {
  const info = run(["inspect", "info", file]);
  let handle = null;
  const refused = thrown(() => {
    handle = read(module.open(fileSource(file))).handle;
    module.count(handle, null);
  });
  if (info.code !== 0) {
    assert.ok(refused, `${file}: only the command line refuses it: ${JSON.stringify(info.error)}`);
    const own = refused.message.replaceAll("`" + path.basename(file) + "`", "`" + file + "`");
    assert.equal(own, info.error.message, file);
    assert.equal(refused.kind, info.error.kind, file);
    continue;
  }
  assert.equal(refused, null, `${file}: ${refused?.message}`);
  const described = read(module.describe(handle));
  const found = info.value;
  const packed = { gzip: ".gz", zstd: ".zst" }[described.compression] ?? "";
  assert.equal(described.format + packed, found.format, file);
  assert.equal(described.rows, found.rows, file);
  assert.deepEqual(described.columns, found.schema.fields, file);
  assert.equal(described.schema_from, found.schema_from, file);
  const lint = run(["inspect", "lint", file]).value;
  const faults = read(module.lint(handle, '{"examples":5}', null));
  for (const rule of faults.rules) {
    delete rule.summary;
    delete rule.help;
  }
  assert.deepEqual(faults, lint, file);
  const pattern = "(?i)an?|1";
  const matches = run(["inspect", "search", file, pattern]).text.trimEnd().split("\n").filter(Boolean).map(read);
  const hits = [];
  const report = read(module.search(handle, JSON.stringify({ pattern }), null, (hit) => hits.push(read(hit))));
  assert.equal(report.matches, matches.length, file);
  assert.deepEqual(hits.map((hit) => hit.number), matches.map((hit) => hit.n), file);
  const page = read(module.rows(handle, 0, 10_000));
  const last = page.rows.at(-1);
  if (last) assert.deepEqual(read(module.row(handle, last.number)), last, file);
  module.close(handle);
}
console.log(`${files.length} files agree`);

// Archives: signed, and damaged in many ways; refused by both in the same words.
run(["registry", "keygen", "--no-passphrase"], "maker");
const index = run(["registry", "index", path.join(data, "gsm8k", "test.jsonl"), "--name", "gsm"], "maker");
assert.equal(index.code, 0, JSON.stringify(index.error));
const archive = path.join(work, "gsm.alimentar");
fs.rmSync(archive, { force: true });
const exported = run(["registry", "export", "gsm", "--output", archive], "maker");
assert.equal(exported.code, 0, JSON.stringify(exported.error));
const whole = fs.readFileSync(archive);

let seed = 7;
const below = (limit) => {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return Math.floor((seed / 2 ** 32) * limit);
};
const hostile = { "zeros": Buffer.alloc(1000), "text": Buffer.from("not an archive"), "twice": Buffer.concat([whole, whole]), "more": Buffer.concat([whole, Buffer.from("x")]) };
for (let n = 0; n < 12; n += 1) hostile[`cut ${n}`] = whole.subarray(0, below(whole.length));
for (let n = 0; n < 40; n += 1) {
  const bent = Buffer.from(whole);
  bent[below(n < 20 ? 2000 : bent.length)] ^= 1 << below(8);
  hostile[`flip ${n}`] = bent;
}
hostile["age"] = Buffer.from("age-encryption.org/v1\n-> X25519 abc\n");

// Entries of the tar that are left out, doubled, swapped or changed, in frames that are whole.
const BLOCK = 512;
const small = path.join(work, "small.jsonl");
fs.writeFileSync(small, lines.subarray(0, 60_000));
assert.equal(run(["registry", "index", small, "--name", "small"], "maker").code, 0);
const plain = path.join(work, "small.alimentar");
fs.rmSync(plain, { force: true });
assert.equal(run(["registry", "export", "small", "--output", plain], "maker").code, 0);
const tar = execFileSync("zstd", ["-dcq", plain], { maxBuffer: 1 << 26 });
const entries = [];
for (let at = 0; tar[at] !== 0; ) {
  const size = Number.parseInt(tar.subarray(at + 124, at + 135).toString(), 8);
  const end = at + BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  entries.push(tar.subarray(at, end));
  at = end;
}
const packed = (parts) => {
  const file = path.join(work, "try.tar");
  fs.writeFileSync(file, Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]));
  return execFileSync("zstd", ["-4cq", "--no-progress", file], { maxBuffer: 1 << 26 });
};
const changed = (entry, change) => {
  const bent = Buffer.from(entry);
  change(bent);
  bent.fill(" ", 148, 156);
  const sum = bent.subarray(0, BLOCK).reduce((total, byte) => total + byte, 0);
  bent.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bent;
};
const headers = {
  "a path that climbs": (bytes) => bytes.write("../../passwd", 0),
  "a symbolic link": (bytes) => bytes.write("2", 156),
  "a directory": (bytes) => bytes.write("5", 156),
  "a GNU long name": (bytes) => bytes.write("L", 156),
  "an owner": (bytes) => bytes.write("0001750", 108),
  "a size of nothing": (bytes) => bytes.write("00000000000", 124),
  "a size of 8 GB": (bytes) => bytes.write("77777777777", 124),
};
// Untouched it is taken, so that the packing is no reason for a refusal.
module.verify(read(module.open(bytesSource("whole.alimentar", packed(entries)))).handle, null);
entries.forEach((entry, n) => {
  const but = (...parts) => packed([...entries.slice(0, n), ...parts, ...entries.slice(n + 1)]);
  hostile[`without entry ${n}`] = but();
  hostile[`entry ${n} twice`] = but(entry, entry);
  if (n + 1 < entries.length) hostile[`entry ${n} later`] = packed([...entries.slice(0, n), entries[n + 1], entry, ...entries.slice(n + 2)]);
  const bent = Buffer.from(entry);
  bent[BLOCK + 3] ^= 1;
  hostile[`entry ${n} bent`] = but(bent);
  if (n < 5) {
    for (const [what, change] of Object.entries(headers)) hostile[`entry ${n}, ${what}`] = but(changed(entry, change));
  }
});
hostile["another archive behind"] = packed([...entries, Buffer.alloc(2 * BLOCK), ...entries]);

let refusals = 0;
const reasons = new Set();
for (const [name, bytes] of Object.entries(hostile)) {
  const file = path.join(work, "try.alimentar");
  fs.writeFileSync(file, bytes);
  const home = `importer-${name.replaceAll(" ", "-")}`;
  const imported = run(["registry", "import", file], home);
  const theirs = imported.value?.refused?.[0]?.reason ?? imported.error?.message ?? null;
  const own = thrown(() => {
    const { handle } = read(module.open(bytesSource("try.alimentar", bytes)));
    module.verify(handle, null);
  });
  fs.rmSync(path.join(work, home), { recursive: true, force: true });
  if (own === null) {
    assert.equal(theirs, null, `${name}: only the command line refuses it: ${theirs}`);
    continue;
  }
  refusals += 1;
  reasons.add(own.message.replaceAll(/`[^`]*`/g, "…"));
  const message = own.message.replaceAll("`try.alimentar`", "`" + file + "`");
  assert.ok(theirs?.endsWith(message), `${name}: ${theirs}, and ${message}`);
}
console.log(`${Object.keys(hostile).length} archives agree, ${refusals} of them refused for ${reasons.size} reasons`);

// A file in the archive, and a selection of it as an archive that the command line takes.
const handle = read(module.open(fileSource(archive))).handle;
const verified = read(module.verify(handle, null));
assert.equal(verified.datasets[0].outcome, "intact");
const dataset = read(module.describe(handle)).datasets[0];
assert.equal(`alimentar:${dataset.content_id}`, index.value.content_id);
const inside = read(module.file(handle, 0, dataset.files[0].path)).handle;
const shown = read(module.rows(inside, 0, 10_000));
assert.deepEqual(shown.rows.map((row) => row.json), lines.toString().trimEnd().split("\n"));
const pieces = [];
const picked = read(module.export_rows(inside, JSON.stringify({ name: "picked", rows: [[3, 2], [1000, 100]] }), null, (piece) => pieces.push(Buffer.from(piece))));
assert.equal(picked.rows, 102);
const selection = path.join(work, picked.file);
fs.writeFileSync(selection, Buffer.concat(pieces));
fs.rmSync(path.join(work, "taker"), { recursive: true, force: true });
const taken = run(["registry", "import", selection], "taker");
assert.equal(taken.code, 0, JSON.stringify(taken));
assert.equal(run(["registry", "verify", "picked"], "taker").code, 0);
const copy = execFileSync(program, ["--home", path.join(work, "taker"), "registry", "cat", "picked"]);
const wanted = lines.toString().split("\n");
assert.equal(copy.toString(), [...wanted.slice(3, 5), ...wanted.slice(1000, 1100)].join("\n") + "\n");
console.log("the selection is imported and verified");
