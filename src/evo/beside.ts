/** What the sequences beside one say of it. */
import { dirname, resolve } from "node:path";
import type { LoadedSequence } from "../sequence/load.js";
import { everySequence } from "./departures/targets.js";

/** Whether a sequence of the same folder names this one as its recovery; undefined where they can't be loaded. */
export async function isRecovery(
  { file }: Pick<LoadedSequence, "file">,
  say: (line: string) => void,
): Promise<boolean | undefined> {
  try {
    const all = await everySequence(dirname(file));
    return all.some(({ root, sequence }) => sequence.recovery?.some((rule) => resolve(root, rule.sequence) === file));
  } catch (error) {
    say(`the sequences beside it were not looked at: ${(error as Error).message}`);
    return undefined;
  }
}
