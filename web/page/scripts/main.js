// The frame: sections, opening of files, the service worker.

let view = null;

function setView(next) {
  if (view && view !== next) view.leave?.();
  view = next;
}

// Opens bytes: a table, or an archive. `kept` is the id of an archive of the registry.
async function openBlob(blob, name, kept) {
  setView(null);
  if (engine.isBusy) engine.end(INTERRUPTED);
  const began = performance.now();
  const file = new OpenFile(engine, blob, name);
  try {
    await file.open();
    const described = await file.call("describe", []);
    const next = file.kind === "archive" ? new ArchiveView(file, described, kept) : new TableView(file, described, null);
    markSection(null);
    if (location.hash !== "#file") history.pushState(null, "", "#file");
    setView(next);
    await (next.open && file.kind === "archive" ? next.open() : next.show());
    document.documentElement.dataset.opened = String(Math.round(performance.now() - began));
    document.getElementById("main").focus();
  } catch (error) {
    markSection("open");
    showOpen([el("p", null, "Not opened: ", el("strong", null, name)), faultNote(error)]);
  }
}

async function openFiles(files) {
  if (!files.length) return;
  const sources = joined(files);
  if (section() === "registry" || (sources.length > 1 && sources.every(({ name }) => /\.alimentar$/.test(name)))) {
    goTo("registry");
    return importAll(files);
  }
  await openBlob(sources[0].blob, sources[0].name);
  if (sources.length > 1)
    document
      .getElementById("main")
      .append(el("p", { class: "note" }, "One file is shown at a time: this is the first of those that you chose."));
}

function showOpen(notes) {
  const kinds = "Archives (.alimentar), Parquet, Arrow, JSON Lines, JSON, CSV, TSV and plain text, also under gzip and zstd.";
  show(
    "Look into a file",
    notes ?? [],
    el(
      "div",
      { class: "drop" },
      el(
        "p",
        null,
        "Drop a file anywhere on this page, or ",
        button("choose one", () => document.getElementById("file").click()),
      ),
      el("p", { class: "hint" }, kinds),
    ),
    el("h2", null, "How it works"),
    el(
      "ul",
      null,
      el("li", null, "It is read in this browser, by the ranges that are shown. So a file of many gigabytes opens at once."),
      el("li", null, "Nothing is sent anywhere: the page works without a network, and from a disk."),
      el(
        "li",
        null,
        "Of an archive, every byte is compared with its hash, and the signature with the keys that you pinned, before a row is shown.",
      ),
    ),
  );
}

const section = () => (view ? "file" : location.hash.slice(1) || "open");

function markSection(name) {
  for (const link of document.querySelectorAll("#site a")) {
    if (link.dataset.section === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

const SECTIONS = { open: () => showOpen(), registry: () => showRegistry(), keys: () => showKeys() };

function goTo(name) {
  setView(null);
  if (location.hash !== `#${name}`) history.pushState(null, "", `#${name}`);
  markSection(name);
}

async function route() {
  const asked = location.hash.slice(1);
  // A file cannot be opened again by its place.
  const name = Object.hasOwn(SECTIONS, asked) ? asked : "open";
  if (job) engine.end(INTERRUPTED);
  setView(null);
  markSection(name);
  await SECTIONS[name]();
}

function listen() {
  window.addEventListener("popstate", route);
  for (const link of document.querySelectorAll("#site a, a.brand")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      goTo(link.hash.slice(1));
      route().then(() => document.getElementById("main").focus());
    });
  }
  const input = document.getElementById("file");
  input.addEventListener("change", async () => {
    const files = [...input.files];
    // The same file can be chosen again.
    input.value = "";
    await openFiles(files);
  });
  const root = document.documentElement;
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  window.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    root.classList.add("dropping");
  });
  window.addEventListener("dragleave", (event) => event.relatedTarget === null && root.classList.remove("dropping"));
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    root.classList.remove("dropping");
    openFiles([...(event.dataTransfer?.files ?? [])]);
  });
}

// Over HTTP the page can be installed, and works without the server.
function install() {
  if (!location.protocol.startsWith("http")) return;
  document.head.append(el("link", { rel: "manifest", href: "manifest.webmanifest", crossorigin: "use-credentials" }));
  navigator.serviceWorker?.register("service-worker.js").catch(() => {});
}

function begin() {
  if (!globalThis.ALIMENTAR) {
    show("Look into a file", faultNote({ kind: "not_found", message: "`alimentar.js` is missing", hint: "it belongs beside this page" }));
    return;
  }
  listen();
  install();
  route();
  // The worker is ready before the first file.
  engine.start().catch((error) => error !== INTERRUPTED && document.getElementById("main").prepend(faultNote(error)));
}

begin();
