/** Feature flags: which version of the access policy the gateways apply to ordinary users. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const region = config.require("region") as aws.Region;
const accountId = config.get("accountId");
const version = config.requireNumber("policyVersion");

const home = new aws.Provider("home", {
  region,
  ...(accountId === undefined ? {} : { allowedAccountIds: [accountId] }),
});
const options = { provider: home };

const orders = new aws.appconfig.Application("orders", { name: "orders" }, options);

const environment = new aws.appconfig.Environment(
  "environment",
  { applicationId: orders.id, name: pulumi.getStack() },
  options,
);

const profile = new aws.appconfig.ConfigurationProfile(
  "features",
  { applicationId: orders.id, name: "features", locationUri: "hosted", type: "AWS.AppConfig.FeatureFlags" },
  options,
);

const content = JSON.stringify({
  version: "1",
  flags: { "access-policy": { name: "Access policy that gateways apply", attributes: { version: {} } } },
  values: { "access-policy": { enabled: version > 1, version } },
});

const features = new aws.appconfig.HostedConfigurationVersion(
  "features",
  {
    applicationId: orders.id,
    configurationProfileId: profile.configurationProfileId,
    contentType: "application/json",
    description: `access policy ${version}`,
    content,
  },
  options,
);

const rollout = new aws.appconfig.Deployment(
  "features",
  {
    applicationId: orders.id,
    environmentId: environment.environmentId,
    configurationProfileId: profile.configurationProfileId,
    configurationVersion: features.versionNumber.apply(String),
    deploymentStrategyId: "AppConfig.AllAtOnce",
    description: `access policy ${version}`,
  },
  options,
);

export const policyVersion = rollout.configurationVersion.apply(() => version);
export const deploymentNumber = rollout.deploymentNumber;
