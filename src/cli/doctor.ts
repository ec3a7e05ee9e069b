/** `evo doctor` */

import { EXIT } from "../errors.js";
import { readSettings } from "../evo/settings.js";
import { doctorFacts } from "../executor/engine/index.js";
import { languageHostPath } from "../executor/language-host/install.js";
import { wrap } from "../views/text.js";
import { columns, print, printJson, say } from "./output.js";

/** Beside a fact's status. */
const BESIDE = " ".repeat(9);

/** A line for the shell that makes a bare `pulumi` a complete CLI for Node programs. */
function pluginPath(home: string): string {
  return `export PATH="${languageHostPath(home)}:$PATH"`;
}

/** What was found, what is missing, what to do; exit 1 where something that evo needs is missing. */
export async function doctor(options: {
  readonly json?: boolean;
  readonly engine?: string;
  readonly pluginPath?: boolean;
}): Promise<void> {
  const settings = readSettings(process.env, process.cwd(), options.engine);
  if (options.pluginPath) return print(pluginPath(settings.home));
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
      facts
        .flatMap(({ status, name, found, remedy }) => [
          `${status.padEnd(7)}  ${name}: ${found}`,
          ...(remedy === undefined ? [] : [`${BESIDE}→ ${remedy}`]),
        ])
        .flatMap((line) => wrap(line, columns(), `${BESIDE}  `)),
    );
  process.exitCode = facts.some((fact) => fact.status === "missing") ? EXIT.error : EXIT.done;
}
