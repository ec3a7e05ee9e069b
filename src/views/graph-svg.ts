/**
 * A plan as an SVG. Lists go down, what runs beside each other stands side by side: the tree of groups is the layout,
 * so there is nothing to be optimised. Pure.
 */
import type { Plan } from "../plan/model.js";
import { type Box, boxesOf, gateText, linesOf } from "./graph.js";

/** Pixels. */
const LINE = 18;
const CHARACTER = 7.3;
const PAD = 12;
const GAP = 28;

interface Drawn {
  readonly width: number;
  readonly height: number;
  /** The picture with its corner at x, y. */
  at(x: number, y: number): readonly string[];
}

/** A whole SVG document, readable on light and dark ground. */
export function graphSvg(plan: Plan): readonly string[] {
  const end = plan.consistent.length === 0 ? [] : [label(["consistent when", ...plan.consistent.map(gateText)], "end")];
  const picture = column([label([plan.sequence.name], "head"), ...boxesOf(plan).map(drawBox), ...end]);
  const [width, height] = [Math.ceil(picture.width + 2 * PAD), Math.ceil(picture.height + 2 * PAD)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(plan.sequence.name)}">`,
    `<style>text{font:12px ui-monospace,monospace;fill:#1f2328}.name{font-weight:bold}.step{fill:#ddf4ff;stroke:#0969da}.group{fill:none;stroke:#656d76;stroke-dasharray:4 3}.lockstep{fill:none;stroke:#8250df;stroke-width:2}.head,.end{fill:#dafbe1;stroke:#1a7f37}.arrow{stroke:#656d76;stroke-width:1.5;marker-end:url(#tip)}</style>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#656d76"/></marker></defs>',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...picture.at(PAD, PAD),
    "</svg>",
  ];
}

function drawBox(box: Box): Drawn {
  if (box.node.kind === "step") return label(linesOf(box), "step");
  const members = box.members.map(drawBox);
  const inner = box.node.group === "serial" ? column(members) : row(members);
  return frame(linesOf(box), inner, box.node.group === "lockstep" ? "lockstep" : "group");
}

function label(lines: readonly string[], kind: string): Drawn {
  const width = Math.max(...lines.map((line) => line.length)) * CHARACTER + 2 * PAD;
  const height = lines.length * LINE + PAD;
  return {
    width,
    height,
    at: (x, y) => [
      `<rect class="${kind}" x="${x}" y="${y}" width="${round(width)}" height="${height}" rx="6"/>`,
      ...texts(lines, x, y),
    ],
  };
}

function texts(lines: readonly string[], x: number, y: number): readonly string[] {
  return lines.map(
    (line, at) =>
      `<text${at === 0 ? ' class="name"' : ""} x="${round(x + PAD)}" y="${round(y + PAD / 2 + (at + 0.72) * LINE)}">${escaped(line)}</text>`,
  );
}

function frame(lines: readonly string[], inner: Drawn, kind: string): Drawn {
  const top = lines.length * LINE + PAD;
  const width = Math.max(inner.width, Math.max(...lines.map((line) => line.length)) * CHARACTER) + 2 * PAD;
  const height = top + inner.height + PAD;
  return {
    width,
    height,
    at: (x, y) => [
      `<rect class="${kind}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="8"/>`,
      ...texts(lines, x, y),
      ...inner.at(x + (width - inner.width) / 2, y + top),
    ],
  };
}

/** Below each other, with an arrow from one to the next. */
function column(parts: readonly Drawn[]): Drawn {
  const width = Math.max(...parts.map((part) => part.width));
  const height = parts.reduce((sum, part) => sum + part.height, 0) + GAP * (parts.length - 1);
  return {
    width,
    height,
    at: (x, y) => {
      let top = y;
      return parts.flatMap((part, index) => {
        const drawn = part.at(round(x + (width - part.width) / 2), round(top));
        const [from, middle] = [round(top + part.height), round(x + width / 2)];
        top += part.height + GAP;
        const arrow = `<line class="arrow" x1="${middle}" y1="${from}" x2="${middle}" y2="${round(top)}"/>`;
        return index < parts.length - 1 ? [...drawn, arrow] : drawn;
      });
    },
  };
}

function row(parts: readonly Drawn[]): Drawn {
  const width = parts.reduce((sum, part) => sum + part.width, 0) + PAD * (parts.length - 1);
  return {
    width,
    height: Math.max(...parts.map((part) => part.height)),
    at: (x, y) => {
      let left = x;
      return parts.flatMap((part) => {
        const drawn = part.at(round(left), round(y));
        left += part.width + PAD;
        return drawn;
      });
    },
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
