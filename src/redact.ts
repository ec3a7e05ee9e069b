/**
 * Keeps secrets out of everything that evo stores or shows (invariant 11): known secrets in every encoding that tools
 * commonly print them in, and what looks like a credential although nobody declared it.
 *
 * Redact first and cut afterwards: half a secret is not recognised. Do not redact identifiers that the machine reads
 * back (run, step, gate, target): a declared secret that happens to equal one would make the record unreadable.
 */
import { maskShapes } from "./redact-shapes.js";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Stands where a secret stood. Applying a redactor twice changes nothing more. */
export const MASK = "[secret]";

/**
 * Secrets shorter than this, in UTF-16 units, are masked only where they are the whole value: else a secret `a` would
 * eat every text.
 */
export const SHORTEST_SUBSTRING = 4;

/** Words that are no secret even where somebody declares one; masked only as whole values. */
const COMMON_WORDS: ReadonlySet<string> = new Set(["true", "false", "null", "none", "undefined", "http", "https"]);

/** Each line of a secret of several lines (a PEM key) is a secret of its own from this length on. */
const SHORTEST_LINE = 8;

export interface Redactor {
  /** From now on this value is masked, in all encodings. Empty strings are ignored. */
  add(secret: string): void;
  /** The text with every known or credential-shaped secret masked. */
  apply(text: string): string;
  /** The same for each string and each key of a JSON value; a number is masked where it is a whole secret. */
  json(value: Json): Json;
}

/** A literal text to be masked; `left` and `right` say that the base64 digit beside it carries some of its bits too. */
interface Needle {
  readonly text: string;
  readonly left?: boolean;
  readonly right?: boolean;
}

/** Makes a redactor that knows the given secrets; `add` teaches it more. Adding is cheap, so is a text without secrets. */
export function createRedactor(secrets: Iterable<string> = []): Redactor {
  const whole = new Set<string>();
  const needles = new Map<string, Needle>();
  let filter: RegExp | undefined;
  const add = (secret: string): void => {
    for (const form of [secret, secret.trim(), ...linesOf(secret)]) {
      if (form === "" || whole.has(form)) continue;
      whole.add(form);
      if (form.length < SHORTEST_SUBSTRING || COMMON_WORDS.has(form)) continue;
      for (const needle of needlesOf(form)) needles.set(`${needle.text}|${!!needle.left}|${!!needle.right}`, needle);
      filter = undefined;
    }
  };
  const apply = (text: string): string => {
    if (whole.has(text)) return MASK;
    filter ??= filterOf(needles.values());
    return maskShapes(filter.test(text) ? maskNeedles(text, needles.values()) : text, MASK);
  };
  const json = (value: Json): Json => redactJson(value, apply, whole);
  for (const secret of secrets) add(secret);
  return { add, apply, json };
}

/** Every string and number in a JSON value, as a secret to be added: for secret values that are no plain string. */
export function secretsOf(value: Json): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  if (value === null || typeof value === "boolean") return [];
  return (Array.isArray(value) ? value : Object.values(value)).flatMap(secretsOf);
}

/** Names of environment variables that commonly hold a credential. */
const SECRET_NAME =
  /secret|token|passw|pwd|passphrase|credential|private|api_?key|access_?key|auth(?!or(?!iz))|_key$|_dsn$|cookie/i;

/** The password in an address such as `postgres://role:password@host/db`; it ends at the last `@` before the path. */
const URL_PASSWORD = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#:@]*:([^\s/?#]+)@/i;

/**
 * Values of variables whose names say that they hold a credential, and passwords in addresses, whatever their variable
 * is called (`EVO_LEDGER_URL`). Paths (`SSH_AUTH_SOCK`) are none.
 */
export function secretsInEnvironment(env: { readonly [name: string]: string | undefined }): readonly string[] {
  return Object.entries(env).flatMap(([name, value = ""]) => {
    const password = URL_PASSWORD.exec(value)?.[1];
    const named = value !== "" && SECRET_NAME.test(name) && !value.startsWith("/") ? [value] : [];
    return password === undefined ? named : [...named, password, decoded(password)];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a bare % in it: then it is not encoded
  }
}

function linesOf(secret: string): readonly string[] {
  if (!secret.includes("\n")) return [];
  const lines = secret.split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line.length >= SHORTEST_LINE && !line.startsWith("-----"));
}

function needlesOf(secret: string): readonly Needle[] {
  const bytes = Buffer.from(secret, "utf8");
  const texts = [secret, ...jsonForms(secret), ...urlForms(bytes.toString("utf8")), ...hexForms(bytes)];
  return [...texts.map((text) => ({ text })), ...base64Forms(bytes)];
}

/** As JSON strings: plain, ASCII only (Python), HTML-safe (Go), and JSON within JSON. */
function jsonForms(secret: string): readonly string[] {
  const plain = JSON.stringify(secret).slice(1, -1);
  const ascii = plain.replace(/[\u007f-\uffff]/g, unicodeEscape);
  const html = plain.replace(/[<>&\u2028\u2029]/g, unicodeEscape);
  return [plain, ascii, html].flatMap((form) => [form, JSON.stringify(form).slice(1, -1)]);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Percent-encoded: as encodeURIComponent, as a form, as encodeURI, and strictly (RFC 3986); either case of hex digit. */
function urlForms(secret: string): readonly string[] {
  const component = encodeURIComponent(secret);
  const strict = component.replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const forms = [component, strict, component.replaceAll("%20", "+"), strict.replaceAll("%20", "+"), encodeURI(secret)];
  return forms.flatMap((form) => [form, form.replace(/%[0-9A-F]{2}/g, (digits) => digits.toLowerCase())]);
}

function hexForms(bytes: Buffer): readonly string[] {
  const hex = bytes.toString("hex");
  return [hex, hex.toUpperCase()];
}

/**
 * Inside a longer base64 text a secret begins at one of three bit positions and looks different at each. Its needle is
 * the digits that depend on nothing else; the digit at either end is shared with the neighbouring bytes.
 */
function base64Forms(bytes: Buffer): readonly Needle[] {
  return [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    const end = Math.floor(((offset + bytes.length) * 8) / 6);
    const core = text.slice(Math.ceil((offset * 8) / 6), end);
    const edges = { left: offset > 0, right: (offset + bytes.length) % 3 !== 0 };
    const url = core.replaceAll("+", "-").replaceAll("/", "_");
    return [core, url, encodeURIComponent(core)].map((form) => ({ text: form, ...edges }));
  });
}

/** Says quickly that a text holds no needle; the first characters are enough to say so and keep the pattern small. */
function filterOf(needles: Iterable<Needle>): RegExp {
  const starts = new Set([...needles].map(({ text }) => text.slice(0, 16).replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")));
  return new RegExp(starts.size === 0 ? "(?!)" : [...starts].join("|"));
}

/** Masks every occurrence, overlapping ones too, and leaves earlier masks alone. */
function maskNeedles(text: string, needles: Iterable<Needle>): string {
  const ranges = [...needles].flatMap((needle) => occurrences(text, needle)).sort((a, b) => a[0] - b[0]);
  let masked = "";
  let done = 0;
  for (const [start, end] of ranges) {
    if (end <= done) continue;
    if (start >= done) masked += start === done && done > 0 ? "" : text.slice(done, start) + MASK;
    done = end;
  }
  return masked + text.slice(done);
}

type Range = readonly [start: number, end: number];

function occurrences(text: string, needle: Needle): Range[] {
  const found: Range[] = [];
  for (let at = text.indexOf(needle.text); at >= 0; at = text.indexOf(needle.text, at + 1)) {
    if (isInMask(text, at, at + needle.text.length)) continue;
    const start = needle.left && isBase64(text[at - 1]) ? at - 1 : at;
    const end = at + needle.text.length;
    found.push([start, needle.right && isBase64(text[end]) ? end + 1 : end]);
  }
  return found;
}

/** A secret that is itself a part of `[secret]` must not mask the masks. */
function isInMask(text: string, start: number, end: number): boolean {
  const from = Math.max(0, start - MASK.length + 1);
  const mask = text.slice(from, start + MASK.length).indexOf(MASK);
  return mask >= 0 && from + mask <= start && end <= from + mask + MASK.length;
}

function isBase64(character: string | undefined): boolean {
  return character !== undefined && /[A-Za-z0-9+/_-]/.test(character);
}

function redactJson(value: Json, apply: (text: string) => string, whole: ReadonlySet<string>): Json {
  if (typeof value === "string") return apply(value);
  if (typeof value === "number") return isSecretNumber(String(value), whole) ? MASK : value;
  if (value === null || typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map((item) => redactJson(item, apply, whole));
  const entries = new Map<string, Json>();
  for (const [key, item] of Object.entries(value))
    entries.set(freeKey(entries, apply(key)), redactJson(item, apply, whole));
  return Object.fromEntries(entries);
}

/** A short number is never masked: a secret `200` would take the status out of every answer. */
function isSecretNumber(text: string, whole: ReadonlySet<string>): boolean {
  return text.length >= SHORTEST_SUBSTRING && whole.has(text);
}

/** Two keys that are masked alike stay two. */
function freeKey(taken: ReadonlyMap<string, Json>, key: string): string {
  let free = key;
  for (let number = 2; taken.has(free); number++) free = `${key} ${number}`;
  return free;
}
