// The module in node: the same glue as in the page, over files read by ranges.

import fs from "node:fs";
import path from "node:path";

/** Loads the glue and the module. */
export async function load(glue, wasm) {
  const wasm_bindgen = new Function(`${fs.readFileSync(glue, "utf8")}\nreturn wasm_bindgen;`)();
  await wasm_bindgen({ module_or_path: fs.readFileSync(wasm) });
  return wasm_bindgen;
}

/** A source over a file. */
export function fileSource(file) {
  const descriptor = fs.openSync(file, "r");
  return {
    name: path.basename(file),
    size: fs.fstatSync(descriptor).size,
    read(offset, length) {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, fs.readSync(descriptor, bytes, 0, length, offset));
    },
  };
}

/** A source over bytes in memory. */
export function bytesSource(name, bytes) {
  return { name, size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}
