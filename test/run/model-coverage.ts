/** What the runs of the model have reached, and the table of it. */
export interface Coverage {
  reach(kind: string, name: string): void;
  count(kind: string, name: string): number;
  /** Lines of a table: kind, name, how often. */
  table(): string;
}

export function createCoverage(): Coverage {
  const counts = new Map<string, Map<string, number>>();
  const of = (kind: string): Map<string, number> => {
    const known = counts.get(kind);
    if (known !== undefined) return known;
    const made = new Map<string, number>();
    counts.set(kind, made);
    return made;
  };
  return {
    reach(kind, name) {
      const names = of(kind);
      names.set(name, (names.get(name) ?? 0) + 1);
    },
    count: (kind, name) => counts.get(kind)?.get(name) ?? 0,
    table: () =>
      [...counts.keys()]
        .sort()
        .map((kind) => {
          const cells = [...of(kind)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => `${name} ${count}`);
          return `  ${kind}: ${cells.join(", ")}`;
        })
        .join("\n"),
  };
}
