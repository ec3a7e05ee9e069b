/** Pieces of Markdown in which nothing of what is quoted acts as markup. Pure. */

/** A table; cells are Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

/** Text that is nothing but text: no markup, no HTML, no link, no line of its own. */
export function text(given: string): string {
  return oneLine(given)
    .replace(/[\\`*_{}[\]#+!|~@]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

/** A name or a value, as it is; in a table's cell a bar would end the cell even here. */
export function code(given: string): string {
  const longest = Math.max(0, ...[...given.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const space = longest > 0 ? " " : "";
  return `${fence}${space}${oneLine(given).replaceAll("|", "\\|")}${space}${fence}`;
}

/** What an engine says has lines and signs of its own. */
export function quoted(given: string): readonly string[] {
  const longest = Math.max(2, ...[...given.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return [`${fence}text`, ...given.split(/\r\n|\r|\n/), fence];
}

function oneLine(given: string): string {
  return given.replace(/\s+/g, " ");
}
