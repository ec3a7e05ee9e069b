/**
 * Finds keys and names in TypeScript or JSON source text, well enough to point at them. No parser: it knows strings,
 * comments and brackets, and errs only in where a message points.
 */
import type { SourceLocation } from "../errors.js";

interface Token {
  readonly kind: "word" | "string" | "open" | "close" | "other";
  readonly text: string;
  readonly offset: number;
}

const TOKEN = new RegExp(
  [
    /(?<skip>\s+|\/\/[^\n]*|\/\*.*?\*\/)/,
    /(?<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)/,
    /(?<word>[\p{L}\p{N}_$]+)/u,
    /(?<open>[([{])/,
    /(?<close>[)\]}])/,
    /./,
  ]
    .map((part) => part.source)
    .join("|"),
  "suy",
);

function* tokens(text: string, from: number): Generator<Token> {
  const pattern = new RegExp(TOKEN);
  pattern.lastIndex = from;
  for (let found = pattern.exec(text); found !== null && found[0] !== ""; found = pattern.exec(text)) {
    const { skip, string, word, open, close } = found.groups!;
    if (skip !== undefined) continue;
    const kind = string ? "string" : word ? "word" : open ? "open" : close ? "close" : "other";
    yield { kind, text: string === undefined ? found[0] : string.slice(1, -1), offset: found.index };
  }
}

interface Found {
  readonly offset: number;
  readonly depth: number;
}

/** Every key or string in the bracket that opens first at or after `from`, with its depth below it. */
function* inside(
  text: string,
  from: number,
  wanted: (token: Token, next: Token | undefined) => boolean,
): Generator<Found> {
  let depth = 0;
  let last: Token | undefined;
  for (const token of tokens(text, from)) {
    if (last !== undefined && wanted(last, token)) yield { offset: last.offset, depth };
    last = token;
    if (token.kind === "open") depth++;
    if (token.kind === "close" && --depth <= 0) return;
  }
}

/** The offset of a property `key` in the bracket that opens at or after `from`: the least nested one, the first of those. */
export function findKey(text: string, from: number, key: string): number | undefined {
  const isKey = (token: Token, next: Token | undefined) =>
    (token.kind === "word" || token.kind === "string") && token.text === key && /^[:,}]$/.test(next?.text ?? "");
  return least(inside(text, from, isKey));
}

/** The offset of a string literal with this content in the bracket that opens at or after `from`. */
export function findString(text: string, from: number, content: string): number | undefined {
  return least(inside(text, from, (token) => token.kind === "string" && token.text === content));
}

function least(found: Iterable<Found>): number | undefined {
  return [...found].reduce<Found | undefined>((best, one) => (best && best.depth <= one.depth ? best : one), undefined)
    ?.offset;
}

/** Where a call of `builder` starts on this line: the one that is given the name, else the first, else the line's text. */
export function findCall(text: string, line: number, builder: string, name: string | undefined): number {
  const start = offsetOf(text, line);
  const content = text.slice(start, endOfLine(text, start));
  const called = `\\b${quoted(builder)}\\s*\\(`;
  const patterns = [...(name === undefined ? [] : [`${called}\\s*["'\`]${quoted(name)}["'\`]`]), called, "\\S"];
  return start + (patterns.map((pattern) => content.search(pattern)).find((at) => at >= 0) ?? 0);
}

function quoted(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function offsetOf(text: string, line: number): number {
  let offset = 0;
  for (let at = 1; at < line; at++) {
    const end = text.indexOf("\n", offset);
    if (end < 0) return offset;
    offset = end + 1;
  }
  return offset;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

/** Line and column, from 1, of an offset. */
export function locationOf(file: string, text: string, offset: number): SourceLocation {
  const before = text.slice(0, offset);
  return { file, line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/** The offset of the value at a path in a JSON text, or of the nearest thing around it that is there. */
export function findInJson(text: string, path: readonly PropertyKey[]): number {
  let offset = 0;
  for (const key of path) {
    const next = typeof key === "number" ? findElement(text, offset, key) : findMember(text, offset, String(key));
    if (next === undefined) return offset;
    offset = next;
  }
  return offset;
}

function findMember(text: string, from: number, key: string): number | undefined {
  const isKey = (token: Token, next: Token | undefined) =>
    token.kind === "string" && token.text === key && next?.text === ":";
  return [...inside(text, from, isKey)].find(({ depth }) => depth === 1)?.offset;
}

function findElement(text: string, from: number, index: number): number | undefined {
  let depth = 0;
  let count = -1;
  let begins = false;
  for (const token of tokens(text, from)) {
    if (depth === 0 && token.kind !== "open") continue; // the key and its colon
    if (begins && token.kind !== "close") {
      count++;
      begins = false;
      if (count === index) return token.offset;
    }
    if (token.kind === "open" && ++depth === 1) begins = true;
    if (token.kind === "close" && --depth <= 0) return undefined;
    if (token.text === "," && token.kind === "other" && depth === 1) begins = true;
  }
  return undefined;
}
