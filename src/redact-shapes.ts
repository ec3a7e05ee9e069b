/**
 * What looks like a credential although nobody declared it. Shapes are bounded and begin with a literal, so that a long
 * text costs no more than its length. They are a net below the declared secrets, not a replacement for them.
 */

interface Shape {
  readonly pattern: RegExp;
  /** What comes instead, given the mask; `$1` is what may stay. */
  readonly instead: (mask: string) => string;
}

/** Prefixes that their issuers publish so that scanners find them. */
const TOKENS = [
  "(?:AKIA|ASIA)[A-Z0-9]{16}",
  "gh[pousr]_[A-Za-z0-9]{16,255}",
  "github_pat_[A-Za-z0-9_]{22,255}",
  "glpat-[A-Za-z0-9_-]{16,255}",
  "pul-[A-Za-z0-9]{16,255}",
  "sk-[A-Za-z0-9_-]{16,255}",
  "[rs]k_(?:live|test)_[A-Za-z0-9]{10,255}",
  "xox[abeoprs]-[A-Za-z0-9-]{10,255}",
  "npm_[A-Za-z0-9]{30,255}",
  "AIza[A-Za-z0-9_-]{35}",
  "hv[sbr]\\.[A-Za-z0-9_-]{20,255}",
  "eyJ[A-Za-z0-9_-]{8,4096}\\.eyJ[A-Za-z0-9_-]{8,8192}\\.[A-Za-z0-9_-]{8,4096}",
].join("|");

const KEYS = "password|passwd|passphrase|secret|token|api_?key";

const SHAPES: readonly Shape[] = [
  {
    pattern: /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
    instead: (mask) => mask,
  },
  // user:password@ in a URL; the user may stay.
  {
    pattern: /:\/\/([^\s/?#:@"'<>]{0,256}):([^\s/?#"'<>]{1,1024})@/g,
    instead: (mask) => `://$1:${mask}@`,
  },
  // token@ in a URL: too long to be a user's name.
  { pattern: /:\/\/[^\s/?#:@"'<>[\]]{20,1024}@/g, instead: (mask) => `://${mask}@` },
  // A word after "bearer" is a token when it has a digit or is long; "bearer authentication" is prose.
  {
    pattern: /\b(bearer|basic)(\s{1,4})(?:(?=[^\s\d]{0,64}\d)[\w.~+/=-]{8,8192}|[\w.~+/=-]{20,8192})/gi,
    instead: (mask) => `$1$2${mask}`,
  },
  { pattern: new RegExp(`(${KEYS})=[^\\s&;,"']{1,1024}`, "gi"), instead: (mask) => `$1=${mask}` },
  {
    pattern: new RegExp(`((?:${KEYS})"\\s{0,2}:\\s{0,2}")(?:[^"\\\\]|\\\\.){1,1024}`, "gi"),
    instead: (mask) => `$1${mask}`,
  },
  { pattern: new RegExp(`(?<![A-Za-z0-9])(?:${TOKENS})`, "g"), instead: (mask) => mask },
];

/** The text with everything that looks like a credential replaced by the mask. */
export function maskShapes(text: string, mask: string): string {
  return SHAPES.reduce((masked, { pattern, instead }) => masked.replace(pattern, instead(mask)), text);
}
