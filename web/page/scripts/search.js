// Rows of a table that match.

// Matches that one call finds.
const MATCHES_MAX = 500;

function showSearch(table) {
  const columns = (table.described.columns ?? []).slice(0, SCHEMA_COLUMNS_MAX);
  const pattern = el("input", {
    id: "pattern",
    type: "search",
    required: true,
    maxlength: "1000",
    autocomplete: "off",
    spellcheck: "false",
  });
  const column = el(
    "select",
    { id: "column" },
    el("option", { value: "" }, "all columns"),
    columns.map((c) => el("option", { value: c.name }, shortened(c.name, 60))),
  );
  const fixed = el("input", { id: "fixed", type: "checkbox", checked: true });
  const sum = el("p", { class: "count", role: "status" });
  const list = el("ol", { class: "matches" });
  const faults = el("div");
  const submit = (event) => {
    event.preventDefault();
    list.replaceChildren();
    run(0);
  };
  const run = async (from) => {
    faults.replaceChildren();
    sum.textContent = "Searching\u2026";
    const hits = (found) =>
      list.append(
        ...found.map((hit) =>
          el(
            "li",
            null,
            button(grouped(hit.number), () => table.row(hit.number), { class: "number-link", "aria-label": `Row ${hit.number}` }),
            el("span", { class: "snippet" }, markedText(hit.text ?? hit.json, hit.spans)),
          ),
        ),
      );
    const text = pattern.value;
    const options = {
      pattern: text,
      fixed: fixed.checked,
      ignore_case: text === text.toLowerCase(),
      column: column.value || null,
      limit: MATCHES_MAX,
      from,
    };
    try {
      const { value, seconds } = await withJob(`Search ${table.described.name}`, engine, (heed) =>
        table.file.call("search", [options], { ...heed, hits }),
      );
      const found = list.children.length;
      sum.textContent = `${grouped(found)} ${found === 1 ? "row matches" : "rows match"}${value.more ? ", and there are more" : ""}, ${seconds.toFixed(2)} s`;
      if (Number.isInteger(value.next)) faults.replaceChildren(button(`Search on from row ${grouped(value.next)}`, () => run(value.next)));
    } catch (error) {
      sum.textContent = list.children.length ? `Stopped after ${countOf(list.children.length, "row")}.` : "";
      faults.replaceChildren(faultNote(error));
    }
  };
  table.body.replaceChildren(
    el(
      "form",
      { class: "in-rows", role: "search", onsubmit: submit },
      el("label", { for: "pattern" }, "Search rows for"),
      pattern,
      el("label", { for: "column" }, "in"),
      column,
      el("span", null, fixed, " ", el("label", { for: "fixed" }, "these characters, no regular expression")),
      el("button", { type: "submit" }, "Search"),
    ),
    el("p", { class: "hint" }, "Case counts only if a letter is upper-case."),
    sum,
    list,
    faults,
  );
  pattern.focus();
}
