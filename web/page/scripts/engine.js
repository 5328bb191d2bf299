// The worker as the page sees it: calls with promises, progress, and an end at any time.

const INTERRUPTED = { kind: "interrupted", message: "stopped", hint: null };

let compiled = null;

// Compiles the module once. Workers share it.
function compiledModule() {
  compiled ??= (async () => {
    const packed = Uint8Array.from(atob(ALIMENTAR.wasm), (c) => c.charCodeAt(0));
    ALIMENTAR.wasm = null;
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return WebAssembly.compile(await new Response(stream).arrayBuffer());
  })();
  return compiled;
}

let workerUrl = null;

function newWorker() {
  workerUrl ??= URL.createObjectURL(new Blob([ALIMENTAR.glue, "\n", ALIMENTAR.worker], { type: "text/javascript" }));
  return new Worker(workerUrl);
}

// One worker, which is replaced after it was stopped or gave up.
class Engine {
  constructor() {
    this.generation = 0;
    this.waiting = new Map();
    this.next = 1;
    this.worker = null;
  }

  // Calls a function of the module. `heed` has `progress` and `hits`.
  async call(name, args, heed) {
    const worker = await this.start();
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, heed: heed ?? {} });
      worker.postMessage({ id, call: name, args });
    });
  }

  start() {
    if (!this.worker) {
      const worker = this.launch();
      this.worker = worker;
      worker.catch(() => this.worker === worker && this.end());
    }
    return this.worker;
  }

  async launch() {
    const generation = ++this.generation;
    const module = await compiledModule();
    const worker = newWorker();
    this.running = worker;
    worker.onmessage = ({ data }) => this.take(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.end({ kind: "io", message: event.message || "the worker failed", hint: null });
    };
    worker.postMessage({ module });
    const id = this.next++;
    const trust = await trustOfBrowser();
    if (generation !== this.generation) {
      worker.terminate();
      throw INTERRUPTED;
    }
    await new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, heed: {} });
      worker.postMessage({ id, call: "set_trust", args: [trust] });
    });
    return worker;
  }

  take(data) {
    if (data.failed)
      return this.end({
        kind: "unsupported",
        message: `the module does not start: ${data.failed}`,
        hint: "it needs a browser with WebAssembly SIMD",
      });
    const call = this.waiting.get(data.id);
    if (!call) return;
    if (data.progress) return call.heed.progress?.(data.progress);
    if (data.hits) return call.heed.hits?.(data.hits);
    this.waiting.delete(data.id);
    if (!data.fault) return call.resolve(data.value);
    call.reject(data.fault);
    // After a trap the module cannot be used any more.
    if (data.fault.broken) this.end(data.fault);
  }

  // Ends the worker and every call. The next call starts another worker.
  end(fault) {
    this.generation += 1;
    this.running?.terminate();
    this.running = null;
    this.worker = null;
    const calls = [...this.waiting.values()];
    this.waiting.clear();
    for (const call of calls) call.reject(fault ?? INTERRUPTED);
  }

  get isBusy() {
    return this.waiting.size > 0;
  }
}

// A file that is open in a worker. The handle is found again after the worker was replaced.
class OpenFile {
  constructor(engine, blob, name) {
    Object.assign(this, { engine, blob, name, generation: -1, handle: null, kind: null, isVerified: false, parent: null, place: null });
  }

  // A file of an archive.
  static inside(archive, dataset, path) {
    const file = new OpenFile(archive.engine, archive.blob, path.split("/").pop());
    return Object.assign(file, { parent: archive, place: [dataset, path] });
  }

  async open(heed) {
    if (this.handle !== null && this.generation === this.engine.generation && this.engine.worker) return this.handle;
    await this.engine.start();
    const generation = this.engine.generation;
    let opened;
    if (this.parent) {
      const archive = await this.parent.verified(heed);
      opened = await this.engine.call("file", [archive, ...this.place]);
    } else {
      opened = await this.engine.call("open", [this.blob, this.name]);
      this.isVerified = false;
    }
    Object.assign(this, { handle: opened.handle, kind: opened.kind, generation });
    return this.handle;
  }

  // The handle of an archive that this worker has checked.
  async verified(heed) {
    const handle = await this.open();
    if (!this.isVerified) {
      this.report = await this.engine.call("verify", [handle], heed);
      this.isVerified = true;
    }
    return handle;
  }

  async call(name, args, heed) {
    const handle = await this.open(heed);
    return this.engine.call(name, [handle, ...args], heed);
  }
}

// The worker of the file that is shown.
let engine = new Engine();

let job = null;

// Runs long work with its progress shown and a button that stops it.
async function withJob(title, engine, work) {
  job?.stop();
  const began = performance.now();
  const bar = el("progress", { "aria-label": title });
  const words = el("span", { class: "rate" });
  const place = document.getElementById("job");
  const mine = { stop: () => engine.end(INTERRUPTED) };
  job = mine;
  place.replaceChildren(
    el("span", { class: "job-title" }, title),
    bar,
    words,
    button("Stop", () => mine.stop()),
  );
  const timer = setTimeout(() => (place.hidden = false), 150);
  let first = null;
  const progress = ({ phase, done, total }) => {
    if (total) {
      bar.max = total;
      bar.value = done;
    }
    // Each phase has a rate of its own.
    const now = performance.now();
    if (first?.phase !== phase) first = { phase, done, now };
    const seconds = (now - first.now) / 1000;
    const rate = seconds > 0.2 ? `, ${size(Math.round((done - first.done) / seconds))}/s` : "";
    words.textContent = `${phase}: ${size(done)}${total ? ` of ${size(total)}` : ""}${rate}`;
  };
  say(title);
  try {
    const value = await work({ progress });
    return { value, seconds: (performance.now() - began) / 1000 };
  } finally {
    clearTimeout(timer);
    if (job === mine) {
      job = null;
      place.hidden = true;
      place.replaceChildren();
    }
  }
}
