/**
 * Parts that the SDK loads with itself and seldom needs, for each evaluation again: npm's dependency tree and TypeScript,
 * for functions that a program serialises; what sends traces, for `--tracing`; the Automation API, for a program that
 * drives others. Together they take longer than all else of it. So they are loaded when they are first used.
 */
import nodeModule = require("node:module");

type Load = (this: unknown, request: string, parent: NodeModule | undefined, isMain: boolean) => unknown;

/** A part as some script of the SDK asks for it. */
interface Deferrable {
  readonly request: RegExp;
  readonly by: RegExp;
}

const TREE: Deferrable = {
  request: /^(@npmcli\/arborist|normalize-package-data)$/,
  by: /[\\/]runtime[\\/]closure[\\/]codePaths\.js$/,
};
const TYPESCRIPT: Deferrable = {
  request: /^\.\.\/\.\.\/typescript-shim$/,
  by: /[\\/]runtime[\\/]closure[\\/]parseFunction\.js$/,
};
const TRACING: Deferrable = {
  request: /^@opentelemetry\/(?!api$)/,
  by: /[\\/]@pulumi[\\/]pulumi[\\/]cmd[\\/]run[\\/]tracing\.js$/,
};
const AUTOMATION: Deferrable = {
  request: /^\.\/automation$/,
  by: /[\\/]@pulumi[\\/]pulumi[\\/]index\.js$/,
};
/** What the Automation API needs for programs within its own process, and to follow an engine's events by itself. */
const INLINE: Deferrable = {
  request: /^(@grpc\/grpc-js|@logdna\/tail-file|google-protobuf\/.*|\.\/server|\.\.\/(log|runtime|proto\/.*))$/,
  by: /[\\/]@pulumi[\\/]pulumi[\\/]automation[\\/]stack\.js$/,
};

const loader = nodeModule as unknown as { _load: Load };

/** Defers these parts wherever they are asked for from now on; returns the way back. */
function defer(...all: readonly Deferrable[]): () => void {
  const { _load: load } = loader;
  loader._load = function (request, parent, isMain) {
    const isMeant = all.some((one) => one.request.test(request) && one.by.test(parent?.filename ?? ""));
    const loaded = (): unknown => load.call(this, request, parent, isMain);
    return isMeant ? standIn(loaded as () => Loaded) : loaded();
  };
  return () => {
    loader._load = load;
  };
}

interface Loaded {
  readonly [key: PropertyKey]: unknown;
}

/** The part, loaded at the first look into it. It says that it is an ES module, or an import would look at once. */
function standIn(loaded: () => Loaded): object {
  let known: Loaded | undefined;
  const real = (): Loaded => {
    known ??= loaded();
    return known;
  };
  return new Proxy(Object.defineProperty({}, "__esModule", { value: true }), {
    get: (_, key) => {
      if (key === "__esModule") return true;
      return key === "default" && real().__esModule !== true ? real() : real()[key];
    },
    has: (_, key) => key in real(),
    ownKeys: () => [...new Set(["__esModule", ...Reflect.ownKeys(real())])],
    getOwnPropertyDescriptor: (target, key) => {
      if (key === "__esModule") return Reflect.getOwnPropertyDescriptor(target, key);
      const descriptor = Reflect.getOwnPropertyDescriptor(real(), key);
      return descriptor === undefined ? undefined : { ...descriptor, configurable: true };
    },
  });
}

export = { defer, TREE, TYPESCRIPT, TRACING, AUTOMATION, INLINE };
