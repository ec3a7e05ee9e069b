/**
 * JSON Schema 2020-12 through Ajv, in its strict mode: a gate must not pass because its schema was not understood
 * (invariant 2), so an unknown keyword is refused. `format` asserts nothing, as the standard has it.
 */
import { createRequire } from "node:module";
import type { Ajv2020 as Validator } from "ajv/dist/2020.js";
import type { Json } from "../model.js";
import { cannotLook } from "./context.js";

type Ajv = { readonly Ajv2020: typeof Validator };

// Loaded at its first use: most gates have no schema.
const loadAjv = () => createRequire(import.meta.url)("ajv/dist/2020.js") as Ajv;

/**
 * Makes a function from a value to the place of the first rule in the schema that it breaks (`#/properties/a/type`);
 * undefined where it meets them all. Errors: cannot-look on a schema that is malformed, has a keyword that is not
 * supported, or refers to another document.
 */
export function compileSchema(schema: Json): (value: Json) => string | undefined {
  if (typeof schema !== "boolean" && (typeof schema !== "object" || schema === null || Array.isArray(schema)))
    throw cannotLook("the schema is neither an object nor true or false");
  const validate = compile(schema as boolean | { [key: string]: unknown });
  return (value) => (validate(value) ? undefined : validate.errors?.[0]?.schemaPath);
}

/** Strict but for style: a schema may leave types out. Names that every object inherits are no properties. */
const OPTIONS = {
  strict: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  ownProperties: true,
  multipleOfPrecision: 9,
  validateFormats: false,
  logger: false,
} as const;

function compile(schema: boolean | { [key: string]: unknown }) {
  const { Ajv2020 } = loadAjv();
  const ajv = new Ajv2020(OPTIONS);
  ajv.addKeyword("$anchor");
  try {
    return ajv.compile(schema);
  } catch (error) {
    throw cannotLook(`the schema can't be used: ${(error as Error).message}`, error);
  }
}
