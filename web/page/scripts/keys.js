// Pinned keys: the publishers that this browser knows.

const LEVELS = { full: "trusted", prompt: "on consent", revoked: "revoked" };

const TRUST = {
  full: ["trusted", "good", "Signed by a publisher whose key you pinned."],
  prompt: ["on consent", "", "Signed by a publisher whose data you take only after a look."],
  revoked: ["key revoked", "bad", "Signed with a key that was revoked. Do not rely on it."],
  unknown: ["unknown publisher", "doubt", "Signed with a key that you have not pinned. Anybody can make a key."],
  unsigned: ["unsigned", "doubt", "Not signed: nobody vouches for it."],
};

function trustBadge(trust) {
  const [word, kind, sentence] = TRUST[trust] ?? [String(trust ?? "unknown"), "doubt", ""];
  return badge(word, kind, sentence);
}

const trustSentence = (trust) => TRUST[trust]?.[2] ?? "";

const groupedHex = (hex) => (hex.match(/.{1,8}/g) ?? []).join(" ");

// A form that pins a key. `done` runs after it was kept.
function pinForm(hex, fingerprint, done) {
  const faults = el("div");
  const name = el("input", { id: "pin-name", required: true, maxlength: "64", autocomplete: "off", spellcheck: "false" });
  const key = el("input", { id: "pin-key", required: true, maxlength: "80", autocomplete: "off", spellcheck: "false", value: hex ?? "" });
  const level = el(
    "select",
    { id: "pin-level" },
    Object.entries(LEVELS).map(([value, word]) => el("option", { value }, word)),
  );
  const submit = async (event) => {
    event.preventDefault();
    try {
      await pin(name.value.trim(), key.value, level.value);
      await done();
    } catch (error) {
      faults.replaceChildren(faultNote(error));
    }
  };
  return el(
    "form",
    { class: "pin", onsubmit: submit },
    fingerprint &&
      el(
        "p",
        null,
        "Compare this fingerprint with the publisher, by telephone or on paper: ",
        el("strong", { class: "fingerprint" }, fingerprint),
      ),
    el("p", null, el("label", { for: "pin-name" }, "Name"), name),
    hex ? null : el("p", null, el("label", { for: "pin-key" }, "Public key, 64 hexadecimal digits"), key),
    el("p", null, el("label", { for: "pin-level" }, "Trust"), level),
    el("p", null, el("button", { type: "submit" }, "Pin the key")),
    faults,
  );
}

// Keeps a key after the module has checked it.
async function pin(name, typed, level) {
  const hex = typed.replace(/\s+/g, "").toLowerCase();
  if (!name) throw { kind: "invalid", message: "the key has no name", hint: "give it the name of its publisher" };
  if (!/^[0-9a-f]{64}$/.test(hex)) throw { kind: "invalid", message: "this is no public key", hint: "a key has 64 hexadecimal digits" };
  const keys = await listKeys();
  if (keys.some((k) => k.name === name && k.key !== hex))
    throw { kind: "invalid", message: `another key has the name \`${name}\``, hint: "choose another name, or remove that key first" };
  const known = await engine.call("key", [hex]);
  await keepKey({
    key: hex,
    name,
    level,
    fingerprint: known?.fingerprint ?? null,
    words: known?.words ?? null,
    pinned_at: new Date().toISOString(),
  });
  await trustChanged();
  say(`Pinned the key of ${name}`);
}

// The module learns of a change.
async function trustChanged() {
  await engine.call("set_trust", [await trustOfBrowser()]);
}

async function showKeys() {
  const list = el("div");
  const refresh = async () => {
    const keys = await listKeys();
    list.replaceChildren(
      keys.length ? keysTable(keys, refresh) : el("p", { class: "note" }, "No key is pinned yet, so every publisher is unknown."),
    );
  };
  show(
    "Keys",
    el(
      "p",
      null,
      "A signature tells with which key an archive was signed. You decide whose key it is: a key that you pin here has a name, and archives with it are trusted.",
    ),
    list,
    el("h2", null, "Pin a key"),
    pinForm(null, null, async () => {
      await refresh();
      document.querySelector(".pin").reset();
    }),
  );
  await refresh().catch((error) => list.replaceChildren(faultNote(error)));
}

function keysTable(keys, refresh) {
  const row = (key) => {
    const change = async (event) => {
      await keepKey({ ...key, level: event.target.value });
      await trustChanged();
      await refresh();
    };
    const remove = async () => {
      await removeKey(key.key);
      await trustChanged();
      await refresh();
      document.getElementById("main").focus();
    };
    const level = el(
      "select",
      { "aria-label": `Trust in ${key.name}`, onchange: change },
      Object.entries(LEVELS).map(([value, word]) => el("option", { value }, word)),
    );
    level.value = key.level;
    const words = key.words && el("span", { class: "id" }, key.words);
    return el(
      "tr",
      null,
      el("th", { scope: "row" }, key.name, el("span", { class: "id" }, groupedHex(key.key)), words),
      el("td", null, level),
      el("td", null, day(key.pinned_at)),
      el("td", null, button("Remove", remove, { "aria-label": `Remove the key of ${key.name}`, class: "copying" })),
    );
  };
  const head = ["Publisher", "Trust", "Pinned", "Remove"].map((name) => el("th", { scope: "col" }, name));
  return scrolling("Pinned keys", "", el("table", null, el("thead", null, el("tr", null, head)), el("tbody", null, keys.map(row))));
}
