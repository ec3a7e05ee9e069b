/**
 * Packages that the SDK loads with itself and needs only for functions that a program serialises: npm's dependency tree, to
 * see what to pack with them, and TypeScript, to read them. Loading the former takes a third as long as all else of the
 * SDK, for each evaluation. So they are loaded when they are first used.
 */
import nodeModule = require("node:module");

type Load = (this: unknown, request: string, parent: NodeModule | undefined, isMain: boolean) => unknown;

/** A package as some script of the SDK asks for it. */
interface Deferrable {
  readonly request: string;
  readonly by: RegExp;
}

const TREE: Deferrable = { request: "@npmcli/arborist", by: /[\\/]runtime[\\/]closure[\\/]codePaths\.js$/ };
const TYPESCRIPT: Deferrable = {
  request: "../../typescript-shim",
  by: /[\\/]runtime[\\/]closure[\\/]parseFunction\.js$/,
};

const loader = nodeModule as unknown as { _load: Load };

/** Defers these packages wherever they are asked for from now on; returns the way back. */
function defer(...all: readonly Deferrable[]): () => void {
  const { _load: load } = loader;
  loader._load = function (request, parent, isMain) {
    const isMeant = all.some((one) => one.request === request && one.by.test(parent?.filename ?? ""));
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

/** The package, loaded at the first look into it. It says that it is an ES module, or an import would look at once. */
function standIn(loaded: () => Loaded): object {
  let known: Loaded | undefined;
  const real = (): Loaded => {
    known ??= loaded();
    return known;
  };
  return new Proxy(
    {},
    {
      get: (_, key) => {
        if (key === "__esModule") return true;
        return key === "default" && real().__esModule !== true ? real() : real()[key];
      },
      has: (_, key) => key in real(),
    },
  );
}

export = { defer, TREE, TYPESCRIPT };
