// The view of the registry: archives that this browser keeps.

// Verifies an archive that is open, wholly, and keeps it.
async function importOpen(file) {
  const { value } = await withJob(`Import ${file.name}`, engine, async (heed) => {
    await file.verified(heed);
    const refused = (file.report?.datasets ?? []).find((d) => d.outcome === "refused");
    if (refused) throw { kind: "denied", message: `${refused.name}@${refused.version}: ${refused.reason}`, hint: null };
    const summary = await file.call("summary", []);
    heed.progress({ phase: "keeping", done: 0, total: null });
    return keepArchive(file.blob, file.name, summary);
  });
  await trustChanged();
  say(value.isNew ? `Kept ${file.name}` : `${file.name} is here already`);
  return value;
}

async function importArchive(blob, name) {
  const file = new OpenFile(engine, blob, name);
  await file.open();
  if (file.kind !== "archive")
    throw { kind: "invalid", message: `\`${name}\` is no archive`, hint: "open it to see its rows; the registry keeps archives" };
  return importOpen(file);
}

async function importAll(files) {
  const notes = [];
  for (const { blob, name } of joined(files)) {
    try {
      const { isNew } = await importArchive(blob, name);
      notes.push(el("p", { class: "note", role: "status" }, isNew ? `Imported ${name}.` : `${name} is here already.`));
    } catch (error) {
      notes.push(el("p", null, "Not imported: ", el("strong", null, name)), faultNote(error));
    }
  }
  await showRegistry(notes);
}

// Volumes of one archive are one source: `x.alimentar.001`, `x.alimentar.002` and so on.
function joined(files) {
  const sets = new Map();
  const single = [];
  for (const file of files) {
    const volume = /^(.*)\.(\d{3,})$/.exec(file.name);
    if (!volume) single.push({ blob: file, name: file.name });
    else sets.set(volume[1], [...(sets.get(volume[1]) ?? []), [Number(volume[2]), file]]);
  }
  for (const [name, volumes] of sets) {
    volumes.sort((a, b) => a[0] - b[0]);
    const files = volumes.map(([, file]) => file);
    single.push(files.length === 1 ? { blob: files[0], name: files[0].name } : { blob: new Blob(files), name });
  }
  return single;
}

async function showRegistry(notes) {
  const list = el("div", { id: "held" });
  const room = el("p", { class: "hint" });
  const input = el("input", {
    id: "import",
    type: "file",
    class: "unseen",
    multiple: true,
    onchange: (event) => importAll([...event.target.files]),
  });
  const words = el("input", { id: "q", type: "search", autocomplete: "off", spellcheck: "false", maxlength: "500" });
  let timer = 0;
  let archives = [];
  let pinned = [];
  const draw = async () => {
    const query = words.value.trim();
    try {
      const found = query ? await findArchives(archives, query) : archives.map((a) => ({ archive: a }));
      count.textContent = query ? `${countOf(found.length, "archive")} found` : countOf(archives.length, "archive");
      list.replaceChildren(
        found.length
          ? heldList(
              found.map((f) => f.archive),
              pinned,
            )
          : el("p", { class: "note" }, query ? "Nothing matches." : "This browser keeps no archive yet. Import one, or drop it here."),
      );
    } catch (error) {
      list.replaceChildren(faultNote(error));
    }
  };
  words.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(draw, 120);
  });
  const count = el("p", { class: "count", role: "status" });
  show(
    "Registry of this browser",
    notes ?? [],
    el("p", { class: "actions" }, el("label", { class: "button", for: "import" }, "Import archives", input)),
    el(
      "form",
      { class: "in-rows", role: "search", onsubmit: (event) => event.preventDefault() },
      el("label", { for: "q" }, "Search names, cards, columns, tags"),
      words,
    ),
    count,
    list,
    room,
  );
  try {
    pinned = await listKeys();
    archives = (await listArchives()).sort((a, b) => b.imported_at.localeCompare(a.imported_at));
    await draw();
    const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
    if (quota) room.textContent = `${size(usage)} used of ${size(quota)} that the browser gives this page.`;
  } catch (error) {
    list.replaceChildren(faultNote(error));
  }
}

// The archives with a dataset that matches, the best first.
async function findArchives(archives, query) {
  const entries = archives.flatMap((archive, at) => archive.datasets.map((summary, n) => ({ id: `${at} ${n}`, summary })));
  const found = await engine.call("find", [entries, query]);
  const places = new Set(found.map(({ id }) => Number(id.split(" ")[0])));
  return [...places].map((at) => ({ archive: archives[at] }));
}

function heldList(archives, pinned) {
  return el(
    "ul",
    { class: "datasets" },
    archives.map((archive) => heldEntry(archive, pinned)),
  );
}

// The trust of a kept dataset by the keys that are pinned now. A statement that revokes a key counts when the archive is opened.
function trustNow(dataset, pinned) {
  if (dataset.signature !== "valid") return "unsigned";
  if (dataset.trust === "revoked") return "revoked";
  return pinned.find((k) => k.key === dataset.signer)?.level ?? "unknown";
}

function heldEntry(archive, pinned) {
  const place = el("div");
  const names = archive.datasets.map((d) => `${d.name} ${d.version}`);
  const title = names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
  const attempt = (work) => async () => {
    try {
      await work();
    } catch (error) {
      place.replaceChildren(faultNote(error));
    }
  };
  const blob = async () => {
    const found = await blobOf(archive.id);
    if (!found)
      throw { kind: "not_found", message: "the browser has lost the bytes of this archive", hint: "remove it, and import it again" };
    return found;
  };
  const open = attempt(async () => openBlob(await blob(), archive.name, archive.id));
  const verify = attempt(async () => {
    const file = new OpenFile(engine, await blob(), archive.name);
    const { seconds } = await withJob(`Verify ${archive.name}`, engine, (heed) => file.verified(heed));
    const refused = (file.report?.datasets ?? []).filter((d) => d.outcome === "refused");
    place.replaceChildren(
      refused.length
        ? faultNote({ kind: "denied", message: refused[0].reason, hint: null })
        : el(
            "p",
            { class: "note good", role: "status" },
            badge("intact", "good"),
            ` Every byte was compared with its hash, ${seconds.toFixed(2)} s.`,
          ),
    );
  });
  const remove = async () => {
    const sure = button(
      "Remove it from this browser",
      attempt(async () => {
        await removeArchive(archive.id);
        await showRegistry([el("p", { class: "note", role: "status" }, `Removed ${title}.`)]);
        document.getElementById("main").focus();
      }),
    );
    place.replaceChildren(el("p", { class: "note" }, `This deletes ${archive.name} here. `, sure));
    sure.focus();
  };
  const about = (label) => ({ "aria-label": `${label} ${title}`, class: "copying" });
  const rows = archive.datasets.reduce((sum, d) => sum + (d.num_rows ?? 0), 0);
  return el(
    "li",
    null,
    el("h2", null, button(title, open, { class: "number-link" })),
    el(
      "p",
      { class: "meta" },
      [...new Set(archive.datasets.map((d) => trustNow(d, pinned)))].map(trustBadge),
      archive.datasets.some((d) => d.withdrawn) && badge("withdrawn", "bad"),
      el("span", null, countOf(rows, "row")),
      el("span", null, size(archive.bytes)),
      el("span", null, `imported ${day(archive.imported_at)}`),
      (archive.datasets[0]?.tags ?? []).slice(0, 8).map((tag) => el("span", { class: "tag" }, tag)),
    ),
    el(
      "p",
      { class: "actions" },
      button("Verify", verify, about("Verify")),
      button(
        "Export",
        attempt(async () => save(await blob(), archive.name)),
        about("Export"),
      ),
      button("Remove", remove, about("Remove")),
    ),
    place,
  );
}
