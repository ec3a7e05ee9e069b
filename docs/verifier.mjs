#!/usr/bin/env node
/**
 * A second verifier of an evo ledger, written from docs/ledger-format.md. It shares no code with evo and needs nothing but
 * Node 20; for a database, also the npm package `pg`. Read it before you trust it.
 *
 *   node verifier.mjs --file export.jsonl            [--key <public key>]... [--against <file>]...
 *   node verifier.mjs --database postgres://...      [--key <public key>]... [--against <file>]...
 *
 * --key      a public key whose checkpoints you believe: <name>+<id>+<base64>
 * --against  checkpoints by such a key, or an export, that you kept elsewhere
 *
 * Prints one JSON document. Exit 0: sound; 10: broken, `broken.number` is the first bad entry; 2: wrong use.
 */
import { createHash, createPublicKey, verify } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");
const ZEROS = "0".repeat(64);

// ------------------------------------------------------------------------------------------------------ entries

/** RFC 8785: keys by UTF-16 code units; strings and numbers as ECMAScript writes them. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const keys = Object.keys(value).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

const field = (value) => (value === null || value === undefined ? "-," : `${Buffer.byteLength(`${value}`)}:${value},`);

function hashOf(ledger, e) {
  const causes = e.cause_numbers.map((number, i) => field(number) + field(e.cause_hashes[i])).join("");
  const columns = [ledger, e.number, e.time, e.type, e.version, e.sequence, e.run, e.step, e.operation, e.stack];
  const rest = [e.rehearsal ? "true" : "false", e.claimed, e.authenticated, causes, e.text, e.previous];
  return sha256(`evo.entry/1\n${[...columns, ...rest].map(field).join("")}`);
}

/** The record as it goes by: hashes of what was right, what it says of looks, runs and keys, and the first fault of each kind. */
function startRecord(head) {
  return { head, last: 0, hashes: [ZEROS], claims: new Map(), runs: new Map(), rotations: [], faults: [] };
}

function takeEntry(record, e) {
  const reason = faultOf(record, e);
  if (reason !== undefined) {
    record.faults.push({ number: record.last + 1, reason });
    return false;
  }
  record.last = e.number;
  record.hashes.push(e.hash);
  const body = JSON.parse(e.text);
  if (e.type === "key.rotated") record.rotations.push({ entry: e.number, ...body });
  if (e.run !== null && e.run !== undefined) {
    const known = record.runs.get(e.run) ?? { version: 0 };
    record.runs.set(e.run, { version: known.version + 1, last: e.number });
    if (Array.isArray(body.samples) && typeof body.gate === "string")
      for (const claim of body.samples) claimsOf(record, e.run, body.gate, claim.target).push({ ...claim, entry: e.number, digest: "" });
  }
  return true;
}

function faultOf({ head, last, hashes }, e) {
  if (e.number !== last + 1) return "missing";
  if (hashOf(head.ledger, e) !== e.hash) return "content differs from hash";
  if (e.previous !== hashes[last]) return "does not follow the entry before";
  try {
    if (canonical(JSON.parse(e.text)) !== e.text) return "text is not canonical";
  } catch {
    return "text is not JSON";
  }
  if (e.body !== undefined && canonical(e.body) !== e.text) return "derived column differs";
  const wrong = e.cause_numbers.findIndex((number, i) => !(number >= 1 && number <= last) || hashes[number] !== e.cause_hashes[i]);
  return wrong < 0 ? undefined : `cause ${e.cause_numbers[wrong]} is not that entry`;
}

// --------------------------------------------------------------------------------------------------------- looks

function claimsOf(record, ...key) {
  const name = JSON.stringify(key);
  if (!record.claims.has(name)) record.claims.set(name, []);
  return record.claims.get(name);
}

function takeLook(record, { run, gate, target, number, began, text }) {
  for (const claim of record.claims.get(JSON.stringify([run, gate, target])) ?? []) {
    if (number < claim.from || number > claim.to) continue;
    const look = JSON.parse(text);
    claim.digest = sha256(claim.digest, text);
    claim.strange ||= look.number !== number || look.began !== began;
    claim.reached = number;
  }
}

function endLooks(record) {
  for (const [key, claims] of record.claims)
    for (const { entry, digest, sha256: wanted, to, reached, strange } of claims)
      if (digest !== wanted || reached !== to || strange) record.faults.push({ number: entry, reason: `raw looks of ${key} differ from their digest` });
}

// ------------------------------------------------------------------------------------------- keys and checkpoints

function parseKey(text) {
  const [, name, id, base64] = /^([^\s+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text.trim()) ?? [];
  const typed = Buffer.from(base64 ?? "", "base64");
  if (typed.length !== 33 || typed[0] !== 1 || sha256(`${name}\n`, typed).slice(0, 8) !== id) throw new Error(`no public key: ${text}`);
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: typed.subarray(1).toString("base64url") }, format: "jwk" });
  return { text: text.trim(), name, id, key };
}

/** Trusted keys, and those that took their place: the old key signs for the new one, and may sign nothing later. */
function withRotations(ledger, keys, rotations) {
  const trusted = new Map(keys.map((key) => [key.text, key]));
  for (const { entry, key, previous, signature } of rotations) {
    const before = trusted.get(previous);
    if (before === undefined || before.until !== undefined) continue;
    const signed = Buffer.from(`evo.key/1\n${ledger}\n${key}\n`);
    if (!verify(null, signed, before.key, Buffer.from(signature, "base64"))) continue;
    before.until = entry;
    if (!trusted.has(key)) trusted.set(key, parseKey(key));
  }
  return [...trusted.values()];
}

/** C2SP signed notes, one after the other. `status`: signed by a trusted key, by a stranger, or falsely. */
function readCheckpoints(text, trusted) {
  const found = [];
  for (const [, body, signatures] of text.matchAll(/((?:[^\n]+\n)+)\n((?:\u2014 \S+ \S+\n)+)/g)) {
    const [origin, number, root] = body.split("\n");
    if (!origin.startsWith("evo.ledger/1/") || !/^\d+$/.test(number)) throw new Error("no checkpoint of an evo ledger");
    const anchor = { ledger: origin.slice(13), number: Number(number), hash: Buffer.from(root, "base64").toString("hex") };
    let status = "unknown";
    for (const line of signatures.trimEnd().split("\n")) {
      const [, name, base64] = line.split(" ");
      const bytes = Buffer.from(base64, "base64");
      const key = trusted.find((one) => one.name === name && one.id === bytes.toString("hex", 0, 4));
      if (key === undefined) continue;
      const sound = verify(null, Buffer.from(body), key.key, bytes.subarray(4));
      status = sound && anchor.number <= (key.until ?? Infinity) && status !== "forged" ? "signed" : "forged";
      anchor.by = `${name}+${key.id}`;
    }
    found.push({ ...anchor, status });
  }
  return found;
}

// ---------------------------------------------------------------------------------------------------- two sources

async function* linesOf(file) {
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) yield JSON.parse(line);
}

/** An export gives its lines in the order in which they are needed. */
async function* fromFile(file) {
  for await (const line of linesOf(file)) {
    const { ledger: head, entry, sample, checkpoint } = line;
    if (head) yield { head: { ledger: head.id, number: head.number, hash: head.hash, newest: head.number } };
    else if (entry) yield { entry };
    else if (sample) yield { sample };
    else if (checkpoint) yield { checkpoint };
  }
}

async function* fromDatabase(url) {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const ask = async (sql, values) => (await client.query(sql, values)).rows;
    const [head] = await ask("select h.*, coalesce((select number from evo.readable_entries order by number desc limit 1), 0) as newest from evo.readable_head h");
    yield { head: { ...head, number: Number(head.number), newest: Number(head.newest) } };
    const page = "select * from evo.readable_entries where number > $1 and number <= $2 order by number limit 1000";
    for (let last = 0, rows; (rows = await ask(page, [last, head.number])).length > 0; last = Number(rows.at(-1).number))
      for (const row of rows) yield { entry: { ...row, number: Number(row.number), cause_numbers: row.cause_numbers.map(Number) } };
    const looks = "select * from evo.readable_samples where run = $1 order by gate, target, number, began";
    for (const { run } of await ask("select distinct run from evo.readable_entries where type like 'gate.%' and body ? 'samples'"))
      for (const row of await ask(looks, [run])) yield { sample: { ...row, number: Number(row.number), began: Number(row.began) } };
    for (const row of await ask("select run, version, last from evo.readable_runs")) yield { run: { ...row, version: Number(row.version), last: Number(row.last) } };
  } finally {
    await client.end();
  }
}

// --------------------------------------------------------------------------------------------------------- verdict

async function main(args) {
  const given = (name) => args.flatMap((word, i) => (word === name ? [args[i + 1]] : []));
  const [file, url, keys] = [given("--file")[0], given("--database")[0], given("--key").map(parseKey)];
  if ((file === undefined) === (url === undefined)) throw new Error("give --file or --database");
  const { record, notes } = await read(file === undefined ? fromDatabase(url) : fromFile(file));
  const trusted = withRotations(record.head.ledger, keys, record.rotations);
  const anchors = readCheckpoints(notes.join("\n"), trusted).filter(({ status }) => status !== "unknown");
  for (const other of given("--against")) await holdAgainst(record, other, trusted, anchors);
  const anchored = compare(record, anchors);
  const broken = record.faults.sort((a, b) => a.number - b.number)[0];
  console.log(JSON.stringify({ ledger: record.head.ledger, checked: broken ? Math.min(record.last, broken.number - 1) : record.last, anchored, broken }));
  return broken === undefined ? 0 : 10;
}

async function read(source) {
  const notes = [];
  let record;
  let going = true;
  for await (const { head, entry, sample, run, checkpoint } of source) {
    if (head) record = startRecord(head);
    if (checkpoint) notes.push(checkpoint);
    if (entry && going) going = takeEntry(record, entry);
    if (sample) takeLook(record, sample);
    if (run && going) checkRun(record, run);
  }
  const { head, last, hashes, faults } = record;
  if (going && last < head.number) faults.push({ number: last + 1, reason: "missing" });
  else if (going && hashes[last] !== head.hash) faults.push({ number: last, reason: "the head has another hash" });
  if (head.newest > head.number) faults.push({ number: head.number + 1, reason: "beyond the head" });
  endLooks(record);
  if (going && record.indexed) for (const [run, { last }] of record.runs) faults.push({ number: last, reason: `run ${run} is not in the index` });
  return { record, notes };
}

function checkRun(record, { run, version, last }) {
  record.indexed = true;
  const seen = record.runs.get(run);
  record.runs.delete(run);
  if (last <= record.last && (seen?.version !== version || seen.last !== last)) record.faults.push({ number: last, reason: `the index is wrong about run ${run}` });
}

async function holdAgainst(record, file, trusted, anchors) {
  if (!readFileSync(file, "utf8").startsWith('{"ledger":')) {
    const found = readCheckpoints(readFileSync(file, "utf8"), trusted);
    if (found.length === 0) throw new Error(`${file} holds no checkpoint`);
    return anchors.push(...found);
  }
  for await (const { ledger, entry } of linesOf(file)) {
    if (ledger && ledger.id !== record.head.ledger) record.faults.push({ number: 1, reason: `${file} is of ledger ${ledger.id}` });
    if (ledger && ledger.number > record.head.number) record.faults.push({ number: record.head.number + 1, reason: `gone: ${file} has ${ledger.number}` });
    if (entry && entry.number <= record.last && record.hashes[entry.number] !== entry.hash)
      return record.faults.push({ number: entry.number, reason: `${file} has another entry there` });
  }
}

/** The newest checkpoint that fits; the first that doesn't is a fault of what came after the one before it. */
function compare(record, anchors) {
  let good = 0;
  for (const { ledger, number, hash, by, status } of anchors.sort((a, b) => a.number - b.number)) {
    if (ledger !== record.head.ledger) record.faults.push({ number: 1, reason: `the checkpoint is of ledger ${ledger}` });
    else if (status !== "signed") record.faults.push({ number, reason: `the checkpoint at ${number} is not signed by a trusted key` });
    else if (number > record.head.number) record.faults.push({ number: record.head.number + 1, to: number, reason: `gone: ${by} saw entry ${number}` });
    else if (number <= record.last && record.hashes[number] !== hash) record.faults.push({ number: good + 1, to: number, reason: `made anew since ${by} saw entry ${number}` });
    else if (number <= record.last) good = number;
  }
  return good === 0 ? undefined : good;
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error) => {
    console.error(`verifier: ${error.message}`);
    process.exitCode = 2;
  },
);
