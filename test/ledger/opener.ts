/**
 * A process of its own that opens the embedded ledger of the EVO_HOME in its first argument, appends one entry, says so
 * on stdout, and stays until its stdin ends. Then it closes the ledger and ends.
 */
import { randomUUID } from "node:crypto";
import { openLedger } from "../../src/ledger/index.js";

const home = process.argv[2] ?? "";
const say = (line: string) => process.stdout.write(`${line}\n`);
const ledger = await openLedger({ home, claimed: `process ${process.pid}`, say: (line) => say(`said ${line}`) });
const append = () => ledger.append([{ type: "run.halted", causes: [], body: {} }], { id: randomUUID(), leases: [] });
const [entry] = await append();
say(`appended ${entry?.number}`);
process.stdin.on("data", async () => say(`appended ${(await append())[0]?.number}`));
process.stdin.on("end", () => ledger.close());
