/** What changed between two sets of inputs: paths, kinds and whether the resource must be replaced. Pure. */

import type { Json, Properties } from "./model.js";
import { matchesType } from "./propagation.js";
import { plain } from "./values.js";

export interface PropertyChange {
  /** In the engine's notation: `tags.team`, `routes[0].path`. */
  readonly path: string;
  readonly kind: "add" | "delete" | "update";
  readonly replaces: boolean;
}

/**
 * Properties that a real provider can't change in place, for the types that matter here. (Source: "Replacement" notes
 * of the AWS documentation; for Kubernetes the API's immutable fields.) Paths that begin so replace the resource.
 */
const IMMUTABLE: readonly (readonly [types: string, paths: readonly string[]])[] = [
  ["aws:cognito/userPool:*", ["name", "usernameAttributes", "aliasAttributes"]],
  ["aws:cognito/*", ["name", "userPoolId", "generateSecret", "identifier", "identityPoolId", "identityPoolName"]],
  ["aws:apigatewayv2/api:*", ["protocolType"]],
  ["aws:apigatewayv2/*", ["apiId", "name"]],
  ["aws:apigateway/*", ["restApi", "parentId", "resourceId"]],
  ["aws:appconfig/hostedConfigurationVersion:*", ["applicationId", "configurationProfileId", "content", "contentType"]],
  ["aws:appconfig/deployment:*", ["applicationId", "environmentId", "configurationProfileId", "configurationVersion"]],
  ["aws:appconfig/*", ["applicationId", "locationUri", "type"]],
  ["aws:iam/role:Role", ["name", "path"]],
  ["aws:iam/rolePolicyAttachment:*", ["role", "policyArn"]],
  ["aws:lambda/permission:*", ["function", "action", "principal", "sourceArn", "statementId"]],
  ["aws:lambda/function:*", ["name", "packageType"]],
  ["aws:s3/*", ["bucket"]],
  ["kubernetes:apps/v1:Deployment", ["metadata.name", "metadata.namespace", "spec.selector"]],
  ["kubernetes:batch/v1:Job", ["metadata.name", "metadata.namespace", "spec"]],
  ["kubernetes:*", ["metadata.name", "metadata.namespace"]],
];

/** The changes from old to new inputs. Secret and plain values compare by what they hold. */
export function changes(type: string, old: Properties, now: Properties): readonly PropertyChange[] {
  const immutable = IMMUTABLE.find(([types]) => matchesType(types, type))?.[1] ?? [];
  const replaces = (path: string) =>
    immutable.some((place) => path === place || (/^[.[]/.test(path.slice(place.length)) && path.startsWith(place)));
  return [...walk("", plain(old), plain(now))].map((change) => ({ ...change, replaces: replaces(change.path) }));
}

function* walk(
  path: string,
  old: Json | undefined,
  now: Json | undefined,
): Generator<Omit<PropertyChange, "replaces">> {
  if (JSON.stringify(old) === JSON.stringify(now)) return;
  if (old === undefined) yield { path, kind: "add" };
  else if (now === undefined) yield { path, kind: "delete" };
  else if (!comparable(old, now)) yield { path, kind: "update" };
  else for (const key of keysOf(old, now)) yield* walk(joined(path, key, old), at(old, key), at(now, key));
}

type Container = readonly Json[] | { readonly [key: string]: Json };

function comparable(old: Json, now: Json): boolean {
  return (
    typeof old === "object" && typeof now === "object" && !!old && !!now && Array.isArray(old) === Array.isArray(now)
  );
}

function keysOf(old: Json, now: Json): readonly string[] {
  return [...new Set([...Object.keys(old as Container), ...Object.keys(now as Container)])];
}

function at(value: Json, key: string): Json | undefined {
  return (value as { readonly [key: string]: Json })[key];
}

function joined(path: string, key: string, container: Json): string {
  if (Array.isArray(container)) return `${path}[${key}]`;
  if (!/^[A-Za-z_][\w-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}
