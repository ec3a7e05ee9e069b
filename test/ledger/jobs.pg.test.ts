/** The list of jobs on a real Postgres: who may make it, who may work in it, and what becomes of what nobody ended. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Jobs, NewJob } from "../../src/ledger/index.js";
import { openLedger } from "../../src/ledger/index.js";
import { type TestServer, testServer } from "../support/postgres.js";

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server?.close());

interface Data {
  readonly n: number;
}

const job = (n: number, more: Partial<NewJob<Data>> = {}): NewJob<Data> => ({
  id: randomUUID(),
  data: { n },
  from: Date.now() - 1_000,
  within: 60_000,
  ...more,
});

async function jobsOf(url: string, home: string): Promise<{ jobs: Jobs<Data>; close(): Promise<void> }> {
  const ledger = await openLedger({ url, home, claimed: "a@b", say: () => undefined });
  const jobs = await ledger.jobs<Data>().catch(async (error) => {
    await ledger.close();
    throw error;
  });
  return {
    jobs,
    close: async () => {
      await jobs.close();
      await ledger.close();
    },
  };
}

it("is made by a role that may, and only then served by a mere writer; two who serve never get the same job", async () => {
  const { writer, admin, home } = await server.fresh();
  await expect(jobsOf(writer, home)).rejects.toMatchObject({ code: "ledger.schema", exit: 9 });
  await Promise.all([jobsOf(admin, home), jobsOf(admin, home)]).then((both) =>
    Promise.all(both.map((one) => one.close())),
  );
  const [a, b] = await Promise.all([jobsOf(writer, home), jobsOf(writer, home)]);
  try {
    const all = Array.from({ length: 20 }, (_, n) => job(n));
    await Promise.all([a.jobs.put(all), b.jobs.put(all)]);
    const taken = (await Promise.all([a.jobs.take(15), b.jobs.take(15), a.jobs.take(15)])).flat();
    expect(taken.map(({ data }) => data.n).sort((x, y) => x - y)).toEqual(all.map(({ data }) => data.n));
    expect(await b.jobs.take(5)).toEqual([]);
    const [first = "", second = ""] = taken.map(({ id }) => id);
    await a.jobs.done(first);
    await a.jobs.giveBack(second, "told to leave");
    await expect.poll(() => b.jobs.take(5), { timeout: 10_000 }).toMatchObject([{ id: second }]);
    await a.jobs.put(all);
    expect(await a.jobs.take(5)).toEqual([]);
  } finally {
    await a.close();
    await b.close();
  }
});

it("gives what nobody ended in its time to somebody else, and says why it was given up in the end", async () => {
  const { admin, home } = await server.fresh();
  const { jobs, close } = await jobsOf(admin, home);
  try {
    const slow = job(1, { within: 1_000 });
    const later = job(2, { from: Date.now() + 3_600_000 });
    await jobs.put([slow, later]);
    expect(await jobs.take(5)).toMatchObject([{ id: slow.id }]);
    await expect.poll(() => jobs.take(5), { timeout: 25_000, interval: 500 }).toMatchObject([{ id: slow.id }]);
    expect(await jobs.failure(slow.id)).toBeUndefined();
    const tries = async (): Promise<string | undefined> => {
      for (const { id } of await jobs.take(5)) await jobs.giveBack(id, "no engine here");
      return jobs.failure(slow.id);
    };
    await jobs.giveBack(slow.id, "no engine here");
    await expect.poll(tries, { timeout: 20_000, interval: 300 }).toBe("no engine here");
    expect(await jobs.failure(randomUUID())).toBeUndefined();
  } finally {
    await close();
  }
}, 60_000);
