// Speed of the module: node speed.mjs GLUE WASM FILE…

import fs from "node:fs";
import { fileSource, load } from "./module.mjs";

const [glue, wasm, ...files] = process.argv.slice(2);
const module = await load(glue, wasm);

function timed(what, bytes, call) {
  const began = performance.now();
  const before = process.cpuUsage();
  const result = call();
  const seconds = (performance.now() - began) / 1000;
  const used = process.cpuUsage(before);
  // On a busy machine the time of the processor is what counts.
  const busy = (used.user + used.system) / 1e6;
  const rate = bytes ? `, ${(bytes / 1e6 / seconds).toFixed(0)} MB/s, ${(bytes / 1e6 / busy).toFixed(0)} MB a second of the processor` : "";
  console.log(`${what}: ${(seconds * 1000).toFixed(1)} ms${rate}`);
  return result;
}

for (const file of files) {
  const size = fs.statSync(file).size;
  console.log(`${file}: ${(size / 1e6).toFixed(0)} MB`);
  const { handle, kind } = JSON.parse(timed("open", 0, () => module.open(fileSource(file))));
  if (kind === "archive") {
    const described = JSON.parse(timed("describe", 0, () => module.describe(handle)));
    const raw = described.datasets.reduce((sum, dataset) => sum + dataset.size_bytes, 0);
    timed("verify, bytes of the data", raw, () => module.verify(handle, null));
    const first = JSON.parse(module.describe(handle)).datasets[0].files[0];
    const inside = JSON.parse(timed("open a file in it", 0, () => module.file(handle, 0, first.path))).handle;
    timed("first rows of it", 0, () => module.rows(inside, 0, 100));
    timed("count rows of it", first.size_bytes, () => module.count(inside, null));
    continue;
  }
  timed("describe", 0, () => module.describe(handle));
  timed("first rows", 0, () => module.rows(handle, 0, 100));
  const { rows } = JSON.parse(timed("count rows", size, () => module.count(handle, null)));
  timed("row in the middle", 0, () => module.row(handle, Math.floor(rows / 2)));
  timed("search", size, () => module.search(handle, '{"pattern":"zebra crossing"}', null, () => {}));
  timed("lint", size, () => module.lint(handle, "{}", null));
}
