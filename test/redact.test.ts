import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRedactor, MASK, secretsInEnvironment, secretsOf } from "../src/redact.js";

const SECRET = 'pä$$"w/o+rd\n<é>&12';
const CANARY = "canary-7f3a9e";

/** Neutral text that no shape takes for a credential. */
const redacted = (text: string, ...secrets: string[]) => createRedactor(secrets).apply(text);

describe("apply", () => {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const encodings: readonly (readonly [string, string])[] = [
    ["as it is", SECRET],
    ["JSON", JSON.stringify(SECRET).slice(1, -1)],
    ["JSON in JSON", JSON.stringify(JSON.stringify(SECRET)).slice(3, -3)],
    ["JSON, ASCII only", 'p\\u00e4$$\\"w/o+rd\\n<\\u00e9>&12'],
    ["JSON, safe in HTML", 'pä$$\\"w/o+rd\\n\\u003cé\\u003e\\u002612'],
    ["URL component", encodeURIComponent(SECRET)],
    ["URL component, lower case", encodeURIComponent(SECRET).replace(/%../g, (c) => c.toLowerCase())],
    ["form", new URLSearchParams({ a: SECRET }).toString().slice(2)],
    ["base64", base64(SECRET)],
    ["base64 without padding", base64(SECRET).replace(/=+$/, "")],
    ["base64url", Buffer.from(SECRET).toString("base64url")],
    ["base64 in a URL", encodeURIComponent(base64(SECRET)).replace(/%3D/g, "")],
    ["hex", Buffer.from(SECRET).toString("hex")],
    ["hex, upper case", Buffer.from(SECRET).toString("hex").toUpperCase()],
  ];
  it.each(encodings)("masks %s", (_, encoded) => {
    expect(redacted(`<${encoded}>`, SECRET).replace(/=+>/, ">")).toBe(`<${MASK}>`);
  });

  it("masks a secret within a longer base64 text, neighbouring digits included, and leaves the rest", () => {
    expect(redacted(base64(`user:${CANARY}`), CANARY)).toBe(`dXNlcj${MASK}`);
    expect(redacted(base64(`abc${CANARY}xyz`), CANARY)).toBe(`YWJj${MASK}h5eg==`);
  });

  it("masks every occurrence, also overlapping and adjacent ones", () => {
    expect(redacted("abcdef abcd cdef", "abcd", "cdef")).toBe(`${MASK} ${MASK} ${MASK}`);
    expect(redacted("abcdabcd", "abcd")).toBe(MASK);
    expect(redacted("xaaaaaaax", "aaaa")).toBe(`x${MASK}x`);
  });

  it("masks the longer of two secrets whole", () => {
    expect(redacted("long-secret-1", "secret", "long-secret-1")).toBe(MASK);
  });

  it("masks a short secret and a common word only where it is the whole value", () => {
    expect(redacted("a cat", "a", "true")).toBe("a cat");
    expect(redacted("a", "a")).toBe(MASK);
    expect(redacted("it is true", "true")).toBe("it is true");
    expect(redacted("true", "true")).toBe(MASK);
  });

  it("knows a secret without the white space around it, and each line of one of several", () => {
    expect(redacted(`value ${CANARY}.`, `${CANARY}\n`)).toBe(`value ${MASK}.`);
    expect(redacted("line two-of-three", "one-of-three\ntwo-of-three\nthree-of-three")).toBe(`line ${MASK}`);
  });

  it("knows secrets from the moment they are added", () => {
    const redactor = createRedactor();
    expect(redactor.apply(CANARY)).toBe(CANARY);
    redactor.add(CANARY);
    expect(redactor.apply(CANARY)).toBe(MASK);
    redactor.add("");
    expect(redactor.apply("")).toBe("");
  });

  it("leaves its own masks alone, even where a secret is part of one", () => {
    const redactor = createRedactor(["secret", "[secret]", "ecre"]);
    expect(redactor.apply("my secret")).toBe(`my ${MASK}`);
    expect(redactor.apply(redactor.apply("my secret"))).toBe(`my ${MASK}`);
  });

  it("needs no more time for a large text than for its length", () => {
    const redactor = createRedactor(Array.from({ length: 20 }, (_, i) => `secret-number-${i}`));
    const text = `${"eyJa://bearer AKIA".repeat(20_000)}secret-number-7${"a".repeat(200_000)}`;
    expect(redactor.apply(text)).not.toContain("secret-number-7");
  });
});

describe("apply, by shape", () => {
  const shapes: readonly (readonly [string, string])[] = [
    ["postgres://user:pass@db:5432/x?a=b", `postgres://user:${MASK}@db:5432/x?a=b`],
    ["https://user:p%40ss@host and mailto a@b", `https://user:${MASK}@host and mailto a@b`],
    ["https://user:p@ss@host/", `https://user:${MASK}@host/`],
    ["git+ssh://git@github.com/a:b@c", "git+ssh://git@github.com/a:b@c"],
    ["https://0123456789abcdef01234567@host/", `https://${MASK}@host/`],
    ["http://host:8080/@scope/name", "http://host:8080/@scope/name"],
    ["Authorization: Bearer abc.def-123", `Authorization: Bearer ${MASK}`],
    ["authorization: basic dXNlcjpwYXNzd29yZA==", `authorization: basic ${MASK}`],
    ["bearer authentication failed", "bearer authentication failed"],
    ["id AKIAABCDEFGHIJKLMNOP.", `id ${MASK}.`],
    ["ghp_abcdefghijklmnopqrst", MASK],
    ["pul-0123456789abcdef0123456789abcdef01234567", MASK],
    ["key sk-proj-0123456789abcdefghij", `key ${MASK}`],
    ["a task-name-that-is-quite-long", "a task-name-that-is-quite-long"],
    ["host=h password=hunter2 dbname=d", `host=h password=${MASK} dbname=d`],
    ["DB_PASSWORD=hunter2", `DB_PASSWORD=${MASK}`],
    ["/cb?access_token=abc&x=1", `/cb?access_token=${MASK}&x=1`],
    ['{"dbPassword": "hun\\"ter2","x":"y"}', `{"dbPassword": "${MASK}","x":"y"}`],
    ["jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", `jwt ${MASK}`],
    ["-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----\n", `${MASK}\n`],
    ["password authentication failed for user", "password authentication failed for user"],
    ["urn:pulumi:dev::app::aws:s3/bucket:Bucket::logs", "urn:pulumi:dev::app::aws:s3/bucket:Bucket::logs"],
  ];
  it.each(shapes)("%s", (text, masked) => {
    const redactor = createRedactor();
    expect(redactor.apply(text)).toBe(masked);
    expect(redactor.apply(masked)).toBe(masked);
  });
});

describe("json", () => {
  it("masks strings, keys and whole numbers at any depth, and keeps colliding keys apart", () => {
    const { json } = createRedactor([CANARY, "other-secret", "4711"]);
    expect(json({ [CANARY]: 1, "other-secret": [CANARY, 4711, 14711, true, null], a: { b: `x${CANARY}` } })).toEqual({
      [MASK]: 1,
      [`${MASK} 2`]: [MASK, MASK, 14711, true, null],
      a: { b: `x${MASK}` },
    });
  });
});

describe("json, numbers", () => {
  it("leaves short numbers alone, which say nothing and stand everywhere", () => {
    expect(createRedactor(["200"]).json({ status: 200, text: "200" })).toEqual({ status: 200, text: MASK });
  });
});

describe("secretsOf and secretsInEnvironment", () => {
  it("finds the strings and numbers of a secret value", () => {
    expect(secretsOf({ a: ["x", 1, true, null], b: { c: "y" } })).toEqual(["x", "1", "y"]);
  });
  it("goes by the variable's name", () => {
    const env = {
      API_TOKEN: "t",
      PGPASSWORD: "p",
      HOME: "/home/x",
      SSH_AUTH_SOCK: "/tmp/s",
      AWS_SECRET_ACCESS_KEY: "k",
    };
    expect(secretsInEnvironment(env)).toEqual(["t", "p", "k"]);
  });
  it("takes no author for a credential", () => {
    expect(secretsInEnvironment({ GIT_AUTHOR_NAME: "team", AUTHORIZATION: "a" })).toEqual(["a"]);
  });
  it("finds the password in an address, as it is and decoded, whatever the variable is called", () => {
    const env = { EVO_LEDGER_URL: "postgres://evo:p%40ss@db:5432/evo", PROXY: "http://proxy:8080", NONE: undefined };
    expect(secretsInEnvironment(env)).toEqual(["p%40ss", "p@ss"]);
  });
});

describe("properties", () => {
  const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
  const secret = fc.string({ minLength: 4, maxLength: 40, unit: "grapheme" }).filter((text) => text.trim().length >= 4);

  /** The base64 digits, from the first to the last, that carry a bit of bytes [from, to). */
  const carrying = (text: string, from: number, to: number) =>
    text.slice(Math.floor((from * 8) / 6), Math.ceil((to * 8) / 6));

  it.each(["base64", "base64url"] as const)("no alignment of %s escapes", (encoding) => {
    fc.assert(
      fc.property(secret, bytes, bytes, (value, before, after) => {
        const inner = Buffer.from(value);
        const text = Buffer.concat([before, inner, after]).toString(encoding);
        const digits = carrying(text, before.length, before.length + inner.length);
        expect(redacted(text, value)).not.toContain(digits);
      }),
    );
  });

  it("no plain, escaped or encoded form of a secret is left, wherever it stands", () => {
    const encode = fc.constantFrom(
      (text: string) => text,
      (text: string) => JSON.stringify(text).slice(1, -1),
      (text: string) => encodeURIComponent(text),
      (text: string) => Buffer.from(text).toString("hex"),
    );
    fc.assert(
      fc.property(secret, encode, fc.string(), fc.string(), (value, form, before, after) => {
        const encoded = form(value);
        fc.pre(!MASK.includes(encoded));
        expect(redacted(before + encoded + after, value)).not.toContain(encoded);
      }),
    );
  });

  it("applying it twice changes nothing more", () => {
    fc.assert(
      fc.property(secret, fc.string({ unit: "grapheme" }), (value, text) => {
        const once = redacted(text + value, value);
        expect(redacted(once, value)).toBe(once);
      }),
    );
  });
});
