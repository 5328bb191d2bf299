// Returns the faults of a page, as texts, the least contrast of its texts, and the time of its first paint.
() => {
  const faults = [];
  const say = (what, element) => faults.push(what + ": " + (element ? element.outerHTML.slice(0, 160) : ""));
  const text = (element) => (element.getAttribute("aria-label") || element.textContent || "").trim();
  const shown = (element) => element.getClientRects().length > 0;
  if (!document.documentElement.lang) say("no language");
  if (!document.title || document.title.startsWith("broken")) say("title " + document.title);
  if (document.querySelectorAll("main").length !== 1) say("no single main");
  if (document.querySelectorAll("h1").length !== 1) say("no single h1");
  let level = 0;
  for (const heading of document.querySelectorAll("h1,h2,h3,h4,h5,h6")) {
    const now = Number(heading.tagName[1]);
    if (now > level + 1) say("heading leaves a level out", heading);
    if (!text(heading)) say("empty heading", heading);
    level = now;
  }
  const ids = new Set();
  for (const element of document.querySelectorAll("[id]")) {
    if (ids.has(element.id)) say("id twice", element);
    ids.add(element.id);
  }
  for (const field of document.querySelectorAll("input:not([type=hidden]),select,textarea"))
    if (!field.labels?.length && !field.getAttribute("aria-label")) say("field without a label", field);
  for (const link of document.querySelectorAll("a[href],button,summary"))
    if (!text(link)) say("link or button without a name", link);
  for (const link of document.querySelectorAll("a[href^='#']"))
    if (link.getAttribute("href").length > 1 && !ids.has(link.getAttribute("href").slice(1))) say("link to no part", link);
  for (const picture of document.querySelectorAll("svg"))
    if (picture.getAttribute("aria-hidden") !== "true" && !picture.getAttribute("aria-label")) say("picture without a name", picture);
  if (document.querySelector("img,iframe,object,embed,style")) say("an element that no page has");
  for (const element of document.querySelectorAll("*"))
    for (const attribute of element.attributes)
      if (attribute.name === "style" || attribute.name.startsWith("on")) say("attribute " + attribute.name, element);
  for (const head of document.querySelectorAll("th:not(.card th)")) if (!head.getAttribute("scope")) say("table header without a scope", head);
  const regions = new Set();
  for (const nav of document.querySelectorAll("nav,[role=region]")) {
    const name = nav.tagName + nav.getAttribute("aria-label");
    if (!nav.getAttribute("aria-label") || regions.has(name)) say("landmark without a name of its own", nav);
    regions.add(name);
  }
  for (const box of document.querySelectorAll("*")) {
    const style = getComputedStyle(box);
    const scrolls = ["auto", "scroll"].includes(style.overflowX) && box.scrollWidth > box.clientWidth + 1;
    if (scrolls && box !== document.documentElement && box.tabIndex < 0) say("scrolls, and no key reaches it", box);
  }
  if (document.scrollingElement.scrollWidth > innerWidth + 1) say("wider than the window: " + document.scrollingElement.scrollWidth);

  const parse = (color) => {
    const parts = color.match(/[\d.]+/g).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  let least = 21;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || seen.has(element) || !shown(element)) continue;
    seen.add(element);
    if (element.closest(".unseen,.skip,svg,option")) continue;
    let below = element, back = { rgb: [0, 0, 0], alpha: 0 };
    while (below && back.alpha === 0) { back = parse(getComputedStyle(below).backgroundColor); below = below.parentElement; }
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color).rgb), light(back.rgb)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    least = Math.min(least, ratio);
    if (ratio < 4.5) say("contrast " + ratio.toFixed(2), element);
  }
  return { faults, least, paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null };
}
