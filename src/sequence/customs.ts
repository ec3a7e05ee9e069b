/** The code of custom probes: taken off the authored data, since the JSON form carries names only. */
import type { Path } from "./locate.js";
import type { CustomLook } from "./model.js";
import { type Attached, attachedTo } from "./probes.js";
import { type Finding, finding } from "./problems.js";

export interface Customs {
  readonly customs: ReadonlyMap<string, CustomLook>;
  readonly findings: readonly Finding[];
}

interface Use {
  readonly name: string;
  readonly input: unknown;
  readonly attached: Attached | undefined;
  readonly path: Path;
}

/** Collects the functions by name, and refuses two under one name, names without code, and inputs that a schema refuses. */
export function collectCustoms(authored: unknown): Customs {
  const customs = new Map<string, Attached>();
  const findings: Finding[] = [];
  for (const use of usesIn(authored, [])) {
    const { attached, name, path } = use;
    if (attached === undefined) {
      findings.push(
        finding(
          "custom-without-code",
          path,
          name,
          NO_CODE(name),
          "Make the probe with custom(...) in a TypeScript sequence.",
        ),
      );
      continue;
    }
    const first = customs.get(name) ?? attached;
    customs.set(name, first);
    if (first.made !== attached.made)
      findings.push(
        finding(
          "duplicate-custom",
          path,
          name,
          TWO(name),
          "Define the function once, outside of the gate, or give one of them another name.",
        ),
      );
    findings.push(...inputFindings(use, attached));
  }
  return { customs: new Map([...customs].map(([name, { look }]) => [name, look])), findings };
}

const NO_CODE = (name: string) => `The custom probe "${name}" has no function.`;
const TWO = (name: string) => `Two custom probes have the name "${name}"; evo finds their code by name.`;

function inputFindings({ name, input, path }: Use, { input: schema }: Attached): Finding[] {
  const parsed = schema?.safeParse(input);
  if (parsed === undefined || parsed.success) return [];
  return parsed.error.issues.map((issue) => {
    const key = issue.path.length === 0 ? "its input" : `input.${issue.path.join(".")}`;
    return finding(
      "custom-input",
      path,
      name,
      `The custom probe "${name}" refuses ${key}: ${issue.message}.`,
      "Correct the input.",
    );
  });
}

function* usesIn(data: unknown, path: Path): Generator<Use> {
  if (typeof data !== "object" || data === null) return;
  const { type, name, input } = data as { type?: unknown; name?: unknown; input?: unknown };
  if (type === "custom" && typeof name === "string") yield { name, input, attached: attachedTo(data), path };
  else
    for (const [key, value] of Object.entries(data))
      yield* usesIn(value, [...path, Array.isArray(data) ? Number(key) : key]);
}
