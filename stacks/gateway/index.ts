/** The API gateway of one region. Its authorizer carries the access policies; the flag says which one users get. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const region = config.require("region") as aws.Region;
const flagsRegion = config.require("flagsRegion");
const accountId = config.get("accountId");
const policyVersion = config.requireNumber("policyVersion");
/** Stacks of the other teams: `prod` for our `prod-eu-west-1`. */
const environment = pulumi.getStack().split("-")[0]!;

const POLICIES: Record<string, Record<string, readonly string[]>> = {
  "1": { "GET /orders": ["order-reader"] },
  "2": { "GET /orders": ["order-reader", "order-approver"], "POST /orders/{id}/approval": ["order-approver"] },
};
const policies = Object.fromEntries(Object.entries(POLICIES).filter(([version]) => Number(version) <= policyVersion));
const routeKeys = [...new Set(Object.values(policies).flatMap((policy) => Object.keys(policy)))];

const organization = pulumi.getOrganization();
const identity = new pulumi.StackReference(`${organization}/identity/${environment}`);
const app = new pulumi.StackReference(`${organization}/app/${environment}`);

const regional = new aws.Provider(region, {
  region,
  ...(accountId === undefined ? {} : { allowedAccountIds: [accountId] }),
});
const options = { provider: regional };

const role = new aws.iam.Role(
  "authorizer",
  {
    name: `orders-authorizer-${region}`,
    assumeRolePolicy: JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
    }),
  },
  options,
);
new aws.iam.RolePolicyAttachment(
  "authorizer-logs",
  { role: role.name, policyArn: "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole" },
  options,
);
new aws.iam.RolePolicy(
  "authorizer-flags",
  {
    role: role.id,
    policy: JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"],
          Resource: "*",
        },
      ],
    }),
  },
  options,
);

const authorizerFunction = new aws.lambda.Function(
  "authorizer",
  {
    name: "orders-authorizer",
    role: role.arn,
    runtime: "nodejs22.x",
    handler: "index.handler",
    timeout: 5,
    memorySize: 256,
    code: new pulumi.asset.FileArchive("./authorizer"),
    environment: {
      variables: {
        POLICIES: JSON.stringify(policies),
        ISSUER: identity.requireOutput("issuer"),
        AUDIENCE: identity.requireOutput("webClientId"),
        CANARY_SECRET: identity.requireOutput("canarySecret"),
        FLAGS_REGION: flagsRegion,
        FLAGS_ENVIRONMENT: environment,
      },
    },
  },
  options,
);

const api = new aws.apigatewayv2.Api("orders", { name: "orders", protocolType: "HTTP" }, options);

const authorizer = new aws.apigatewayv2.Authorizer(
  "roles",
  {
    apiId: api.id,
    name: "roles",
    authorizerType: "REQUEST",
    authorizerUri: authorizerFunction.invokeArn,
    authorizerPayloadFormatVersion: "2.0",
    enableSimpleResponses: true,
    // What decides changes with flag and policy: nothing may be answered from a cache.
    authorizerResultTtlInSeconds: 0,
  },
  options,
);
new aws.lambda.Permission(
  "invoke-authorizer",
  {
    action: "lambda:InvokeFunction",
    function: authorizerFunction.name,
    principal: "apigateway.amazonaws.com",
    sourceArn: pulumi.interpolate`${api.executionArn}/authorizers/${authorizer.id}`,
  },
  options,
);

const upstream = new aws.apigatewayv2.Integration(
  "orders",
  {
    apiId: api.id,
    integrationType: "HTTP_PROXY",
    integrationMethod: "ANY",
    integrationUri: pulumi.interpolate`${app.requireOutput("url")}/{proxy}`,
    requestParameters: { "overwrite:path": "$request.path" },
    payloadFormatVersion: "1.0",
  },
  options,
);

const routes = routeKeys.map(
  (routeKey) =>
    new aws.apigatewayv2.Route(
      routeKey,
      {
        apiId: api.id,
        routeKey,
        target: pulumi.interpolate`integrations/${upstream.id}`,
        authorizationType: "CUSTOM",
        authorizerId: authorizer.id,
      },
      options,
    ),
);

const stage = new aws.apigatewayv2.Stage(
  "live",
  {
    apiId: api.id,
    name: "$default",
    autoDeploy: true,
    defaultRouteSettings: { throttlingBurstLimit: 500, throttlingRateLimit: 1000 },
  },
  { ...options, dependsOn: routes },
);

/** `$default` stages have their URL without a path, but with a slash at the end. */
export const url = stage.invokeUrl.apply((invokeUrl) => invokeUrl.replace(/\/$/, ""));
export const apiId = api.id;
export const policyVersions = Object.keys(policies);
