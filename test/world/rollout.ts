/**
 * The role rollout without an engine: the resources of the four changes that the reference world's answers depend on,
 * as the stacks make them (stacks.engine.test.ts checks that they do). For simulations and for fast proofs.
 */

import { rotation } from "../../src/world/edges.js";
import type { Properties } from "../../src/world/model.js";
import { type Making, newId, outputsOf } from "../../src/world/outputs.js";
import { type Chances, edgesOf, type Placed, place, viewOf } from "../../src/world/propagation.js";

export interface Made {
  readonly type: string;
  readonly name: string;
  readonly inputs: Properties;
}

export interface Change {
  readonly project: string;
  readonly stack: string;
  readonly region: string | undefined;
  readonly made: readonly Made[];
}

export const REGIONS = ["us-east-1", "ap-southeast-2", "eu-west-1"] as const;
export const CANARY = "canary-secret-of-the-simulation";

const POLICIES = {
  "1": { "GET /orders": ["order-reader"] },
  "2": { "GET /orders": ["order-reader", "order-approver"], "POST /orders/{id}/approval": ["order-approver"] },
};
const FLAG = {
  version: "1",
  flags: { "access-policy": { name: "Access policy that gateways apply", attributes: { version: {} } } },
  values: { "access-policy": { enabled: true, version: 2 } },
};

export const IDENTITY: Change = {
  project: "identity",
  stack: "prod",
  region: "us-east-1",
  made: [
    { type: "aws:cognito/userPoolClient:UserPoolClient", name: "canary", inputs: { generateSecret: true } },
    { type: "aws:cognito/userGroup:UserGroup", name: "order-approver", inputs: { name: "order-approver" } },
    { type: "aws:cognito/identityPoolRoleAttachment:IdentityPoolRoleAttachment", name: "role-mapping", inputs: {} },
  ],
};

export const APP: Change = {
  project: "app",
  stack: "prod",
  region: undefined,
  made: [
    { type: "kubernetes:core/v1:ConfigMap", name: "settings", inputs: { data: { ROLES_VERSION: "2" } } },
    { type: "kubernetes:apps/v1:Deployment", name: "orders", inputs: { spec: { replicas: 3 } } },
  ],
};

/** A region's gateway, whose authorizer knows the canary by this secret. */
export function gateway(region: string, canary = CANARY): Change {
  const routes = Object.keys(POLICIES["2"]);
  const variables = { POLICIES: JSON.stringify(POLICIES), CANARY_SECRET: canary };
  return {
    project: "gateway",
    stack: `prod-${region}`,
    region,
    made: [
      { type: "aws:lambda/function:Function", name: "authorizer", inputs: { environment: { variables } } },
      { type: "aws:apigatewayv2/api:Api", name: "orders", inputs: { name: "orders" } },
      { type: "aws:apigatewayv2/authorizer:Authorizer", name: "roles", inputs: { name: "roles" } },
      { type: "aws:apigatewayv2/integration:Integration", name: "orders", inputs: {} },
      ...routes.map((routeKey) => ({ type: "aws:apigatewayv2/route:Route", name: routeKey, inputs: { routeKey } })),
      { type: "aws:apigatewayv2/stage:Stage", name: "live", inputs: { name: "$default" } },
    ],
  };
}

export const FLAGS: Change = {
  project: "flags",
  stack: "prod",
  region: "us-east-1",
  made: [
    {
      type: "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion",
      name: "features",
      inputs: { content: JSON.stringify(FLAG) },
    },
    { type: "aws:appconfig/deployment:Deployment", name: "features", inputs: { configurationVersion: "1" } },
  ],
};

/** A resource's URN. */
export function urnOf({ project, stack }: Change, { type, name }: Made): string {
  return `urn:pulumi:${stack}::${project}::${type}::${name}`;
}

/** The versions that the control plane has taken when a change is applied at once. */
export function taken(chances: Chances, change: Change, at: number): readonly Placed[] {
  return change.made.map((made) => {
    const { region } = change;
    const urn = urnOf(change, made);
    const making: Making = { ...made, seed: chances.seed, urn, region, number: 1, origin: () => undefined };
    const id = newId(making);
    const properties = outputsOf(making, id);
    return place(chances, { ...making, id, at, properties, ...(region === undefined ? {} : { region }) } as never);
  });
}

/** What a region answers to one request, by the same rules as the world's process. */
export function ask(
  chances: Chances,
  versions: readonly Placed[],
  { region, caller, nth, at }: { region: string; caller: string; nth: number; at: number },
  headers: { readonly [name: string]: string } = {},
) {
  const edges = edgesOf(chances.definition, region);
  const edge = edges[rotation(chances.seed, region, edges.length, caller, nth)]!;
  const view = viewOf([], versions, region, edge, at);
  return chances.definition.endpoint(view, { method: "GET", url: "/orders", headers });
}
