// Elements. Text from files enters them as text nodes only.

// Makes an element. Attributes that begin with `on` are listeners; children are elements or texts.
function el(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value") element.value = value;
    else if (key === "checked" || key === "disabled" || key === "hidden" || key === "required") element[key] = value;
    else element.setAttribute(key, value === true ? "" : visible(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : visible(child));
  }
  return element;
}

const button = (label, onclick, attributes) => el("button", { type: "button", onclick, ...attributes }, label);

function badge(word, kind, title) {
  return el("span", { class: `badge ${kind ?? ""}`.trim(), title }, word);
}

function fact(name, ...value) {
  return el("div", null, el("dt", null, name), el("dd", null, ...value));
}

// A field with its label.
function field(label, id, attributes) {
  return [el("label", { for: id }, label), el("input", { id, autocomplete: "off", spellcheck: "false", ...attributes })];
}

// A box that scrolls sideways, which keys reach.
function scrolling(label, more, ...children) {
  return el("div", { class: `scroll ${more}`.trim(), tabindex: "0", role: "region", "aria-label": label }, ...children);
}

// Tells a screen reader something that the page shows elsewhere.
function say(text) {
  document.getElementById("said").textContent = visible(text);
}

// An error of the module, as the command line prints it.
function faultNote(fault) {
  const shown = asFault(fault);
  return el(
    "div",
    { class: "note bad", role: "alert" },
    el("p", null, el("strong", null, "error: "), shown.message),
    shown.hint && el("p", null, "hint: ", shown.hint),
  );
}

function asFault(error) {
  if (error && typeof error.message === "string" && typeof error.kind === "string") return error;
  if (error?.name === "QuotaExceededError")
    return {
      kind: "no_space",
      message: "the browser has no room left",
      hint: "remove archives from the registry, or free space on the disk",
    };
  if (error?.name === "NotReadableError" || error?.name === "NotFoundError")
    return { kind: "io", message: "the file cannot be read: the browser has no access to it any more", hint: "open it again" };
  return { kind: "io", message: String(error?.message ?? error), hint: null };
}

// Replaces the content of the page, and moves the focus to it.
function show(title, ...children) {
  const main = document.getElementById("main");
  main.replaceChildren(el("h1", null, title));
  append(main, children);
  document.title = `${visible(title)} \u00b7 alimentar`;
  return main;
}

// Offers bytes for saving.
function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = el("a", { download: name });
  link.href = url;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const CARD_ELEMENTS = new Set([
  "P",
  "UL",
  "OL",
  "LI",
  "TABLE",
  "THEAD",
  "TBODY",
  "TR",
  "TH",
  "TD",
  "CODE",
  "PRE",
  "EM",
  "STRONG",
  "DEL",
  "BLOCKQUOTE",
  "HR",
  "BR",
]);

// Copies the markup of a card, element by element: those of a list, without their attributes. Headings begin at level 3.
function cardElements(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  let level = 2;
  const copy = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return visible(node.data);
    if (node.nodeType !== Node.ELEMENT_NODE) return null;
    const children = () => [...node.childNodes].map(copy);
    if (/^H[1-6]$/.test(node.tagName)) {
      level = Math.min(Number(node.tagName[1]) + 2, level + 1, 6);
      return node.textContent.trim() ? el(`h${level}`, null, ...children()) : null;
    }
    if (node.tagName === "A") {
      const target = node.getAttribute("href") ?? "";
      const isOutside = /^(https?:\/\/|mailto:)/i.test(target);
      return isOutside
        ? el("a", { href: target, rel: "noreferrer noopener", target: "_blank" }, ...children())
        : el("span", null, ...children());
    }
    if (node.tagName === "TH") return el("th", { scope: "col" }, ...children());
    if (node.tagName === "PRE") return el("pre", { tabindex: "0" }, ...children());
    if (CARD_ELEMENTS.has(node.tagName)) return el(node.tagName.toLowerCase(), null, ...children());
    return ["SCRIPT", "STYLE", "TEMPLATE"].includes(node.tagName) ? null : children();
  };
  return [...parsed.body.childNodes].map(copy);
}
