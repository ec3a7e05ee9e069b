/**
 * Words of other systems over HTTP, on a real ledger and a real socket: one that is right is recorded as its sender's; a bad
 * signature, a repeat, a wrong run, an expired one and others are refused and recorded, and nothing else changes.
 */
import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EvoError, EXIT } from "../../src/errors.js";
import { type Answered, type Door, openDoor } from "../../src/evo/http.js";
import { openWords, type Received } from "../../src/evo/http-words.js";
import { loadRun } from "../../src/evo/load-run.js";
import { readSettings } from "../../src/evo/settings.js";
import { readWebhookSecrets } from "../../src/evo/webhook-secrets.js";
import type { OpenLedger } from "../../src/ledger/index.js";
import { parseSecret, signedHeaders, TOLERANCE } from "../../src/notify/signature.js";
import type { Entry } from "../../src/run/ports.js";
import { acknowledged, up } from "../../src/sequence/builders.js";
import { planOf } from "../run/machine.js";
import { query, type TestServer, testServer } from "../support/postgres.js";
import { story } from "../views/audit/stories.js";

const SECRET = `whsec_${Buffer.alloc(32, 5).toString("base64")}`;
const STRANGER = `whsec_${Buffer.alloc(32, 6).toString("base64")}`;
const keyOf = (secret: string) => parseSecret(secret) ?? Buffer.alloc(0);
const settings = readSettings({ EVO_ACTOR: "serving", EVO_WEBHOOK_SECRETS: `change-board=${SECRET}` }, "/");

const PLAN = planOf({
  name: "rollout",
  steps: [
    up("one", {
      dir: "one",
      stack: "dev",
      readyWhen: [acknowledged({ name: "told", targets: ["all"], by: ["change-board"], what: "users know" })],
    }),
  ],
});

let server: TestServer;
let ledger: OpenLedger;
let door: Door;
let told: Answered[] = [];

beforeAll(async () => {
  server = await testServer();
});
afterAll(async () => {
  await door?.close();
  await server?.close();
});
beforeEach(async () => {
  await door?.close();
  const database = await server.fresh();
  await query(database.superuser, `grant evo_approver to ${new URL(database.writer.replace("@/", "@x/")).username}`);
  ledger = await database.open("serving");
  told = [];
  door = await openDoor(settings, ledger, "127.0.0.1:0", (answered) => told.push(answered));
  const run = story((entries) => ledger.append(entries, { id: randomUUID(), leases: [] }), "rollout-1", PLAN);
  await run.start();
});

const word = (more: object = {}, type = "acknowledge") =>
  JSON.stringify({ type, data: { run: "rollout-1", gate: "told", reason: "CHG-7", ...more } });

interface Sent {
  readonly id?: string;
  readonly body?: string;
  readonly at?: number;
  readonly secret?: string;
  readonly headers?: { readonly [name: string]: string };
}

async function send({ id = randomUUID(), body = word(), at = Date.now(), secret = SECRET, headers = {} }: Sent = {}) {
  const signed = signedHeaders({ id, at, body }, keyOf(secret));
  const response = await fetch(`${door.address}/words`, { method: "POST", headers: { ...signed, ...headers }, body });
  return { status: response.status, body: (await response.json()) as { readonly code?: string } };
}

/** What the record holds beyond the run's start. */
async function recorded(): Promise<readonly Entry[]> {
  const all: Entry[] = [];
  for await (const entry of ledger.entries({ after: 2 })) all.push(entry);
  return all;
}

const typesOf = async () => (await recorded()).map(({ type }) => type);

it("a signed word is the sender's: recorded once, with whose signature it was", async () => {
  expect(await send()).toMatchObject({ status: 200, body: { ok: true, run: "rollout-1", gate: "one/ready/told" } });
  expect(await typesOf()).toEqual(["webhook.received", "acknowledgment.received"]);
  const [word] = (await loadRun(ledger, "rollout-1")).words;
  expect(word).toMatchObject({ kind: "acknowledged", gate: "one/ready/told", targets: ["all"], by: "change-board" });
  const [, received] = await recorded();
  expect(received?.actor.claimed).toBe("serving");
  expect(received?.body).toMatchObject({ from: "change-board", reason: "CHG-7" });
});

describe("is refused, recorded, and changes nothing:", () => {
  it.each<readonly [string, Sent, number, string]>([
    ["a bad signature", { secret: STRANGER }, 401, "bad-signature"],
    ["no signature", { headers: { "webhook-signature": "" } }, 401, "bad-signature"],
    ["a body that was changed on its way", { headers: { "webhook-signature": "v1,AAAA" } }, 401, "bad-signature"],
    ["an old message", { at: Date.now() - TOLERANCE - 5_000 }, 401, "expired"],
    ["one whose own time is over", { body: word({ expires: "2026-01-01T00:00:00Z" }) }, 410, "expired"],
    ["a run that isn't there", { body: word({ run: "rollout-2" }) }, 422, "run.unknown"],
    ["a gate that isn't there", { body: word({ gate: "other" }) }, 422, "gate.unknown"],
    ["a target that isn't there", { body: word({ targets: ["mars"] }) }, 422, "target.unknown"],
    ["a word that the gate doesn't take", { body: word({}, "approve") }, 422, "gate.not-asking"],
    ["an override", { body: word({}, "override") }, 400, "unreadable"],
    ["no JSON", { body: "acknowledged!" }, 400, "unreadable"],
  ])("%s", async (_, sent, status, code) => {
    const before = await loadRun(ledger, "rollout-1");
    expect(await send(sent)).toMatchObject({ status, body: { ok: false, code } });
    expect(await loadRun(ledger, "rollout-1")).toEqual(before);
    const last = (await recorded()).at(-1);
    expect(last).toMatchObject({ type: "acknowledgment.refused", body: { refused: code } });
    expect(last?.run).toBeUndefined();
    expect(told).toMatchObject([{ method: "POST", path: "/words", status, code }]);
  });

  it("a replayed message, here and by another evo", async () => {
    const sent = { id: "msg-1", body: word(), at: Date.now() };
    expect((await send(sent)).status).toBe(200);
    const before = await loadRun(ledger, "rollout-1");
    expect(await send(sent)).toMatchObject({ status: 409, body: { code: "replayed" } });
    const elsewhere = openWords(ledger, readWebhookSecrets(settings.env));
    const headers = signedHeaders(sent, keyOf(SECRET));
    expect(await elsewhere({ headers, body: sent.body, peer: "here" })).toMatchObject({ status: 409 });
    expect(await loadRun(ledger, "rollout-1")).toEqual(before);
    expect((await typesOf()).filter((type) => type === "acknowledgment.refused")).toHaveLength(2);
  });

  it("the same message twice at once: one of them", async () => {
    const sent = { id: "msg-2", body: word(), at: Date.now() };
    const replies = await Promise.all([send(sent), send(sent)]);
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await loadRun(ledger, "rollout-1")).words).toHaveLength(1);
  });

  it("strangers, each minute once with how many they were: they don't fill the ledger", async () => {
    let now = Date.now();
    const words = openWords(ledger, readWebhookSecrets(settings.env), () => now);
    const body = word();
    const forged = (): Received => ({
      headers: signedHeaders({ id: randomUUID(), at: now, body }, keyOf(STRANGER)),
      body,
      peer: "10.0.0.9",
    });
    for (let i = 0; i < 5; i += 1) expect(await words(forged())).toMatchObject({ status: 401 });
    expect(await recorded()).toHaveLength(1);
    now += 61_000;
    await words(forged());
    expect((await recorded()).map(({ body }) => body)).toMatchObject([{ peer: "10.0.0.9" }, { unrecorded: 4 }]);
  });
});

it("a ledger that was away in between: the message may come again, and counts once", async () => {
  let away = true;
  const flaky: OpenLedger = {
    ...ledger,
    append: async (entries, options) => {
      if (!away || entries[0]?.type !== "acknowledgment.received") return ledger.append(entries, options);
      away = false;
      throw new EvoError("ledger.unavailable", "gone", { exit: EXIT.ledgerUnavailable });
    },
  };
  const words = openWords(flaky, readWebhookSecrets(settings.env));
  const body = word();
  const received = { headers: signedHeaders({ id: "m", at: Date.now(), body }, keyOf(SECRET)), body, peer: "here" };
  expect(await words(received)).toEqual({ status: 503, body: { ok: false, code: "ledger.unavailable" } });
  expect(await words(received)).toMatchObject({ status: 200 });
  expect(await words(received)).toMatchObject({ status: 409 });
  expect((await loadRun(ledger, "rollout-1")).words).toHaveLength(1);
});

it("answers whether it is alive and ready, and nothing else", async () => {
  const get = async (path: string, method = "GET") => (await fetch(`${door.address}${path}`, { method })).status;
  expect(
    await Promise.all([get("/healthz"), get("/readyz"), get("/"), get("/words"), get("/healthz", "POST")]),
  ).toEqual([200, 200, 404, 405, 405]);
  expect(await send({ body: word({ reason: "x".repeat(70_000) }) })).toMatchObject({ status: 413 });
  expect(await recorded()).toEqual([]);
  await door.close();
  const away: OpenLedger = { ...ledger, entry: () => Promise.reject(new Error("gone")) };
  door = await openDoor(settings, away, "127.0.0.1:0", () => undefined);
  expect([await get("/readyz"), await get("/healthz")]).toEqual([503, 200]);
});

it("closes with a connection that says nothing still open", async () => {
  const silent = connect(Number(new URL(door.address).port), "127.0.0.1");
  await new Promise((resolve) => silent.once("connect", resolve));
  const gone = new Promise((resolve) => silent.once("close", resolve));
  await door.close();
  await gone;
  await expect(fetch(`${door.address}/healthz`)).rejects.toThrow();
});

it.each([
  [{ EVO_WEBHOOK_SECRETS: SECRET }, "webhook secret 1 is no name with a secret"],
  [{ EVO_WEBHOOK_SECRETS: "board=whsec_short" }, "webhook secret 1 is no name with a secret"],
  [{ EVO_WEBHOOK_SECRETS_FILE: "/nowhere/at-all" }, "EVO_WEBHOOK_SECRETS_FILE can't be read: ENOENT"],
])("secrets that can't be read are said, and never shown", (env, message) => {
  expect(() => readWebhookSecrets(env)).toThrow(message);
});
