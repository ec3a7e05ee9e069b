/** Random shapes of sequences: steps, and groups of them within each other. */
import fc from "fast-check";

export type Tree =
  | { readonly kind: "step" }
  | { readonly kind: "independent" | "lockstep" | "serial"; readonly members: readonly Tree[] };

export const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 3, arbitrary: fc.constant<Tree>({ kind: "step" }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom("independent", "lockstep", "serial"),
        members: fc.array(tie("tree"), { minLength: 1, maxLength: 3 }),
      }) as fc.Arbitrary<Tree>,
    },
  ),
})).tree;
