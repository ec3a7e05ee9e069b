/**
 * A page of text and tables as Markdown or as one self-contained HTML file that can be handed over: nothing is loaded from
 * elsewhere, no script runs, and whatever is quoted is text. Pure.
 */
import { table, text } from "./markdown.js";

export type Block =
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "paragraph"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly string[] }
  | {
      readonly kind: "table";
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
    };

export interface Page {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** The page as Markdown, with a line end. */
export function pageMarkdown({ title, blocks }: Page): string {
  const parts = [`# ${text(title)}`, ...blocks.map(blockMarkdown)];
  return `${parts.join("\n\n")}\n`;
}

function blockMarkdown(block: Block): string {
  switch (block.kind) {
    case "heading":
      return `## ${text(block.text)}`;
    case "paragraph":
      return text(block.text);
    case "list":
      return block.items.map((item) => `- ${text(item)}`).join("\n");
    case "table":
      return table(
        block.head.map(text),
        block.rows.map((row) => row.map((cell) => text(cell) || " ")),
      ).join("\n");
  }
}

/** Reads well on paper, too. */
const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid #ccc}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.25rem .6rem;border-bottom:1px solid #e4e4e4;overflow-wrap:anywhere}
th{font-weight:600;white-space:nowrap}tr{break-inside:avoid}`;

/** Should a browser find anything to load or run all the same, it may not. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** The page as HTML, with a line end. */
export function pageHtml({ title, blocks }: Page): string {
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width">',
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    "</head>",
    "<body>",
    `<h1>${escaped(title)}</h1>`,
    ...blocks.map(blockHtml),
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

function blockHtml(block: Block): string {
  switch (block.kind) {
    case "heading":
      return `<h2>${escaped(block.text)}</h2>`;
    case "paragraph":
      return `<p>${escaped(block.text)}</p>`;
    case "list":
      return `<ul>\n${block.items.map((item) => `<li>${escaped(item)}</li>`).join("\n")}\n</ul>`;
    case "table":
      return `<table>\n${rowHtml("th", block.head)}\n${block.rows.map((row) => rowHtml("td", row)).join("\n")}\n</table>`;
  }
}

function rowHtml(tag: "th" | "td", cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
}

/** Text that is nothing but text, also in an attribute. */
function escaped(given: string): string {
  return given
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
