/** `evo doctor` */

import { EXIT } from "../errors.js";
import { readSettings } from "../evo/settings.js";
import { doctorFacts } from "../executor/engine/index.js";
import { print, printJson, say } from "./output.js";

/** What was found, what is missing, what to do; exit 1 where something that evo needs is missing. */
export async function doctor(options: { readonly json?: boolean; readonly engine?: string }): Promise<void> {
  const settings = readSettings(process.env, process.cwd(), options.engine);
  const facts = await doctorFacts({
    home: settings.home,
    env: settings.env,
    path: settings.env.PATH ?? "",
    install: false,
    say,
    ...(settings.engine === undefined ? {} : { explicit: settings.engine }),
  });
  if (options.json) printJson(facts);
  else
    print(
      facts.map(
        (fact) =>
          `${fact.status.padEnd(7)}  ${fact.name}: ${fact.found}${fact.remedy === undefined ? "" : `\n         → ${fact.remedy}`}`,
      ),
    );
  process.exitCode = facts.some((fact) => fact.status === "missing") ? EXIT.error : EXIT.done;
}
