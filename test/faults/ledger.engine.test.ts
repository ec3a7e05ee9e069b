/** A ledger in trouble: while it can't be written nothing starts; what runs goes on and is settled afterwards, once. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPlace } from "../../src/ledger/embedded/place.js";
import { serverPid } from "../../src/ledger/embedded/postmaster.js";
import { type Evo, openEvo, type Running } from "../support/evo.js";
import { query, type TestDatabase, type TestServer, testServer } from "../support/postgres.js";
import { openProxy, type PostgresProxy } from "../support/proxy.js";
import { bringHome, type Case, demandSound, entriesOf, makeCase, there } from "./support.js";

let evo: Evo;
let postgres: TestServer;
beforeAll(async () => {
  [evo, postgres] = await Promise.all([openEvo(), testServer()]);
  evo.switchProject("s");
});
afterAll(async () => {
  await evo.close();
  await postgres.close();
});

interface Scene {
  readonly one: Case;
  readonly database: TestDatabase;
  readonly proxy: PostgresProxy;
  readonly running: Running;
  /** How an operator asks, past the proxy. */
  readonly direct: { readonly env: { readonly EVO_LEDGER_URL: string } };
}

/** A run whose first update is held in mid-air, with a proxy between it and its ledger. */
async function scene(name: string, act: (scene: Scene) => Promise<void>, held = true): Promise<void> {
  const database = await postgres.fresh();
  const proxy = await openProxy(database.writer);
  try {
    const one = makeCase(evo, name, held);
    const lost = held ? undefined : proxy.loseReplyTo("operation.intended");
    const running = evo.start(["up", name], { env: { ...one.env, EVO_LEDGER_URL: proxy.url } });
    if (held) await there(() => one.effects().includes("begin a"));
    await lost;
    await act({ one, database, proxy, running, direct: { env: { EVO_LEDGER_URL: database.writer } } });
  } finally {
    await proxy.close();
  }
}

/** evo waits for its ledger in mid-update; the update ends meanwhile, and nothing starts before the ledger is back. */
async function outage({ one, running, direct }: Scene, back: () => void | Promise<void>): Promise<void> {
  writeFileSync(one.gate, "");
  await there(() => one.effects().length === 4);
  await running.until(/the ledger can't be reached, so nothing is started/);
  expect(one.effects()).toHaveLength(4);
  await back();
  const { code, stderr } = await running.ended;
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/the ledger answers again/);
  await demandSound(evo, one, direct);
}

describe("the ledger", () => {
  it("whose reply is lost after COMMIT: the append is recognised, not doubled", async () => {
    await scene(
      "reply-lost",
      async ({ one, running, direct }) => {
        const { code, stderr } = await running.ended;
        expect(code, stderr).toBe(0);
        await demandSound(evo, one, direct);
        const intents = (await entriesOf(evo, one, direct)).filter(({ type }) => type === "operation.intended");
        expect(intents).toHaveLength(2);
      },
      false,
    );
  });

  it("whose connections are reset, and refused for a while", async () => {
    await scene("reset", async (all) => {
      all.proxy.become("refuse");
      await outage(all, () => all.proxy.become("pass"));
    });
  });

  it("that is a black hole for longer than a lease lives", async () => {
    await scene("black-hole", async (all) => {
      all.proxy.become("blackhole");
      await outage(all, () => all.proxy.become("pass"));
    });
  });

  it("that ends its backends", async () => {
    await scene("terminated", async ({ one, database, running, direct }) => {
      const sql =
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'evo' and datname = current_database()";
      expect((await query(database.superuser, sql)).length).toBeGreaterThan(0);
      writeFileSync(one.gate, "");
      const { code, stderr } = await running.ended;
      expect(code, stderr).toBe(0);
      await demandSound(evo, one, direct);
    });
  });

  it("whose head row somebody holds", async () => {
    await scene("head-locked", async ({ one, database, running, direct }) => {
      const hold = query(database.superuser, "begin; select from evo.head for update; select pg_sleep(5); commit");
      writeFileSync(one.gate, "");
      const { code, stderr } = await running.ended;
      await hold;
      expect(code, stderr).toBe(0);
      await demandSound(evo, one, direct);
    });
  });

  // In the server's words for it, said by a trigger: no disk of a server can be filled without being root.
  it("whose disk is full: nothing starts until there is room", async () => {
    await scene("ledger-full", async (all) => {
      const superuser = all.database.superuser;
      await query(
        superuser,
        `create function public.no_room() returns trigger language plpgsql as
          $$ begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
        create trigger no_room before insert on evo.entries execute function public.no_room()`,
      );
      await outage(all, async () => void (await query(superuser, "drop trigger no_room on evo.entries")));
    });
  });

  it("that stays away: a person can leave, the engine goes on, and a resume settles what it did", async () => {
    await scene("stays-away", async ({ one, proxy, running, direct }) => {
      proxy.become("refuse");
      writeFileSync(one.gate, "");
      await running.until(/the ledger can't be reached/);
      running.signal("SIGINT");
      const { code, stderr } = await running.ended;
      expect(code, stderr).toBe(9);
      expect(one.effects()).toHaveLength(4);
      await bringHome(evo, one, direct);
      await demandSound(evo, one, direct);
    });
  });
});

describe("the embedded server", () => {
  it("that is killed in mid-update is brought back by whoever needs it", async () => {
    const one = makeCase(evo, "server-killed", true);
    const running = evo.start(["up", one.name], { env: one.env });
    await there(() => one.effects().includes("begin a"));
    process.kill(serverPid(findPlace(evo.home)) ?? 0, "SIGKILL");
    writeFileSync(one.gate, "");
    const { code, stderr } = await running.ended;
    expect(code, stderr).toBe(0);
    await demandSound(evo, one);
  });
});

describe("the journal's directory", () => {
  it("that is deleted in mid-run: the backend's history decides, and nothing is repeated", async () => {
    const one = makeCase(evo, "directory-deleted", true);
    const running = evo.start(["up", one.name], { env: one.env });
    await there(() => one.effects().includes("begin a"));
    running.signal("SIGKILL");
    await running.ended;
    writeFileSync(one.gate, "");
    await there(() => one.effects().length === 4);
    await there(() => !evo.processes().some((line) => line.includes(` up --yes --message evo ${one.name}`)));
    rmSync(join(evo.home, "operations"), { recursive: true });
    await bringHome(evo, one);
    await demandSound(evo, one);
  });
});
