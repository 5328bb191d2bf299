// The view of an archive: signature, trust, card, columns and files of its datasets.

const FILES_MAX = 500;

class ArchiveView {
  constructor(file, described, kept) {
    Object.assign(this, { file, described, kept: kept ?? null, chosen: 0, verdict: null, fault: null });
  }

  leave() {}

  show() {
    const { datasets } = this.described;
    const title = datasets.length === 1 ? `${datasets[0].name} ${datasets[0].version}` : this.described.name;
    this.status = el("div", { class: "verdict" });
    this.body = el("div");
    show(title, this.kept ? el("p", { class: "crumbs" }, el("a", { href: "#registry" }, "Registry")) : null, this.status, this.body);
    this.drawStatus();
    this.drawDatasets();
  }

  // Shows it, and then checks all of it.
  async open() {
    this.show();
    await this.verify();
  }

  async verify() {
    this.fault = null;
    this.verdict = null;
    try {
      const { seconds } = await withJob(`Verify ${this.described.name}`, engine, (heed) => this.file.verified(heed));
      this.verdict = { ...this.file.report, seconds };
      say("The archive is intact");
    } catch (error) {
      this.fault = asFault(error);
    }
    if (view !== this) return;
    this.drawStatus();
    // Only the files change: a form that is being filled in stays.
    this.drawFiles();
  }

  get refused() {
    return (this.verdict?.datasets ?? []).filter((d) => d.outcome === "refused");
  }

  drawStatus() {
    const { verdict, fault, described } = this;
    const parts = [];
    if (fault?.kind === "interrupted")
      parts.push(
        el(
          "p",
          { class: "note" },
          "The verification was stopped. ",
          button("Verify", () => this.verify()),
        ),
      );
    else if (fault) parts.push(faultNote(fault));
    else if (!verdict) parts.push(el("p", { class: "note" }, "Verifying: rows are shown after every byte was compared with its hash."));
    else {
      for (const refused of this.refused)
        parts.push(
          faultNote({ kind: "denied", message: `${refused.name}@${refused.version}: ${refused.reason}`, hint: refused.hint ?? null }),
        );
      if (!this.refused.length)
        parts.push(
          el(
            "p",
            { class: "note good" },
            badge("intact", "good"),
            ` Every byte was compared with its hash: ${size(verdict.bytes ?? described.bytes)} in ${verdict.seconds.toFixed(2)} s. `,
          ),
        );
      parts.push(this.actions());
    }
    this.status.replaceChildren(...parts);
  }

  actions() {
    const place = el("div");
    const keep = async () => {
      try {
        const kept = await importOpen(this.file);
        place.replaceChildren(
          el(
            "p",
            { class: "hint", role: "status" },
            kept.isNew ? "Kept in the registry of this browser." : "It is in the registry already.",
          ),
        );
      } catch (error) {
        place.replaceChildren(faultNote(error));
      }
    };
    const mayKeep = !this.kept && !this.refused.length;
    return el(
      "div",
      null,
      el(
        "p",
        { class: "actions" },
        mayKeep && button("Keep in this browser", keep),
        this.kept && button("Save as a file", () => save(this.file.blob, this.described.name)),
      ),
      place,
    );
  }

  drawDatasets() {
    const { datasets, statements = [] } = this.described;
    const parts = [];
    if (datasets.length > 1) parts.push(el("h2", null, countOf(datasets.length, "dataset")), this.datasetList(datasets));
    const dataset = datasets[this.chosen];
    if (dataset) parts.push(this.dataset(dataset, datasets.length > 1));
    if (statements.length)
      parts.push(
        el("h2", null, "Statements"),
        el(
          "ul",
          null,
          statements.slice(0, 100).map((s) => el("li", null, s.text ?? `${s.kind} of ${day(s.created_at)}`)),
        ),
      );
    this.body.replaceChildren(...parts);
  }

  datasetList(datasets) {
    const choose = (n) => {
      this.chosen = n;
      this.drawDatasets();
      document.getElementById("dataset").focus();
    };
    return el(
      "ul",
      { class: "datasets" },
      datasets.map((d, n) =>
        el(
          "li",
          null,
          el(
            "p",
            { class: "meta" },
            button(`${d.name} ${d.version}`, () => choose(n), { class: "number-link", "aria-pressed": String(n === this.chosen) }),
            trustBadge(d.trust),
            el("span", null, countOf(d.num_rows ?? 0, "row")),
          ),
        ),
      ),
    );
  }

  drawFiles() {
    const dataset = this.described.datasets[this.chosen];
    if (dataset) append(this.fileBox, [this.fileBox.replaceChildren(), this.files(dataset)]);
  }

  dataset(d, isOneOfSeveral) {
    this.fileBox = el("div");
    this.drawFiles();
    const heading = isOneOfSeveral ? el("h2", { id: "dataset", tabindex: "-1" }, `${d.name} ${d.version}`) : null;
    const card = d.card_html
      ? el("div", { class: "card" }, cardElements(d.card_html))
      : d.card
        ? el("div", { class: "card" }, el("pre", { tabindex: "0" }, d.card))
        : null;
    const main = el(
      "div",
      null,
      d.description && el("p", { class: "described" }, d.description),
      el("section", null, el("h2", null, "Files"), this.fileBox),
      card && el("section", null, el("h2", null, "Card"), card),
      (d.columns ?? []).length > 0 && el("section", null, el("h2", null, "Columns"), columnsTable(d.columns)),
    );
    return el(
      "div",
      null,
      heading,
      el(
        "p",
        { class: "meta" },
        trustBadge(d.trust),
        d.withdrawn && badge("withdrawn", "bad", d.withdrawn),
        el("span", null, countOf(d.num_rows ?? 0, "row")),
        el("span", null, size(d.size_bytes ?? 0)),
        (d.tags ?? []).map((tag) => el("span", { class: "tag" }, tag)),
      ),
      el("div", { class: "columns" }, main, this.aside(d)),
    );
  }

  aside(d) {
    const facts = [
      fact("Signature", d.signature === "valid" ? "valid" : "none"),
      fact("Trust", trustSentence(d.trust), d.trust === "revoked" && d.trust_reason && el("span", { class: "hint" }, ` ${d.trust_reason}`)),
      d.publisher && fact("Publisher", d.publisher),
      d.signer &&
        fact("Key", el("span", { class: "id" }, groupedHex(d.signer)), d.fingerprint && el("span", { class: "id" }, d.fingerprint)),
      d.withdrawn && fact("Withdrawn", d.withdrawn),
      d.license && fact("Licence", d.license),
      d.created_at && fact("Made", day(d.created_at)),
      d.content_id && fact("Content id", el("span", { class: "id" }, contentId(d.content_id))),
    ];
    return el(
      "aside",
      { "aria-label": "About this dataset" },
      el("h2", null, "About"),
      el("dl", { class: "facts" }, facts.filter(Boolean)),
      d.signer && d.trust === "unknown" && this.pinning(d),
    );
  }

  pinning(d) {
    const place = el("div");
    const pinned = async () => {
      await reopen(this);
    };
    const open = () => {
      place.replaceChildren(pinForm(d.signer, d.fingerprint, pinned));
      document.getElementById("pin-name").focus();
    };
    place.append(button("Pin this key\u2026", open));
    return place;
  }

  files(d) {
    const mayOpen = this.verdict !== null && !this.fault;
    const files = (d.files ?? []).slice(0, FILES_MAX);
    const hasRows = (file) => (file.columns ?? []).length > 0 || Number.isInteger(file.rows);
    const line = (file) => {
      const name = mayOpen && hasRows(file) ? button(file.path, () => this.openFile(d, file), { class: "number-link" }) : file.path;
      return el(
        "tr",
        null,
        el("th", { scope: "row" }, name),
        el("td", null, [file.format, file.compression].filter(Boolean).join(", ")),
        el("td", { class: "number" }, Number.isInteger(file.rows) ? grouped(file.rows) : ""),
        el("td", { class: "number" }, size(file.size_bytes ?? 0)),
      );
    };
    const heads = [
      ["file", null],
      ["format", null],
      ["rows", "number"],
      ["size", "number"],
    ].map(([name, kind]) => el("th", { scope: "col", class: kind }, name));
    const left = (d.num_files ?? files.length) - files.length;
    return [
      scrolling(`Files of ${d.name}`, "", el("table", null, el("thead", null, el("tr", null, heads)), el("tbody", null, files.map(line)))),
      left > 0 && el("p", { class: "more" }, `and ${countOf(left, "further file")}`),
      !mayOpen && !this.fault && el("p", { class: "hint" }, "Files open after the verification."),
    ];
  }

  async openFile(d, file) {
    const inside = OpenFile.inside(this.file, d.number ?? this.chosen, file.path);
    const back = () => {
      setView(this);
      this.show();
    };
    try {
      const { value } = await withJob(`Open ${file.path}`, engine, async (heed) => {
        await inside.open(heed);
        return inside.call("describe", [], heed);
      });
      const table = new TableView(inside, { ...value, name: value.name ?? file.path, rows: value.rows ?? file.rows ?? null }, back);
      setView(table);
      table.show();
    } catch (error) {
      this.status.prepend(faultNote(error));
    }
  }
}

// Opens an archive again, after a key was pinned.
async function reopen(shown) {
  const { chosen, kept } = shown;
  shown.file.handle = null;
  const described = await shown.file.call("describe", []);
  const again = new ArchiveView(shown.file, described, kept);
  again.chosen = chosen;
  setView(again);
  await again.open();
}
