/** Opens what a schedule's stacks are looked at with, from the folder that it was added in. */
import { existsSync } from "node:fs";
import type { Schedule } from "../../departures/schedules.js";
import { EvoError, EXIT } from "../../errors.js";
import type { ScanSubject } from "../departures/live.js";
import { openToLook } from "../departures/scan.js";
import { findTargets } from "../departures/targets.js";
import type { Session } from "../session.js";
import type { Settings } from "../settings.js";

export interface OpenSchedule {
  readonly session: Session;
  readonly subjects: readonly ScanSubject[];
}

/** Errors: `schedule.elsewhere` (exit 2) where its folder isn't on this machine; those of targets, engine and world. */
export async function openSchedule(
  settings: Settings,
  { name, root, what, rehearse }: Schedule,
): Promise<OpenSchedule> {
  if (!existsSync(root))
    throw new EvoError("schedule.elsewhere", `${name} was added in ${root}, which is not on this machine`, {
      exit: EXIT.usage,
      remedy: "serve it where that folder is, or check the repository out at that place",
    });
  const targets = await findTargets(what, what.length === 0, root, rehearse);
  // Who serves opens them again and again: that is no news.
  const request = { rehearse, ephemeralLedger: false, say: () => undefined };
  return openToLook({ ...settings, cwd: root }, targets, request);
}
