/** Signed notes and checkpoints: what other tools sign is understood, what is not signed as it should be is refused. */
import { describe, expect, it } from "vitest";
import { readCheckpoints, signCheckpoint, type TrustedKey } from "../../src/ledger/checkpoint.js";
import { makeKey, parseKey, parseNotes, signerOf } from "../../src/ledger/note.js";

/** The example of Go's golang.org/x/mod/sumdb/note. */
const PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NOTE = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

describe("a note", () => {
  it("that Go signed is checked as Go checks it", () => {
    const [note] = parseNotes(NOTE);
    expect(note && signerOf(note, [parseKey(PETER)])?.text).toBe(PETER);
    const [changed] = parseNotes(NOTE.replace("problem is.", "problem was."));
    expect(changed && signerOf(changed, [parseKey(PETER)])).toBeUndefined();
  });

  it("is found among others in one file, however they are separated", () => {
    expect(parseNotes(`${NOTE}${NOTE}\n${NOTE.replaceAll("\n", "\r\n")}`)).toHaveLength(3);
    expect(parseNotes("no note")).toEqual([]);
  });
});

describe("a public key", () => {
  it.each(["", "name", `${PETER}x+`, PETER.replace("c74f20a3", "c74f20a4"), PETER.replace("ARpc", "AhpcX")])(
    "is refused as %j",
    (text) => {
      expect(() => parseKey(text)).toThrow(expect.objectContaining({ code: "ledger.key", exit: 2 }));
    },
  );

  it("has a name without what a note's line can't hold", () => {
    expect(makeKey("Ann Other+x").public.name).toBe("Ann-Other-x");
    expect(parseKey(makeKey("ann@host").public.text).name).toBe("ann@host");
  });
});

describe("a checkpoint", () => {
  const key = makeKey("ann@host");
  const hash = "ab".repeat(32);
  const text = signCheckpoint({ ledger: "l-1", number: 42, hash }, key);
  const read = (given: string, trusted: readonly TrustedKey[]) => readCheckpoints(given, trusted, "file")[0];

  it("comes back as it was signed", () => {
    expect(text).toMatch(/^evo\.ledger\/1\/l-1\n42\n[A-Za-z0-9+/]{43}=\n\n— ann@host \S+\n$/);
    expect(read(text, [{ key: key.public }])).toMatchObject({
      status: "signed",
      checkpoint: { ledger: "l-1", number: 42, hash, key: { name: "ann@host" } },
    });
  });

  it("by a stranger is unknown; by a key that was replaced before, or changed, it is forged", () => {
    expect(read(text, [])).toMatchObject({ status: "unknown" });
    expect(read(text, [{ key: makeKey("ann@host").public }])).toMatchObject({ status: "unknown" });
    expect(read(text, [{ key: key.public, until: 41 }])).toMatchObject({ status: "forged" });
    expect(read(text, [{ key: key.public, until: 42 }])).toMatchObject({ status: "signed" });
    expect(read(text.replace("42", "43"), [{ key: key.public }])).toMatchObject({ status: "forged" });
  });

  it.each(["", "x\n", NOTE])("is none: %j", (given) => {
    expect(() => read(given, [])).toThrow(expect.objectContaining({ code: "ledger.checkpoint" }));
  });
});
