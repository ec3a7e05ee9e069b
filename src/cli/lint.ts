/** `evo lint <sequence>` */
import { relative } from "node:path";
import { lint as look } from "../authoring/lint.js";
import { asksForARun } from "../authoring/lint-recovery.js";
import { EXIT, type SourceLocation } from "../errors.js";
import { isRecovery } from "../evo/beside.js";
import { gateHistory } from "../evo/history.js";
import { readSettings } from "../evo/settings.js";
import { loadSequence } from "../sequence/load.js";
import { showLocation } from "../sequence/problems.js";
import { wrap } from "../views/text.js";
import { columns, print, printJson, say } from "./output.js";

/** Says what may be wrong with a valid sequence. Exit 7 on findings. Errors: those of loading (exit 2). */
export async function lint(reference: string, options: { readonly json?: boolean }): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  const loaded = await loadSequence(reference, settings.cwd, settings.cache);
  const { sequence, root, file, locate } = loaded;
  const history = await gateHistory(settings, sequence.name, say);
  const answers = asksForARun(sequence) ? await isRecovery(loaded, say) : undefined;
  const { findings, accepted, unknown } = look(sequence, root, history, answers);
  const placed = findings.map((finding) => ({ ...finding, at: locate(finding.path, finding.word) }));
  if (findings.length > 0) process.exitCode = EXIT.departures;
  if (options.json) return printJson({ sequence: sequence.name, file, findings: placed, accepted, unknown });
  for (const { at, code, message, remedy } of placed) {
    print([`${here(at)}  ${code}`, ...paragraph(message, "  "), ...paragraph(`→ ${remedy}`, "  ")]);
  }
  for (const { code, word, reason } of accepted) print(paragraph(`accepted: ${code} at ${word ?? "?"}: ${reason}`, ""));
  for (const { step, written } of unknown) {
    const where = here({ file: written.file, line: written.line });
    const what = `not judged: "${step}" refers to the stack ${written.text}, which is known only when it runs (${where})`;
    print(paragraph(what, ""));
  }
  print(
    `${sequence.name}: ${findings.length === 0 ? "nothing found" : count(findings.length)}${tail(accepted.length)}`,
  );
}

function paragraph(text: string, indent: string): readonly string[] {
  return wrap(indent + text, columns(), `${indent}  `);
}

function count(findings: number): string {
  return findings === 1 ? "1 finding" : `${findings} findings`;
}

function tail(accepted: number): string {
  return accepted === 0 ? "" : `, ${accepted} accepted`;
}

function here(at: SourceLocation): string {
  return showLocation({ ...at, file: relative(process.cwd(), at.file) || at.file });
}
