// The registry of this browser, in IndexedDB: archives as Blobs, what they say of themselves, statements, and pinned keys.

const DATABASE = "alimentar";
const DATABASE_VERSION = 1;
// Room that stays free beside an archive, for its summary and for the browser itself.
const SPARE_BYTES = 8 << 20;
const STATEMENTS_MAX = 10_000;

let database = null;

function openDatabase() {
  database ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(DATABASE, DATABASE_VERSION);
    asked.onupgradeneeded = () => {
      const made = asked.result;
      made.createObjectStore("archives", { keyPath: "id" });
      made.createObjectStore("blobs");
      made.createObjectStore("statements");
      made.createObjectStore("keys", { keyPath: "key" });
    };
    asked.onsuccess = () => {
      // A newer version of the page in another tab may change the database.
      asked.result.onversionchange = () => asked.result.close();
      resolve(asked.result);
    };
    asked.onerror = () => reject(noStorage(asked.error));
    asked.onblocked = () =>
      reject({ kind: "io", message: "the registry is open in another tab with an older version of this page", hint: "close that tab" });
  });
  database.catch(() => (database = null));
  return database;
}

function noStorage(error) {
  return {
    kind: "io",
    message: `this browser keeps no registry: ${error?.message ?? "storage is off"}`,
    hint: "private windows and some settings forbid storage",
  };
}

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

// Runs one transaction. It is durable when this returns; if anything fails, nothing of it stays.
async function transaction(stores, mode, work) {
  const open = await openDatabase();
  const running = open.transaction(stores, mode, mode === "readwrite" ? { durability: "strict" } : undefined);
  const ended = new Promise((resolve, reject) => {
    running.oncomplete = () => resolve();
    running.onabort = () => reject(running.error ?? { kind: "io", message: "the browser did not keep it", hint: null });
  });
  // The other promise tells of a failure first.
  ended.catch(() => {});
  let value;
  try {
    value = await work((name) => running.objectStore(name));
  } catch (error) {
    try {
      running.abort();
    } catch {
      // It has ended already.
    }
    throw error;
  }
  await ended;
  return value;
}

const listArchives = () => transaction(["archives"], "readonly", (store) => settled(store("archives").getAll()));
const blobOf = (id) => transaction(["blobs"], "readonly", (store) => settled(store("blobs").get(id)));

// Says in words that an archive does not fit.
function noRoom(bytes, free) {
  const left = free === null ? "" : `, and ${size(Math.max(free, 0))} are left`;
  return {
    kind: "no_space",
    message: `the browser has no room for this archive: it needs ${size(bytes)}${left}`,
    hint: "remove archives from the registry, or free space on the disk; nothing of it was kept",
  };
}

async function freeBytes() {
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
  return quota === undefined ? null : quota - usage;
}

// Keeps a verified archive, with all that belongs to it, or nothing.
async function keepArchive(blob, name, summary) {
  const envelopes = summary.datasets.map((d) => d.envelope);
  // The same datasets make the same archive.
  const id = envelopes.slice().sort().join(" ");
  const known = await transaction(["archives"], "readonly", (store) => settled(store("archives").get(id)));
  if (known) return { id, isNew: false };
  const free = await freeBytes();
  if (free !== null && blob.size + SPARE_BYTES > free) throw noRoom(blob.size, free);
  // Without it, the browser may clear the registry when the disk is full.
  await navigator.storage?.persist?.().catch(() => false);
  const record = { id, name, bytes: blob.size, imported_at: new Date().toISOString(), datasets: summary.datasets };
  try {
    await transaction(["archives", "blobs", "statements"], "readwrite", async (store) => {
      store("archives").put(record);
      store("blobs").put(blob, id);
      const kept = await settled(store("statements").count());
      for (const hex of (summary.statements ?? []).slice(0, Math.max(STATEMENTS_MAX - kept, 0))) store("statements").put(hex, hex);
    });
  } catch (error) {
    if (error?.name === "QuotaExceededError" || error?.name === "DataError") throw noRoom(blob.size, await freeBytes());
    throw error;
  }
  return { id, isNew: true };
}

const removeArchive = (id) =>
  transaction(["archives", "blobs"], "readwrite", (store) => {
    store("archives").delete(id);
    store("blobs").delete(id);
  });

const listKeys = () => transaction(["keys"], "readonly", (store) => settled(store("keys").getAll()));
const keepKey = (key) => transaction(["keys"], "readwrite", (store) => void store("keys").put(key));
const removeKey = (key) => transaction(["keys"], "readwrite", (store) => void store("keys").delete(key));

// The keys that were pinned here and the statements of archives here, for the policy of the module.
async function trustOfBrowser() {
  try {
    return await transaction(["keys", "statements"], "readonly", async (store) => {
      const [keys, statements] = await Promise.all([settled(store("keys").getAll()), settled(store("statements").getAll())]);
      return { publishers: keys.map(({ name, key, level }) => ({ name, key, level })), statements };
    });
  } catch {
    // Without storage nothing is pinned, and every publisher is unknown.
    return { publishers: [], statements: [] };
  }
}
