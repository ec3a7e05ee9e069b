/** Fixed vectors of the hash encoding: computed here by TypeScript, in the pg tests by the database, and never changed. */
import type { Entry } from "../../src/run/ports.js";

export interface Vector {
  readonly name: string;
  readonly entry: Omit<Entry, "hash" | "body">;
  readonly encoded: string;
  readonly hash: string;
}

const zeros = "0".repeat(64);
const ones = "1".repeat(64);

export const vectors: readonly Vector[] = [
  {
    name: "an entry with as little as can be",
    entry: {
      ledger: "L",
      number: 1,
      time: "2026-03-10T12:00:00.000001Z",
      type: "run.started",
      version: 1,
      rehearsal: false,
      actor: { claimed: "a@h", authenticated: "evo" },
      causes: [],
      text: "{}",
      previous: zeros,
    },
    encoded: `evo.entry/1\n1:L,1:1,27:2026-03-10T12:00:00.000001Z,11:run.started,1:1,-,-,-,-,-,5:false,3:a@h,3:evo,0:,2:{},64:${zeros},`,
    hash: "0460e4eab9792052a37972cd50ec1b6640925508fe6fbca12e64100ad69c850f",
  },
  {
    name: "an entry with everything, and more bytes than characters",
    entry: {
      ledger: "d3b0",
      number: 42,
      time: "2026-03-10T12:00:01.500000Z",
      type: "gate.passed",
      version: 2,
      sequence: "role-rollout",
      run: "r1",
      step: "gateway/eu-west",
      operation: "r1.gateway.1.up",
      stack: "file:///s#o/p/é",
      rehearsal: true,
      actor: { claimed: "zoë@host", authenticated: "evo" },
      causes: [
        { number: 7, hash: ones },
        { number: 41, hash: zeros },
      ],
      text: '{"note":"naïve, 5:x,"}',
      previous: ones,
    },
    encoded:
      "evo.entry/1\n4:d3b0,2:42,27:2026-03-10T12:00:01.500000Z,11:gate.passed,1:2,12:role-rollout,2:r1,15:gateway/eu-west," +
      "15:r1.gateway.1.up,16:file:///s#o/p/é,4:true,9:zoë@host,3:evo," +
      `145:1:7,64:${ones},2:41,64:${zeros},,23:{"note":"naïve, 5:x,"},64:${ones},`,
    hash: "c0e9794028d514975774018670d26ae87f671905165a9590739725b1aa909cf3",
  },
  {
    name: "an empty sequence is not an absent one",
    entry: {
      ledger: "L",
      number: 1,
      time: "2026-03-10T12:00:00.000001Z",
      type: "run.started",
      version: 1,
      sequence: "",
      rehearsal: false,
      actor: { claimed: "a@h", authenticated: "evo" },
      causes: [],
      text: "{}",
      previous: zeros,
    },
    encoded: `evo.entry/1\n1:L,1:1,27:2026-03-10T12:00:00.000001Z,11:run.started,1:1,0:,-,-,-,-,5:false,3:a@h,3:evo,0:,2:{},64:${zeros},`,
    hash: "db43db3384a6f33b4ff5b8405f1318c24538c52342ff4df1b5c9adb10b7f90ee",
  },
];
