/**
 * What a simulated cloud answers when a resource is made: plausible ids, ARNs, addresses. They follow from the seed,
 * the URN and the id, so that a resource keeps them for life. Addresses lead to the world's own endpoints.
 */
import { hex } from "./chance.js";
import type { Json, Properties } from "./model.js";
import { matchesType, partsOf } from "./propagation.js";
import { plain, secret, textAt, UNKNOWN } from "./values.js";

export const ACCOUNT = "123456789012";

/** What an answer depends on. */
export interface Making {
  readonly seed: number;
  readonly type: string;
  readonly urn: string;
  readonly inputs: Properties;
  /** Of the provider that makes it; AWS resources may name another. */
  readonly region: string | undefined;
  /** Counts the changes of this URN, from 1. */
  readonly number: number;
  /** Base URL of the world's endpoint for a region. */
  readonly origin: (region: string) => string | undefined;
  /** What the world's author declared for this type. */
  readonly standIn?: Properties | undefined;
}

interface Kind {
  readonly types: string;
  readonly id: (making: Making) => string;
  readonly outputs: (making: Making, id: string) => { readonly [key: string]: Json };
}

const digits = (making: Making, length: number, purpose = "id") =>
  hex(length, making.seed, purpose, making.urn, making.number);
const text = (making: Making, ...path: readonly string[]) => textAt(plain(making.inputs) as Properties, ...path);
const named = (making: Making) =>
  text(making, "name") ?? `${partsOf(making.urn).name}-${hex(7, making.seed, "name", making.urn)}`;
const address = (making: Making) => making.origin(making.region ?? "") ?? `https://${digits(making, 10)}.invalid`;
const arn = (making: Making, service: string, rest: string) =>
  `arn:aws:${service}:${making.region ?? ""}:${ACCOUNT}:${rest}`;
const globalArn = (service: string, rest: string) => `arn:aws:${service}::${ACCOUNT}:${rest}`;

/** The first that matches counts. Where nothing is said, the general kind at the end answers. */
const KINDS: readonly Kind[] = [
  {
    types: "aws:cognito/userPool:UserPool",
    id: (m) => `${m.region}_${digits(m, 9)}`,
    outputs: (m, id) => ({
      arn: arn(m, "cognito-idp", `userpool/${id}`),
      endpoint: `cognito-idp.${m.region}.amazonaws.com/${id}`,
    }),
  },
  {
    types: "aws:cognito/userPoolClient:UserPoolClient",
    id: (m) => digits(m, 26),
    outputs: (m, id) =>
      m.inputs.generateSecret === true ? { clientSecret: secret(hex(52, m.seed, "secret", id)) } : {},
  },
  {
    types: "aws:cognito/identityPool:IdentityPool",
    id: (m) => `${m.region}:${digits(m, 8)}-${digits(m, 12, "pool")}`,
    outputs: (m, id) => ({ arn: arn(m, "cognito-identity", `identitypool/${id}`) }),
  },
  {
    types: "aws:cognito/resourceServer:ResourceServer",
    id: (m) => `${text(m, "userPoolId")}|${text(m, "identifier")}`,
    outputs: (m) => ({ scopeIdentifiers: scopes(m) }),
  },
  {
    types: "aws:cognito/userGroup:UserGroup",
    id: (m) => `${text(m, "userPoolId")}/${named(m)}`,
    outputs: () => ({}),
  },
  {
    types: "aws:apigatewayv2/api:Api",
    id: (m) => digits(m, 10),
    outputs: (m, id) => ({
      apiEndpoint: address(m),
      arn: `arn:aws:apigateway:${m.region}::/apis/${id}`,
      executionArn: arn(m, "execute-api", id),
    }),
  },
  {
    types: "aws:apigatewayv2/stage:Stage",
    id: (m) => text(m, "name") ?? "$default",
    outputs: (m) => ({
      invokeUrl: address(m),
      arn: `arn:aws:apigateway:${m.region}::/apis/${text(m, "apiId")}/stages/${named(m)}`,
      executionArn: arn(m, "execute-api", `${text(m, "apiId")}/${named(m)}`),
    }),
  },
  {
    types: "aws:lambda/function:Function",
    id: named,
    outputs: (m, id) => {
      const own = arn(m, "lambda", `function:${id}`);
      const invokeArn = `arn:aws:apigateway:${m.region}:lambda:path/2015-03-31/functions/${own}/invocations`;
      return { arn: own, invokeArn, qualifiedArn: `${own}:$LATEST`, version: "$LATEST" };
    },
  },
  {
    types: "aws:iam/role:Role",
    id: named,
    outputs: (m, id) => ({ arn: globalArn("iam", `role/${id}`), uniqueId: `AROA${digits(m, 17).toUpperCase()}` }),
  },
  {
    types: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    id: (m) => `${text(m, "role")}-${digits(m, 12)}`,
    outputs: () => ({}),
  },
  {
    types: "aws:appconfig/environment:Environment",
    id: (m) => `${digits(m, 7)}:${text(m, "applicationId")}`,
    outputs: (m, id) => ({
      environmentId: id.split(":")[0]!,
      arn: arn(m, "appconfig", id),
      state: "READY_FOR_DEPLOYMENT",
    }),
  },
  {
    types: "aws:appconfig/configurationProfile:ConfigurationProfile",
    id: (m) => `${digits(m, 7)}:${text(m, "applicationId")}`,
    outputs: (m, id) => ({ configurationProfileId: id.split(":")[0]!, arn: arn(m, "appconfig", id) }),
  },
  {
    types: "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion",
    id: (m) => `${text(m, "applicationId")}/${text(m, "configurationProfileId")}/${m.number}`,
    outputs: (m, id) => ({ versionNumber: Number(id.split("/")[2]), arn: arn(m, "appconfig", id) }),
  },
  {
    types: "aws:appconfig/deployment:Deployment",
    id: (m) => `${text(m, "applicationId")}/${text(m, "environmentId")}/${m.number}`,
    outputs: (m, id) => ({
      deploymentNumber: Number(id.split("/")[2]),
      arn: arn(m, "appconfig", id),
      state: "COMPLETE",
    }),
  },
  { types: "kubernetes:*", id: kubernetesId, outputs: kubernetesOutputs },
  {
    types: "aws:*",
    id: (m) => `${m.type.split(":").at(-1)!.toLowerCase()}-${digits(m, 12)}`,
    outputs: (m, id) => ({ arn: arn(m, m.type.split(/[:/]/)[1] ?? "aws", id), name: named(m) }),
  },
  { types: "*", id: (m) => digits(m, 16), outputs: () => ({}) },
];

function scopes(making: Making): Json {
  const list = Array.isArray(making.inputs.scopes) ? (making.inputs.scopes as readonly Json[]) : [];
  return list.map((scope) => `${text(making, "identifier")}/${(scope as Properties).scopeName}`);
}

/** Kinds that live in no namespace (the common ones). */
const CLUSTER_WIDE =
  /:(Namespace|Node|PersistentVolume|StorageClass|ClusterRole|ClusterRoleBinding|CustomResourceDefinition)$/;

function kubernetesId(making: Making): string {
  const name = text(making, "metadata", "name") ?? named(making);
  if (CLUSTER_WIDE.test(making.type)) return name;
  return `${text(making, "metadata", "namespace") ?? "default"}/${name}`;
}

function kubernetesOutputs(making: Making, id: string): { readonly [key: string]: Json } {
  const [name, namespace] = id.split("/").reverse();
  const metadata = {
    name: name!,
    ...(namespace === undefined ? {} : { namespace }),
    uid: hex(32, making.seed, "uid", making.urn, id),
    generation: making.number,
    resourceVersion: String(1000 + making.number),
  };
  return { metadata, ...kubernetesStatus(making) };
}

/** The provider waits until a workload is there, so its status says so when the update returns. */
function kubernetesStatus(making: Making): { readonly [key: string]: Json } {
  const spec = (plain(making.inputs) as { readonly spec?: Properties }).spec;
  if (/:(Deployment|StatefulSet|ReplicaSet)$/.test(making.type)) {
    const replicas = typeof spec?.replicas === "number" ? spec.replicas : 1;
    const counts = { replicas, readyReplicas: replicas, availableReplicas: replicas, updatedReplicas: replicas };
    return { status: { ...counts, observedGeneration: making.number } };
  }
  if (making.type.endsWith(":Service") && spec?.type === "LoadBalancer") {
    const hostname = `${hex(16, making.seed, "balancer", making.urn)}.elb.invalid`;
    return { status: { loadBalancer: { ingress: [{ hostname }] } } };
  }
  return {};
}

function kindOf(type: string): Kind {
  return KINDS.find(({ types }) => matchesType(types, type))!;
}

function withRegion(making: Making): Making {
  return { ...making, region: text(making, "region") ?? making.region };
}

/** The id of a resource that is being made. */
export function newId(making: Making): string {
  return kindOf(making.type).id(withRegion(making));
}

/** All outputs of a resource: its inputs, and what the cloud adds. */
export function outputsOf(making: Making, id: string): Properties {
  return merged(added(withRegion(making), id), making.inputs);
}

/** The same before it exists: what the cloud will add is unknown. */
export function previewOf(making: Making): Properties {
  return merged(unknown(added(withRegion(making), "unknown/unknown/0")), making.inputs);
}

function added(making: Making, id: string): { readonly [key: string]: Json } {
  const always = making.type.startsWith("aws:")
    ? { region: making.region ?? null, tagsAll: making.inputs.tags ?? {} }
    : {};
  const name = making.type.startsWith("aws:") && "name" in making.inputs ? { name: named(making) } : {};
  return { ...always, ...name, ...kindOf(making.type).outputs(making, id), ...making.standIn };
}

function unknown(outputs: { readonly [key: string]: Json }): { readonly [key: string]: Json } {
  // Kubernetes' metadata is half input: its own part is merged key by key, so each key is unknown for itself.
  const deep = (value: Json): Json => (value === outputs.metadata ? unknown(value as Properties) : UNKNOWN);
  return Object.fromEntries(Object.entries(outputs).map(([key, value]) => [key, deep(value)]));
}

function merged(under: { readonly [key: string]: Json }, over: Properties): Properties {
  const result: { [key: string]: Json } = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = under[key];
    result[key] = isPlainObject(below) && isPlainObject(value) ? merged(below, value) : value;
  }
  return result;
}

function isPlainObject(value: Json | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
