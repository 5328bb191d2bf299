// The view of a file with rows: rows, columns, search, check, export.

const MATCHES_MAX = 500;
const LINT_EXAMPLES = 5;
// A file of this size is counted as soon as it is shown.
const COUNTED_AT_ONCE = 256 << 20;
const EXPORT_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

class TableView {
  constructor(file, described, back) {
    Object.assign(this, { file, described, back, from: 0, starts: [0], selected: new Set(), total: described.rows ?? null });
    this.counting = null;
  }

  show() {
    const { described } = this;
    this.facts = el("p", { class: "file-facts" });
    this.body = el("div", { id: "view" });
    this.tabs = el("nav", { class: "tabs", "aria-label": "Views of this file" });
    show(
      described.name,
      this.back && el("p", { class: "crumbs" }, button("Back to the archive", this.back, { class: "copying" })),
      this.facts,
      this.tabs,
      this.body,
    );
    this.drawFacts();
    this.open("Rows");
    if (this.total === null && described.bytes <= COUNTED_AT_ONCE && !this.file.parent) this.count();
  }

  // Ends what runs beside the view.
  leave() {
    this.counting?.end();
    this.counting = null;
  }

  drawFacts() {
    const { described, total } = this;
    const form = [described.format, described.compression].filter(Boolean).join(", ");
    const rows =
      total === null
        ? this.counting
          ? el("span", null, this.countWords ?? "counting rows\u2026")
          : button("Count the rows", () => this.count(), { class: "copying" })
        : el("span", null, el("strong", null, countOf(total, "row")));
    const dialect = described.dialect && `written with \`${described.dialect.separator}\` between fields`;
    this.facts.replaceChildren(
      ...[form, size(described.bytes)].map((text) => el("span", null, text)),
      rows,
      ...[dialect, described.encoding].filter(Boolean).map((text) => el("span", null, text)),
    );
  }

  // Counts rows in a worker of its own, which then takes over, since it knows where the rows are.
  async count() {
    if (this.counting || this.file.parent) return;
    const counting = new Engine();
    this.counting = counting;
    this.drawFacts();
    const counted = new OpenFile(counting, this.file.blob, this.file.name);
    const progress = ({ done, total }) => {
      this.countWords = `counting rows: ${total ? Math.floor((100 * done) / total) : 0} %`;
      this.drawFacts();
    };
    try {
      const { rows } = await counted.call("count", [], { progress });
      if (this.counting !== counting) return;
      this.total = rows;
      if (!engine.isBusy) {
        engine.end();
        engine = counting;
        this.file = counted;
        this.counting = null;
      }
      say(countOf(rows, "row"));
      if (this.tab === "Rows") this.drawPager?.();
    } catch (error) {
      if (asFault(error).kind !== "interrupted") this.body.prepend(faultNote(error));
    } finally {
      if (this.counting === counting) {
        counting.end();
        this.counting = null;
      }
      this.drawFacts();
    }
  }

  open(tab) {
    const tabs = {
      Rows: () => this.rows(),
      Columns: () => this.columns(),
      Search: () => this.search(),
      Check: () => this.check(),
      Export: () => this.export(),
    };
    this.tab = tab;
    this.drawPager = null;
    this.tabs.replaceChildren(
      ...Object.keys(tabs).map((name) =>
        button(name, () => this.open(name), { class: "tab", "aria-current": name === tab ? "page" : null }),
      ),
    );
    // The button that was pressed is a new one now.
    if (document.activeElement === document.body) this.tabs.querySelector("[aria-current]").focus();
    tabs[tab]();
  }

  async rows() {
    const table = el("div");
    const pager = el("nav", { class: "pager", "aria-label": "Pages" });
    this.body.replaceChildren(this.goForm(), table, pager);
    const call = await this.read(table, "rows", [this.from, ROWS_A_PAGE]);
    if (!call || this.tab !== "Rows") return;
    if (call.total !== null && call.total !== undefined) this.total = call.total;
    if (!call.rows.length)
      table.replaceChildren(el("p", { class: "note" }, this.from ? "There are no rows from here on." : "The file has no rows."));
    else
      table.replaceChildren(
        ...[
          rowsTable(
            this.described,
            call.rows,
            (n) => this.row(n),
            this.selected,
            () => this.drawSelection(),
          ),
        ]
          .flat(2)
          .filter(Boolean),
      );
    const last = call.rows.at(-1)?.number;
    this.drawPager = () => {
      const before = Math.max(0, this.from - ROWS_A_PAGE);
      const words =
        last === undefined
          ? ""
          : `${grouped(call.rows[0].number)}\u2013${grouped(last)}${this.total === null ? "" : ` of ${grouped(this.total)}`}`;
      pager.replaceChildren();
      append(pager, [
        this.from > 0 && button("Previous", () => this.go(before)),
        el("span", null, words),
        call.next !== null && call.next !== undefined && button("Next", () => this.go(call.next)),
      ]);
    };
    this.drawPager();
    this.drawFacts();
    this.drawSelection();
  }

  // Reads rows; a slow read shows that it goes on.
  async read(place, name, args) {
    const timer = setTimeout(() => place.replaceChildren(el("p", { class: "hint" }, "Reading\u2026")), 200);
    try {
      return await this.file.call(name, args, {});
    } catch (error) {
      clearTimeout(timer);
      place.replaceChildren(faultNote(error));
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  go(from) {
    this.from = from;
    this.open("Rows");
    document.getElementById("view").querySelector("[role=region]")?.focus();
  }

  goForm() {
    const number = el("input", { id: "row-number", type: "number", min: "0", step: "1", required: true, value: "" });
    const submit = (event) => {
      event.preventDefault();
      this.row(Number(number.value));
    };
    this.selection = el("span", { class: "hint", role: "status" });
    return el(
      "form",
      { class: "in-rows", onsubmit: submit },
      el("label", { for: "row-number" }, "Row number"),
      number,
      el("button", { type: "submit" }, "Show"),
      this.selection,
    );
  }

  drawSelection() {
    if (!this.selection) return;
    const count = this.selected.size;
    this.selection.textContent = count ? `${countOf(count, "row")} selected: Export makes an archive of them` : "";
  }

  async row(number) {
    this.tab = "Row";
    const place = el("div");
    const step = (to, label) => button(label, () => this.row(to));
    const hasNext = this.total === null || number + 1 < this.total;
    this.body.replaceChildren(
      el("h2", { tabindex: "-1", id: "row" }, `Row ${grouped(number)}`),
      place,
      el("nav", { class: "pager", "aria-label": "Rows" }),
    );
    const ways = this.body.querySelector(".pager");
    append(ways, [
      number > 0 && step(number - 1, "Previous row"),
      hasNext && step(number + 1, "Next row"),
      button("Rows around it", () => this.go(Math.max(0, number - (number % ROWS_A_PAGE)))),
    ]);
    document.getElementById("row").focus();
    const row = await this.read(place, "row", [number]);
    if (row) place.replaceChildren(record(row), row.cut ? el("p", { class: "more" }, `The row is cut: it has ${size(row.bytes)}.`) : "");
  }

  columns() {
    const { columns = [], metadata = [], unread_columns: unread = [], repeated_names: repeated = [], schema_from: origin } = this.described;
    this.body.replaceChildren();
    const found = {
      front: "Found in the front of the file.",
      "whole file": "Found in the whole file.",
      metadata: "As the file declares them.",
    };
    append(this.body, [
      columns.length
        ? [el("p", { class: "count" }, countOf(columns.length, "column"), ". ", found[origin] ?? ""), columnsTable(columns)]
        : el("p", { class: "note" }, "The file has no columns: each row is one value."),
      repeated.length > 0 && el("p", { class: "note" }, `Names that several columns have: ${repeated.join(", ")}`),
      unread.length > 0 && [el("h2", null, "Columns that are not read"), columnsTable(unread)],
      metadata.length > 0 && [
        el("h2", null, "Metadata"),
        el(
          "dl",
          { class: "facts" },
          metadata.slice(0, 100).map(([key, value]) => fact(key, shortened(value, 2000))),
        ),
      ],
    ]);
  }

  search() {
    const columns = (this.described.columns ?? []).slice(0, SCHEMA_COLUMNS_MAX);
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
              button(grouped(hit.number), () => this.row(hit.number), { class: "number-link", "aria-label": `Row ${hit.number}` }),
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
        const { value, seconds } = await withJob(`Search ${this.described.name}`, engine, (heed) =>
          this.file.call("search", [options], { ...heed, hits }),
        );
        const found = list.children.length;
        sum.textContent = `${grouped(found)} ${found === 1 ? "row matches" : "rows match"}${value.more ? ", and there are more" : ""}, ${seconds.toFixed(2)} s`;
        if (Number.isInteger(value.next))
          faults.replaceChildren(button(`Search on from row ${grouped(value.next)}`, () => run(value.next)));
      } catch (error) {
        sum.textContent = list.children.length ? `Stopped after ${countOf(list.children.length, "row")}.` : "";
        faults.replaceChildren(faultNote(error));
      }
    };
    this.body.replaceChildren(
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

  check() {
    const place = el("div");
    const run = async () => {
      place.replaceChildren();
      try {
        const { value, seconds } = await withJob(`Check ${this.described.name}`, engine, (heed) =>
          this.file.call("lint", [{ examples: LINT_EXAMPLES }], heed),
        );
        place.replaceChildren(...findings(value, seconds, (n) => this.row(n)));
      } catch (error) {
        place.replaceChildren(faultNote(error));
      }
    };
    this.body.replaceChildren(
      el("p", null, "Reads all rows, and reports broken ones, secrets, hidden characters, wrong chats and more."),
      button("Check all rows", run),
      place,
    );
  }

  export() {
    const base = this.described.name
      .toLowerCase()
      .replace(/\.[^.]*$/, "")
      .replace(/[^a-z0-9._-]+/g, "-")
      .replace(/^[^a-z0-9]+/, "");
    const name = el("input", {
      id: "export-name",
      required: true,
      maxlength: "64",
      autocomplete: "off",
      value: `${base || "rows"}-selection`.slice(0, 64),
    });
    const version = el("input", { id: "export-version", required: true, maxlength: "40", autocomplete: "off", value: "0.1.0" });
    const rows = el("input", {
      id: "export-rows",
      required: true,
      autocomplete: "off",
      spellcheck: "false",
      value: rangesText(this.selected) || `0-${Math.min(this.total ?? 100, 100) - 1}`,
    });
    const license = el("input", { id: "export-license", maxlength: "100", autocomplete: "off", value: "" });
    const place = el("div");
    const submit = async (event) => {
      event.preventDefault();
      place.replaceChildren();
      try {
        if (!EXPORT_NAME.test(name.value))
          throw {
            kind: "invalid",
            message: `\`${name.value}\` is no name of a dataset`,
            hint: "names have lower-case letters, digits, `.`, `_` and `-`",
          };
        const options = {
          name: name.value,
          version: version.value.trim(),
          rows: parseRanges(rows.value),
          license: license.value.trim() || null,
        };
        const { value } = await withJob("Write the archive", engine, (heed) => this.file.call("export_rows", [options], heed));
        const { report, blob } = value;
        save(blob, `${report.name}-${report.version}.alimentar`);
        const keep = async () => {
          try {
            await importArchive(blob, `${report.name}-${report.version}.alimentar`);
          } catch (error) {
            place.append(faultNote(error));
          }
        };
        place.replaceChildren(
          el(
            "p",
            { class: "note", role: "status" },
            `Wrote ${countOf(report.rows, "row")} as ${report.name}@${report.version}, ${size(blob.size)}. It is not signed.`,
            el("span", { class: "id" }, report.content_id),
          ),
          button("Keep it in the registry, too", keep),
        );
      } catch (error) {
        place.replaceChildren(faultNote(error));
      }
    };
    const line = (label, input, hint) =>
      el("p", null, el("label", { for: input.id }, label), input, hint && el("span", { class: "hint" }, hint));
    this.body.replaceChildren(
      el("p", null, "Makes a new archive of some rows, as JSON Lines. It is not signed, so its readers see it as unsigned."),
      el(
        "form",
        { class: "pin", onsubmit: submit },
        line("Rows", rows, "Numbers from 0, and ranges: 0-99, 120"),
        line("Name", name),
        line("Version", version),
        line("Licence", license, "An SPDX expression, or nothing"),
        el("p", null, el("button", { type: "submit" }, "Write the archive")),
      ),
      place,
    );
  }
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
