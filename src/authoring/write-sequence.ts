/** A proposed sequence as a person would write it down: a TypeScript module, or JSON with its schema. */
import { relative, sep } from "node:path";
import type { AuthoredEntry, AuthoredGroup, AuthoredSequence, AuthoredStep } from "../sequence/model.js";

/** `folder`: where the file will be; absolute. */
export function toTypeScript(sequence: AuthoredSequence, folder: string): string {
  const steps = sequence.steps.flatMap((entry) => entryLines(entry, folder, "    "));
  const body = steps.join("\n");
  const used = ["defineSequence", "gate", "independent", "serial", "settled", "up"].filter(
    (name) => name === "defineSequence" || body.includes(`${name}(`),
  );
  return `${HEAD}import { ${used.join(", ")} } from "evo";

export default defineSequence({
  name: ${JSON.stringify(sequence.name)},
  steps: [
${body}
  ],
});
`;
}

const HEAD = `/**
 * Begun by \`evo init\` from the StackReferences of the programs; from here on it is yours. An entry of a list starts only
 * after the entry before it has converged: its gates say what that means. \`settled()\` compares the live system with the
 * stack's state; say what your users see instead, e.g.
 *   gate("answers", { targets: ["eu"], probe: http({ url: "https://...", expect: { status: 200 } }), consecutiveSuccessLimit: 5 })
 */
`;

function entryLines(entry: AuthoredEntry, folder: string, indent: string): readonly string[] {
  if (Array.isArray(entry)) return [];
  const one = entry as AuthoredStep | AuthoredGroup;
  if (!("members" in one)) return stepLines(one, folder, indent);
  const name = one.name === undefined ? "" : `${JSON.stringify(one.name)}, `;
  const members = one.members.flatMap((member) => entryLines(member, folder, `${indent}    `));
  return [`${indent}${one.kind}(${name}{`, `${indent}  members: [`, ...members, `${indent}  ],`, `${indent}}),`];
}

function stepLines(step: AuthoredStep, folder: string, indent: string): readonly string[] {
  const gates = (step.convergedWhen ?? []).map(
    ({ name, targets }) =>
      `gate(${JSON.stringify(name)}, { targets: ${JSON.stringify(targets.map((target) => target.name))}, probe: settled() })`,
  );
  return [
    `${indent}up(${JSON.stringify(step.name)}, {`,
    `${indent}  dir: ${JSON.stringify(pathFrom(folder, step.dir))},`,
    `${indent}  stack: ${JSON.stringify(step.stack)},`,
    ...(step.createStack ? [`${indent}  createStack: true,`] : []),
    ...(gates.length === 0 ? [] : [`${indent}  convergedWhen: [${gates.join(", ")}],`]),
    `${indent}}),`,
  ];
}

/** `schema`: absolute path of the published JSON Schema. */
export function toJson(sequence: AuthoredSequence, folder: string, schema: string): string {
  const move = (entry: AuthoredEntry): AuthoredEntry => {
    if (Array.isArray(entry)) return entry;
    const one = entry as AuthoredStep | AuthoredGroup;
    return "members" in one ? { ...one, members: one.members.map(move) } : { ...one, dir: pathFrom(folder, one.dir) };
  };
  const all = { $schema: pathFrom(folder, schema), ...sequence, steps: sequence.steps.map(move) };
  return `${JSON.stringify(all, null, 2)}\n`;
}

function pathFrom(folder: string, path: string): string {
  const found = relative(folder, path).split(sep).join("/");
  return found.startsWith(".") ? found : `./${found}`;
}
