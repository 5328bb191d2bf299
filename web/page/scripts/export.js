// The export of some rows of a table as an archive.

const EXPORT_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

function showExport(table) {
  const base = table.described.name
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
    value: rangesText(table.selected) || `0-${Math.min(table.total ?? 100, 100) - 1}`,
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
      const { value } = await withJob("Write the archive", engine, (heed) => table.file.call("export_rows", [options], heed));
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
          el("span", { class: "id" }, contentId(report.content_id)),
        ),
        button("Keep it in the registry, too", keep),
      );
    } catch (error) {
      place.replaceChildren(faultNote(error));
    }
  };
  const line = (label, input, hint) =>
    el("p", null, el("label", { for: input.id }, label), input, hint && el("span", { class: "hint" }, hint));
  table.body.replaceChildren(
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
