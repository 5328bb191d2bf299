// The check of all rows of a table.

// Examples of a finding.
const LINT_EXAMPLES = 5;

function showCheck(table) {
  const place = el("div");
  const run = async () => {
    place.replaceChildren();
    try {
      const { value, seconds } = await withJob(`Check ${table.described.name}`, engine, (heed) =>
        table.file.call("lint", [{ examples: LINT_EXAMPLES }], heed),
      );
      place.replaceChildren(...findings(value, seconds, (n) => table.row(n)));
    } catch (error) {
      place.replaceChildren(faultNote(error));
    }
  };
  table.body.replaceChildren(
    el("p", null, "Reads all rows, and reports broken ones, secrets, hidden characters, wrong chats and more."),
    button("Check all rows", run),
    place,
  );
}

// The report of a check.
function findings(report, seconds, onrow) {
  const found = report.rules.filter((rule) => rule.count > 0);
  const sum = `${countOf(report.checked, "row")}: ${countOf(report.errors, "error")}, ${countOf(report.warnings, "warning")}, ${countOf(report.notes, "note")}, ${seconds.toFixed(2)} s`;
  const kinds = { error: "bad", warning: "doubt", note: "" };
  const example = (e) =>
    el(
      "li",
      null,
      Number.isInteger(e.n) ? button(`row ${grouped(e.n)}`, () => onrow(e.n), { class: "number-link" }) : null,
      " ",
      e.message,
      e.excerpt && el("code", { class: "excerpt" }, e.excerpt),
    );
  return [
    el("p", { class: "count", role: "status" }, sum),
    ...found.map((rule) =>
      el(
        "section",
        { "aria-label": rule.rule },
        el(
          "h2",
          null,
          rule.rule,
          " ",
          badge(rule.severity, kinds[rule.severity]),
          " ",
          el("span", { class: "version" }, countOf(rule.count, "row")),
        ),
        rule.summary && el("p", { class: "hint" }, rule.summary),
        el("ul", null, (rule.examples ?? []).map(example)),
      ),
    ),
  ];
}
