// The view of a file with rows: its rows, one row, its columns. Search, check and export have files of their own.

// A file of this size is counted as soon as it is shown.
const COUNTED_AT_ONCE = 256 << 20;

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
      Search: () => showSearch(this),
      Check: () => showCheck(this),
      Export: () => showExport(this),
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
}
