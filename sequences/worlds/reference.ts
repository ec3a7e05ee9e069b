/**
 * The reference system's world: three regions, of which eu-west-1 is slow to take a gateway's changes. It begins on
 * the day before the rollout: what no stack has brought yet is as it was, and users are served by the first policy.
 */
import { type Answer, defineWorld, type EdgeView, type EndpointRequest } from "evo";

/** Policies by version: what each route asks for. The first is what was there before. */
type Policies = { readonly [version: string]: { readonly [route: string]: readonly string[] } };
const BEFORE: Policies = { "1": { "GET /orders": ["order-reader"] } };

/** The role that the second policy needs, and the version of the service that knows it. */
const NEW_ROLE = "order-approver";

export default defineWorld({
  name: "reference",
  regions: {
    "us-east-1": { edges: 5 },
    "eu-west-1": { edges: 5 },
    "ap-southeast-2": { edges: 5 },
  },
  propagation: [
    { types: "aws:cognito/*", delay: [20, 250] },
    { types: "aws:appconfig/*", delay: [50, 400] },
    { types: "kubernetes:*", delay: [50, 300] },
    {
      types: "aws:apigatewayv2/*",
      reach: "region",
      delay: [100, 900],
      regions: { "eu-west-1": [600, 4_500] },
    },
    { types: "aws:lambda/*", reach: "region", delay: [100, 900], regions: { "eu-west-1": [600, 4_500] } },
  ],
  endpoint: answer,
  traffic: { path: "/orders" },
});

/** What the authorizer of `stacks/gateway` decides, with what has arrived at this edge. */
function answer(edge: EdgeView, request: EndpointRequest): Answer {
  const gateway = gatewayAt(edge);
  const canary = request.headers["x-canary"];
  if (canary !== undefined && canary !== gateway.canarySecret) return refused("this edge doesn't know the canary");
  const asked = canary === undefined ? undefined : request.headers["x-policy-version"];
  const version = asked ?? String(flaggedVersion(edge));
  const route = `${request.method} ${request.url.split("?")[0]}`;
  const allowed = gateway.policies[version]?.[route] ?? [];
  if (allowed.length === 0) return refused(`this edge has no policy ${version} for ${route}`);
  if (allowed.includes(NEW_ROLE) && !roleExists(edge)) return refused(`nobody can hold the role ${NEW_ROLE} yet`);
  if (allowed.includes(NEW_ROLE) && !serviceKnowsRole(edge)) return refused(`the service doesn't know ${NEW_ROLE}`);
  return { status: 200, body: { policy: Number(version), orders: [] } };
}

function refused(reason: string): Answer {
  return { status: 403, body: { message: "Forbidden", reason } };
}

interface Gateway {
  readonly policies: Policies;
  readonly canarySecret: string | undefined;
}

/**
 * A gateway is at an edge when all its parts are, and a policy when all its routes are; until then what was there
 * before answers.
 */
function gatewayAt(edge: EdgeView): Gateway {
  const parts = ["api:Api", "authorizer:Authorizer", "integration:Integration", "stage:Stage"];
  const complete = parts.every((part) => edge.find(`aws:apigatewayv2/${part}`) !== undefined);
  const variables = edge.find("aws:lambda/function:Function", "authorizer")?.properties.environment as
    | { readonly variables?: { readonly [name: string]: string } }
    | undefined;
  const { POLICIES, CANARY_SECRET } = variables?.variables ?? {};
  if (!complete || POLICIES === undefined) return { policies: BEFORE, canarySecret: undefined };
  const routed = new Set(routesAt(edge));
  const arrived = Object.entries(JSON.parse(POLICIES) as Policies).filter(([, policy]) =>
    Object.keys(policy).every((route) => routed.has(route)),
  );
  return { policies: { ...BEFORE, ...Object.fromEntries(arrived) }, canarySecret: CANARY_SECRET };
}

function routesAt(edge: EdgeView): readonly unknown[] {
  const routes = edge.resources.filter(({ type }) => type === "aws:apigatewayv2/route:Route");
  return routes.map(({ properties }) => properties.routeKey);
}

/** The version that the flag gives to users: the content that the newest rollout names. */
function flaggedVersion(edge: EdgeView): number {
  const rollout = edge.find("aws:appconfig/deployment:Deployment")?.properties.configurationVersion;
  const hosted = edge.resources.find(
    ({ type, properties }) =>
      type === "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion" &&
      String(properties.versionNumber) === rollout,
  );
  if (hosted === undefined) return 1;
  const { values } = JSON.parse(String(hosted.properties.content)) as {
    values: { "access-policy": { enabled: boolean; version: number } };
  };
  return values["access-policy"].enabled ? values["access-policy"].version : 1;
}

function roleExists(edge: EdgeView): boolean {
  const mapped = edge.find("aws:cognito/identityPoolRoleAttachment:IdentityPoolRoleAttachment", "role-mapping");
  return mapped !== undefined && edge.find("aws:cognito/userGroup:UserGroup", NEW_ROLE) !== undefined;
}

function serviceKnowsRole(edge: EdgeView): boolean {
  const settings = edge.find("kubernetes:core/v1:ConfigMap", "settings")?.properties.data as
    | { readonly ROLES_VERSION?: string }
    | undefined;
  const rolledOut = edge.find("kubernetes:apps/v1:Deployment", "orders") !== undefined;
  return rolledOut && Number(settings?.ROLES_VERSION) >= 2;
}
