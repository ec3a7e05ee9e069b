/** The orders service: it knows the roles of one version and of those before it. */
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const image = config.require("image");
const replicas = config.requireNumber("replicas");
const version = config.requireNumber("rolesVersion");
const context = config.get("kubeContext");

const identity = new pulumi.StackReference(`${pulumi.getOrganization()}/identity/${pulumi.getStack()}`);
const cluster = new k8s.Provider("cluster", context === undefined ? {} : { context });
const options = { provider: cluster };

const namespace = new k8s.core.v1.Namespace("orders", { metadata: { name: "orders" } }, options);
const labels = { "app.kubernetes.io/name": "orders" };

const settings = new k8s.core.v1.ConfigMap(
  "settings",
  {
    metadata: { name: `orders-roles-${version}`, namespace: namespace.metadata.name },
    data: {
      ROLES_VERSION: String(version),
      TOKEN_ISSUER: identity.requireOutput("issuer"),
      TOKEN_AUDIENCE: identity.requireOutput("webClientId"),
    },
  },
  options,
);

const deployment = new k8s.apps.v1.Deployment(
  "orders",
  {
    metadata: { name: "orders", namespace: namespace.metadata.name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: "orders",
              image,
              ports: [{ name: "http", containerPort: 8080 }],
              envFrom: [{ configMapRef: { name: settings.metadata.name } }],
              readinessProbe: { httpGet: { path: "/ready", port: "http" }, periodSeconds: 2 },
              resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
            },
          ],
        },
      },
    },
  },
  options,
);

const service = new k8s.core.v1.Service(
  "orders",
  {
    metadata: { name: "orders", namespace: namespace.metadata.name, labels },
    spec: { type: "LoadBalancer", selector: labels, ports: [{ name: "http", port: 80, targetPort: "http" }] },
  },
  options,
);

const ingress = service.status.loadBalancer.ingress[0]!;

export const url = pulumi.interpolate`http://${ingress.apply((point) => point.hostname ?? point.ip)}`;
export const rolesVersion = deployment.metadata.apply(() => version);
/** As the API said once the rollout was complete. */
export const updatedReplicas = deployment.status.updatedReplicas;
