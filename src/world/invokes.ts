/** Answers of the simulated provider to functions (`aws.getCallerIdentity` and the like). Pure. */
import type { Json, Properties } from "./model.js";
import { ACCOUNT } from "./outputs.js";

type Answering = (args: Properties, region: string) => Properties;

const ANSWERS: { readonly [token: string]: Answering } = {
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({
    accountId: ACCOUNT,
    arn: `arn:aws:iam::${ACCOUNT}:user/rehearsal`,
    id: ACCOUNT,
    userId: "AIDAREHEARSAL",
  }),
  "aws:index/getRegion:getRegion": (args, region) => {
    const name = typeof args.region === "string" ? args.region : typeof args.name === "string" ? args.name : region;
    return { id: name, name, region: name, description: name, endpoint: `ec2.${name}.amazonaws.com` };
  },
  "aws:index/getPartition:getPartition": () => ({
    id: "aws",
    partition: "aws",
    dnsSuffix: "amazonaws.com",
    reverseDnsPrefix: "com.amazonaws",
  }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": (_args, region) => ({
    id: region,
    names: ["a", "b", "c"].map((zone) => `${region}${zone}`),
    zoneIds: ["1", "2", "3"].map((zone) => `${region}-az${zone}`),
  }),
  "aws:iam/getPolicyDocument:getPolicyDocument": (args) => ({ id: "policy", json: policyDocument(args) }),
};

/** Functions that every world can answer. */
export const KNOWN_INVOKES: readonly string[] = Object.keys(ANSWERS);

/** What a function returns: what is declared for it, what the world knows, or else its arguments. */
export function invoke(
  token: string,
  args: Properties,
  region: string,
  declared: { readonly [token: string]: Properties } = {},
): Properties {
  return declared[token] ?? ANSWERS[token]?.(args, region) ?? { id: token, ...args };
}

function policyDocument(args: Properties): string {
  const statements = (args.statements ?? []) as readonly { readonly [key: string]: Json }[];
  const Statement = statements.map((statement) => ({
    Effect: statement.effect ?? "Allow",
    Action: statement.actions ?? [],
    Resource: statement.resources ?? [],
    ...(statement.sid === undefined ? {} : { Sid: statement.sid }),
    ...(statement.principals === undefined ? {} : { Principal: statement.principals }),
  }));
  return JSON.stringify({ Version: "2012-10-17", Statement });
}
