/** Who is who: the user pool, the roles as its groups, and the canary that holds the newest role. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const region = config.require("region") as aws.Region;
const accountId = config.get("accountId");
const rolesVersion = config.requireNumber("rolesVersion");

/** Roles by the version that brought them; a version keeps all roles of those before it. */
const ROLES = [
  { name: "order-reader", since: 1, scope: "read", description: "sees orders" },
  { name: "order-approver", since: 2, scope: "approve", description: "sees and approves orders" },
] as const;
const roles = ROLES.filter(({ since }) => since <= rolesVersion);

const home = new aws.Provider("home", {
  region,
  ...(accountId === undefined ? {} : { allowedAccountIds: [accountId] }),
  defaultTags: { tags: { project: pulumi.getProject(), stack: pulumi.getStack() } },
});
const options = { provider: home };

const users = new aws.cognito.UserPool(
  "users",
  {
    name: "orders-users",
    usernameAttributes: ["email"],
    autoVerifiedAttributes: ["email"],
    passwordPolicy: { minimumLength: 14, requireLowercase: true, requireNumbers: true, requireUppercase: true },
    deletionProtection: "ACTIVE",
  },
  options,
);

const api = new aws.cognito.ResourceServer(
  "orders",
  {
    userPoolId: users.id,
    identifier: "orders",
    name: "Orders API",
    scopes: roles.map(({ scope, description }) => ({ scopeName: scope, scopeDescription: description })),
  },
  options,
);

const web = new aws.cognito.UserPoolClient(
  "web",
  {
    userPoolId: users.id,
    name: "orders-web",
    explicitAuthFlows: ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    preventUserExistenceErrors: "ENABLED",
  },
  options,
);

/** A machine that holds every role, so that a gate can ask for what no user asks for yet. */
const canary = new aws.cognito.UserPoolClient(
  "canary",
  {
    userPoolId: users.id,
    name: "orders-canary",
    generateSecret: true,
    allowedOauthFlowsUserPoolClient: true,
    allowedOauthFlows: ["client_credentials"],
    allowedOauthScopes: api.scopeIdentifiers,
  },
  options,
);

const identities = new aws.cognito.IdentityPool(
  "identities",
  {
    identityPoolName: "orders",
    allowUnauthenticatedIdentities: false,
    cognitoIdentityProviders: [{ clientId: web.id, providerName: users.endpoint, serverSideTokenCheck: true }],
  },
  options,
);

/** Only authenticated identities of our pool may take a role. */
const trust = identities.id.apply((audience) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Federated: "cognito-identity.amazonaws.com" },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: {
          StringEquals: { "cognito-identity.amazonaws.com:aud": audience },
          "ForAnyValue:StringLike": { "cognito-identity.amazonaws.com:amr": "authenticated" },
        },
      },
    ],
  }),
);

const held = roles.map(({ name, since, description }) => {
  const role = new aws.iam.Role(name, { name: `orders-${name}`, description, assumeRolePolicy: trust }, options);
  const group = new aws.cognito.UserGroup(
    name,
    { userPoolId: users.id, name, description, roleArn: role.arn, precedence: 100 - since },
    options,
  );
  return { name, role, group };
});

/** The role mapping: whoever is in a group gets that group's role, and nobody gets one by accident. */
const mapping = new aws.cognito.IdentityPoolRoleAttachment(
  "role-mapping",
  {
    identityPoolId: identities.id,
    roles: { authenticated: held[0]!.role.arn },
    roleMappings: [
      {
        identityProvider: pulumi.interpolate`${users.endpoint}:${web.id}`,
        ambiguousRoleResolution: "Deny",
        type: "Rules",
        mappingRules: held.map(({ name, role }) => ({
          claim: "cognito:groups",
          matchType: "Contains",
          value: name,
          roleArn: role.arn,
        })),
      },
    ],
  },
  options,
);

export const userPoolId = users.id;
export const issuer = pulumi.interpolate`https://${users.endpoint}`;
export const webClientId = web.id;
export const canaryClientId = canary.id;
export const canarySecret = pulumi.secret(canary.clientSecret);
export const roleMappingId = mapping.id;
export const groups = held.map(({ group }) => group.name);
