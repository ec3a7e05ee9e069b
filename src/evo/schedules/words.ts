/** A person's words about schedules: entries of the ledger, as everything that decides what is looked at. */
import { randomUUID } from "node:crypto";
import { type ScheduleSpec, scheduleBody } from "../../departures/schedules.js";
import { EvoError, EXIT } from "../../errors.js";
import type { OpenLedger } from "../../ledger/index.js";
import { findTargets } from "../departures/targets.js";
import { standing } from "./standing.js";
import { cronProblem } from "./times.js";

/**
 * Adds a schedule; answers its entry. Errors: `schedule.exists`, `schedule.cron` (exit 2), and those of what it is to look at, which is
 * looked up now so that a slip shows at once.
 */
export async function addSchedule(ledger: OpenLedger, spec: ScheduleSpec): Promise<number> {
  const problem = cronProblem(spec);
  if (problem !== undefined)
    throw new EvoError("schedule.cron", `"${spec.cron}" in ${spec.timezone} can't be a schedule: ${problem}`, {
      exit: EXIT.usage,
      remedy: 'give a cron expression of five fields such as "*/15 * * * *", and a zone such as Europe/Berlin',
    });
  await findTargets(spec.what, spec.what.length === 0, spec.root, spec.rehearse);
  if ((await standing(ledger)).some(({ schedule }) => schedule.name === spec.name))
    throw new EvoError("schedule.exists", `there is a schedule ${spec.name} already`, {
      exit: EXIT.usage,
      remedy: `evo drift schedule remove ${spec.name}, or give it another name`,
    });
  const body = scheduleBody(spec, Date.now());
  const entry = { type: "schedule.added", rehearsal: spec.rehearse, causes: [], body };
  const [made] = await ledger.append([entry], { id: randomUUID(), leases: [] });
  return made?.number ?? 0;
}

/** Removes a schedule; what it has ordered is still done. Answers the entry. Errors: `schedule.unknown` (exit 2). */
export async function removeSchedule(ledger: OpenLedger, name: string, reason: string | undefined): Promise<number> {
  const all = await standing(ledger);
  const found = all.find(({ schedule }) => schedule.name === name)?.schedule;
  if (found === undefined)
    throw new EvoError("schedule.unknown", `there is no schedule ${name}`, {
      exit: EXIT.usage,
      remedy:
        all.length === 0 ? "evo drift schedule list" : `name one of: ${all.map((one) => one.schedule.name).join(", ")}`,
    });
  const body = { at: Date.now(), name, ...(reason === undefined ? {} : { reason }) };
  const entry = { type: "schedule.removed", rehearsal: found.rehearse, causes: [found.entry], body };
  const [made] = await ledger.append([entry], { id: randomUUID(), leases: [] });
  return made?.number ?? 0;
}
