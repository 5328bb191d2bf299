// The worker: reads the file by ranges, and answers the calls of the page one after the other. The glue of the module stands before it.
"use strict";

const reader = new FileReaderSync();

// A source of the module. It reads a range when the module asks for it.
function sourceOf(blob, name) {
  return {
    name,
    size: blob.size,
    read: (offset, length) => {
      try {
        return new Uint8Array(reader.readAsArrayBuffer(blob.slice(offset, offset + length)));
      } catch (error) {
        throw {
          kind: "io",
          message: "the file cannot be read: " + reasonOf(error),
          hint: "it was moved, changed or removed after it was opened: open it again",
        };
      }
    },
  };
}

function reasonOf(error) {
  return error?.name === "NotReadableError" || error?.name === "NotFoundError"
    ? "the browser has no access to it any more"
    : String(error?.message ?? error);
}

function faultOf(error) {
  if (error && typeof error.kind === "string" && typeof error.message === "string") {
    return { kind: error.kind, message: error.message, hint: error.hint ?? null, broken: false };
  }
  if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
    const isMemory = /memory|allocation/i.test(error.message);
    const message = isMemory ? "the browser gave no more memory" : "it is damaged: the reader gave up";
    return { kind: isMemory ? "io" : "integrity", message, hint: null, broken: true };
  }
  return { kind: "io", message: String(error?.message ?? error), hint: null, broken: true };
}

// Reports go at most ten times a second.
function reporter(id) {
  let last = 0;
  return (phase, done, total) => {
    const now = performance.now();
    if (now - last < 100 && done !== total) return false;
    last = now;
    postMessage({ id, progress: { phase, done, total } });
    return false;
  };
}

// Matches go in bunches, so that many of them do not drown the page.
function bunches(id) {
  let waiting = [];
  let last = 0;
  const send = () => {
    if (waiting.length) postMessage({ id, hits: waiting });
    waiting = [];
    last = performance.now();
  };
  const take = (hit) => {
    waiting.push(JSON.parse(hit));
    if (waiting.length >= 50 || performance.now() - last > 100) send();
  };
  return { take, send };
}

const parsed = (text) => (text === undefined || text === "" ? null : JSON.parse(text));

const CALLS = {
  version: () => wasm_bindgen.version(),
  set_trust: (_, trust) => void wasm_bindgen.set_trust(JSON.stringify(trust)),
  key: (_, hex) => parsed(wasm_bindgen.key(hex)),
  open: (_, blob, name) => parsed(wasm_bindgen.open(sourceOf(blob, name))),
  close: (_, handle) => void wasm_bindgen.close(handle),
  describe: (_, handle) => parsed(wasm_bindgen.describe(handle)),
  summary: (_, handle) => parsed(wasm_bindgen.summary(handle)),
  verify: (id, handle) => parsed(wasm_bindgen.verify(handle, reporter(id))),
  file: (_, handle, dataset, path) => parsed(wasm_bindgen.file(handle, dataset, path)),
  rows: (_, handle, from, count) => parsed(wasm_bindgen.rows(handle, from, count)),
  row: (_, handle, number) => parsed(wasm_bindgen.row(handle, number)),
  count: (id, handle) => parsed(wasm_bindgen.count(handle, reporter(id))),
  find: (_, entries, query) => parsed(wasm_bindgen.find(JSON.stringify(entries), query)),
  lint: (id, handle, options) => parsed(wasm_bindgen.lint(handle, JSON.stringify(options), reporter(id))),
  search: (id, handle, options) => {
    const { take, send } = bunches(id);
    const report = parsed(wasm_bindgen.search(handle, JSON.stringify(options), reporter(id), take));
    send();
    return report;
  },
  export_rows: (id, handle, options) => {
    // Pieces become a Blob now and then, which the browser may keep on disk.
    let pieces = [];
    let bytes = 0;
    let blob = new Blob([]);
    const gather = () => {
      blob = new Blob([blob, ...pieces]);
      pieces = [];
      bytes = 0;
    };
    const sink = (piece) => {
      pieces.push(piece.slice());
      bytes += piece.length;
      if (bytes > 16 << 20) gather();
    };
    const report = parsed(wasm_bindgen.export_rows(handle, JSON.stringify(options), reporter(id), sink));
    gather();
    return { report, blob };
  },
};

// The first message brings the module; calls wait for it.
let ready = null;

self.onmessage = async ({ data }) => {
  if (data.module) {
    ready = wasm_bindgen({ module_or_path: data.module });
    ready.then(
      () => postMessage({ ready: true }),
      (error) => postMessage({ failed: String(error?.message ?? error) }),
    );
    return;
  }
  try {
    await ready;
    postMessage({ id: data.id, value: CALLS[data.call](data.id, ...data.args) });
  } catch (error) {
    postMessage({ id: data.id, fault: faultOf(error) });
  }
};
