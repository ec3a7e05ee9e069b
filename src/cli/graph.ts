/** `evo graph <sequence>` */
import { compile } from "../plan/compile.js";
import { loadSequence } from "../sequence/load.js";
import { type GraphFormat, graphDot, graphMermaid, graphText } from "../views/graph.js";
import { graphSvg } from "../views/graph-svg.js";
import { print } from "./output.js";

const DRAW = { text: graphText, mermaid: graphMermaid, dot: graphDot, svg: graphSvg } as const;

/** Draws the order of a sequence. Errors: those of loading (exit 2). */
export async function graph(reference: string, options: { readonly format: GraphFormat }): Promise<void> {
  const { sequence } = await loadSequence(reference, process.cwd());
  print(DRAW[options.format](compile(sequence)));
}
