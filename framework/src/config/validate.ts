/** validate.ts — checks a config against a schema (ajv), and what no schema can say; completes it with defaults. */
import { Ajv, type ValidateFunction } from 'ajv';
import type { ConfigIssue, ConfigPath } from '../errors.ts';
import type { SchemaObject } from '../plugin.ts';
import { checkConsistency } from './consistency.ts';
import type { ConfigDocument } from './document.ts';
import { explain } from './explain.ts';
import { FORMATS } from './formats.ts';
import { expandPlugins } from './plugin-use.ts';

/** One validator a schema, for as long as the schema lives: compiling costs milliseconds. */
const validators = new WeakMap<SchemaObject, ValidateFunction>();
let ajv: Ajv | undefined;

function validator(schema: SchemaObject): ValidateFunction {
  let validate = validators.get(schema);
  if (validate === undefined) {
    ajv ??= createAjv();
    try {
      validate = ajv.compile(schema);
    } finally {
      // Or it would keep every schema that it ever saw: those of a config's last hundred versions.
      ajv.removeSchema(schema);
    }
    validators.set(schema, validate);
  }
  return validate;
}

function createAjv(): Ajv {
  const formats = [...FORMATS].map(([name, fault]) => [name, (text: string) => fault(text) === undefined] as const);
  return new Ajv({
    allErrors: true,
    useDefaults: true,
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    verbose: true,
    logger: false,
    formats: Object.fromEntries(formats),
  });
}

/** What is wrong with a schema itself, in one line; undefined when it can be used. For schemas that plugins bring. */
export function schemaFault(schema: SchemaObject): string | undefined {
  try {
    validator(schema);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Checks the value at `path` against `schema` and fills in the defaults; returns what is wrong, sorted by position. A
 * schema that is wrong itself is the only issue then: `schemaFault` finds it where one still knows whose it is.
 */
export function validate(doc: ConfigDocument, schema: SchemaObject, path: ConfigPath = []): ConfigIssue[] {
  const fault = schemaFault(schema);
  if (fault !== undefined) return [{ code: 'bad-schema', path, message: `cannot be checked, its schema is wrong: ${fault}` }];
  const value = path.reduce<unknown>((inside, part) => (inside as Record<string | number, unknown> | undefined)?.[part], doc.value);
  const check = validator(schema);
  if (check(value)) return [];
  return doc.sort(
    explain(check.errors ?? [], value, schema, path).map((issue) => (issue.key ? { ...issue, at: doc.locateKey(issue.key) } : issue)),
  );
}

/**
 * Checks a whole config against `composeSchema(…)`: the text, the schema, and what stands in different places but must
 * fit. Completes `doc.value`: bare plugin names become `{use, options}`, defaults are filled in.
 */
export function validateConfig(doc: ConfigDocument, schema: SchemaObject): ConfigIssue[] {
  if (doc.issues.length > 0) return [...doc.issues];
  expandPlugins(doc.value);
  const issues = validate(doc, schema);
  return doc.sort([...issues, ...checkConsistency(doc.value)]);
}
