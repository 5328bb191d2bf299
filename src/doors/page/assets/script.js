// Search while it is typed, and buttons that copy. Every page works without it.
"use strict";

(() => {
  const field = document.getElementById("q");
  const results = document.getElementById("results");
  const count = document.getElementById("count");
  if (!field || !results || !count || location.pathname !== "/") return;
  const heading = document.querySelector("h1");
  let timer = 0;
  let asked = null;

  const show = async () => {
    asked?.abort();
    asked = new AbortController();
    const words = field.value.trim();
    const place = words ? "/?q=" + encodeURIComponent(words) : "/";
    try {
      const answer = await fetch(place, { signal: asked.signal });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById("results");
      if (!found) return;
      results.replaceChildren(...found.childNodes);
      count.textContent = page.getElementById("count").textContent;
      heading.textContent = page.querySelector("h1").textContent;
      document.title = page.title;
      history.replaceState(null, "", place);
      addButtons(results);
    } catch {
      // A later question replaced this one, or the server is away: the button of the form still asks.
    }
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 120);
  });
})();

function addButtons(root) {
  if (!navigator.clipboard) return;
  for (const block of root.querySelectorAll("pre.copy")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copying";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    block.after(button);
  }
}

addButtons(document);
