/** Webhooks on a real ledger and real sockets: told at least once, tried again, recorded once; what is owed is found. */
import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { loadRun } from "../../src/evo/load-run.js";
import { openCourier, withNotices } from "../../src/evo/notify.js";
import { serveNotices } from "../../src/evo/notify-owed.js";
import { readSettings } from "../../src/evo/settings.js";
import type { OpenLedger } from "../../src/ledger/index.js";
import { checkSigned, parseSecret } from "../../src/notify/signature.js";
import type { Notice } from "../../src/plan/model.js";
import { eventOf } from "../../src/run/entries.js";
import type { Entry } from "../../src/run/ports.js";
import { gate, up } from "../../src/sequence/builders.js";
import { env, http } from "../../src/sequence/probes.js";
import { planOf } from "../run/machine.js";
import { type TestServer, testServer } from "../support/postgres.js";
import { type Append, story } from "../views/audit/stories.js";

const SECRET = `whsec_${Buffer.alloc(32, 3).toString("base64")}`;
const secrets = [{ name: "here", key: parseSecret(SECRET) ?? Buffer.alloc(0) }];

let server: TestServer;
let receiver: Server;
let url: string;
/** Messages whose signature held, and what the receiver answers next. */
let heard: { readonly id: string; readonly body: { type: string; data: { [key: string]: unknown } } }[] = [];
let answers: number[] = [];

beforeAll(async () => {
  server = await testServer();
  receiver = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      const checked = checkSigned(request.headers, body, secrets, Date.now());
      if (checked.ok) heard.push({ id: checked.id, body: JSON.parse(body) });
      response.writeHead(answers.shift() ?? 204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(receiver.address() as { port: number }).port}/secret-path`;
});
afterAll(async () => {
  await new Promise((resolve) => receiver?.close(resolve));
  await server?.close();
});
beforeEach(() => {
  heard = [];
  answers = [];
});

const settings = (more: object = {}) =>
  readSettings({ ...process.env, EVO_ACTOR: "tester", HOOK: url, HOOK_SECRET: SECRET, ...more }, "/");

const planFor = (...on: readonly Notice[]) =>
  planOf({
    name: "rollout",
    owner: "team-access",
    steps: [up("one", { dir: "one", stack: "dev" })],
    consistentWhen: [gate("g", { targets: ["a"], probe: http({ url: "http://localhost" }) })],
    notify: [{ url: env("HOOK"), secret: env("HOOK_SECRET"), on, heldFor: "1ms" }],
  });

/** A ledger with a run in it, and how its entries are written. */
async function recorded(...on: readonly Notice[]) {
  const ledger = await (await server.fresh()).open("tester");
  const append: Append = (entries) => ledger.append(entries, { id: randomUUID(), leases: [] });
  const plan = planFor(...on);
  const run = "rollout-1";
  const told = story(append, run, plan);
  const start = await told.start();
  return { ledger, told, start, plan, run };
}

async function notifications(ledger: OpenLedger): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  for await (const entry of ledger.entries({ type: "notification.*" })) found.push(entry);
  return found;
}

async function entryOf(ledger: OpenLedger, number: number): Promise<Entry> {
  const entry = await ledger.entry(number);
  if (entry === undefined) throw new Error(`no entry ${number}`);
  return entry;
}

const fails = (line: string): never => {
  throw new Error(line);
};

/** Resolves once `there` gives something; the test's own time-out is the limit. */
async function until<T>(there: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await there();
    if (found !== undefined) return found;
    await sleep(50);
  }
}

it("a run's driver tells what its plan wants told, signed, and records it without the address", async () => {
  const { ledger, told, start, run } = await recorded("halted", "completed");
  const state = await loadRun(ledger, run);
  await withNotices(settings(), ledger, state, { tell: () => undefined }, fails, async (notifier) => {
    const halt = { cause: "operation-failed", node: "one", reason: "quota exceeded" };
    const entry = await entryOf(ledger, await told.say("run.halted", halt, [start]));
    notifier.tell({ kind: "recorded", entry, event: eventOf(entry).event });
    return loadRun(ledger, run);
  });
  const { ledger: id } = await entryOf(ledger, 1);
  expect(heard).toMatchObject([
    {
      id: `${id}-3`,
      body: {
        type: "run.halted",
        data: { notice: "halted", entry: 3, run, sequence: "rollout", owner: "team-access", why: "quota exceeded" },
      },
    },
  ]);
  const [sent, ...more] = await notifications(ledger);
  expect(more).toEqual([]);
  expect(sent).toMatchObject({ type: "notification.sent", causes: [{ number: 3 }] });
  expect(sent?.body).toMatchObject({ notice: "halted", entry: 3, hook: 0, to: "env(HOOK)", tries: 1, status: 204 });
  expect(sent?.text).not.toContain("secret-path");
});

it("the end of a recovery is told to those who wait for the run that it answers", async () => {
  const { ledger, told, start, run } = await recorded("recovered");
  const halted = await told.say("run.halted", { cause: "gate-failed", reason: "x" }, [start]);
  const append: Append = (entries) => ledger.append(entries, { id: randomUUID(), leases: [] });
  const answer = story(append, "back-1", planOf({ name: "back", steps: [up("one", { dir: "one", stack: "dev" })] }));
  const started = await answer.start([halted], { run, sequence: "rollout" });
  await withNotices(settings(), ledger, await loadRun(ledger, "back-1"), { tell: () => undefined }, fails, async () => {
    const completed = await answer.say("run.completed", {}, [started]);
    await told.say("run.recovered", { recovery: "back-1" }, [completed]);
    return loadRun(ledger, "back-1");
  });
  expect(heard).toMatchObject([{ body: { type: "run.recovered", data: { notice: "recovered", run } } }]);
});

it("tries again, the same message each time, and records one entry for all tries", async () => {
  const { ledger, told, start, plan } = await recorded("halted");
  answers = [500, 503];
  const entry = await entryOf(ledger, await told.say("run.halted", { cause: "gate-failed", reason: "x" }, [start]));
  const courier = openCourier(ledger, settings().env, fails, [1, 1, 1]);
  courier.offer(entry, plan);
  courier.offer(entry, plan);
  const [sent] = await until(async () =>
    (await notifications(ledger)).length > 0 ? notifications(ledger) : undefined,
  );
  await courier.close();
  expect(new Set(heard.map(({ id }) => id)).size).toBe(1);
  expect(heard).toHaveLength(3);
  expect(sent?.body).toMatchObject({ tries: 3, status: 204 });
  expect(await notifications(ledger)).toHaveLength(1);
});

it.each([
  ["answers 410", {}, [410], 1, "it answered 410"],
  ["never answers well", {}, [500, 500, 500], 3, "it answered 500"],
  ["has no address here", { HOOK: undefined }, [], 3, "HOOK is not set"],
  ["has no key here", { HOOK_SECRET: "whsec_short" }, [], 3, "HOOK_SECRET is no secret of a webhook"],
])("records that it could not be told where a receiver %s", async (_, more, given, tries, reason) => {
  const { ledger, told, start, plan } = await recorded("halted");
  answers = [...given];
  const entry = await entryOf(ledger, await told.say("run.halted", { cause: "gate-failed", reason: "x" }, [start]));
  const courier = openCourier(ledger, settings(more).env, fails, [1, 1]);
  courier.offer(entry, plan);
  const [failed] = await until(async () =>
    (await notifications(ledger)).length > 0 ? notifications(ledger) : undefined,
  );
  await courier.close();
  expect(failed).toMatchObject({ type: "notification.failed", body: { tries, reason } });
});

it("a rehearsal speaks to nobody but this machine (invariant 13)", async () => {
  const { ledger, told, start, plan } = await recorded("halted");
  const halted = await told.say("run.halted", { cause: "gate-failed", reason: "x" }, [start], { rehearsal: true });
  const courier = openCourier(ledger, { ...settings().env, HOOK: "https://hooks.example.org/x" }, fails, []);
  courier.offer(await entryOf(ledger, halted), plan);
  const [failed] = await until(async () =>
    (await notifications(ledger)).length > 0 ? notifications(ledger) : undefined,
  );
  await courier.close();
  expect(failed?.body.reason).toBe("a rehearsal speaks only to loopback addresses");
});

it("a hold is told once it has lasted, and not where the run went on", async () => {
  const { ledger, told, start, plan } = await recorded("held");
  const held = await told.say("run.held", { node: "one", gate: "one/g", reason: "waits" }, [start]);
  let looks = 0;
  const looking: OpenLedger = {
    ...ledger,
    load: async (...asked) => {
      const loaded = await ledger.load(...asked);
      looks += 1;
      return loaded;
    },
  };
  const courier = openCourier(looking, settings().env, fails, []);
  courier.offer(await entryOf(ledger, held), plan);
  await until(async () => ((await notifications(ledger)).length > 0 ? true : undefined));
  expect(heard).toMatchObject([{ body: { type: "run.held", data: { why: "waits" } } }]);
  const again = await told.say("run.held", { node: "one", gate: "one/g", reason: "waits" }, [held]);
  await told.say("run.paused", { reason: "enough" }, [again]);
  courier.offer(await entryOf(ledger, again), plan);
  await until(async () => (looks === 2 ? true : undefined));
  await courier.close();
  expect(heard).toHaveLength(1);
});

it("who serves delivers what a dead driver owes, and nothing twice", async () => {
  const { ledger, told, start, plan, run } = await recorded("halted", "departure");
  const first = await entryOf(ledger, await told.say("run.halted", { cause: "gate-failed", reason: "1" }, [start]));
  const courier = openCourier(ledger, settings().env, fails, []);
  courier.offer(first, plan);
  await until(async () => ((await notifications(ledger)).length > 0 ? true : undefined));
  await courier.close();
  await told.say("run.halted", { cause: "gate-failed", reason: "2" }, [first.number]);
  // Found by a scan: no run's, but in the sequence's order.
  const departure = { id: "d-1", kind: "drift", place: "late", rule: "record", summary: "drift of a role" };
  await ledger.append([{ type: "departure.detected", sequence: "rollout", stack: "s", causes: [], body: departure }], {
    id: randomUUID(),
    leases: [],
  });
  const leave = new AbortController();
  const serving = serveNotices(settings(), ledger, fails, leave.signal, 0);
  await until(async () => ((await notifications(ledger)).length === 3 ? true : undefined));
  leave.abort();
  await serving;
  expect(heard.map(({ body }) => body.data.why)).toEqual(["1", "2", "drift of a role"]);
  expect(heard[1]?.body.data.run).toBe(run);
});
