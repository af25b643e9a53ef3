/** explain.ts — what ajv found wrong, in words a person can act on. */
import type { ErrorObject } from 'ajv';
import type { ConfigIssue, ConfigPath } from '../errors.ts';
import type { SchemaObject } from '../plugin.ts';
import { chooseBranches } from './branches.ts';
import { didYouMean, suggestion } from './did-you-mean.ts';
import { FORMATS } from './formats.ts';
import { isMapping } from './shape.ts';

/** An issue; one about a key and not about its value says which. */
export interface Explained extends ConfigIssue {
  readonly key?: ConfigPath;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a map',
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'empty',
};

/** More choices than this are not listed. */
const MAX_LISTED = 12;

/**
 * Explains the errors of one validation; each mistake once.
 * @param schema what the value was checked against
 * @param root where the value stands in the config
 */
export function explain(errors: readonly ErrorObject[], value: unknown, schema: SchemaObject, root: ConfigPath): Explained[] {
  const kept = chooseBranches(errors, schema);
  const meant = new Set(kept.filter((e) => e.keyword === 'additionalProperties').map((e) => `${e.instancePath}/${meantKey(e)}`));
  return kept
    .filter((e) => e.keyword !== 'required' || !meant.has(`${e.instancePath}/${e.params.missingProperty}`))
    .map((e) => explainOne(e, [...root, ...pathOf(e.instancePath, value)]));
}

function explainOne(error: ErrorObject, path: ConfigPath): Explained {
  const { keyword, params } = error;
  if (keyword === 'additionalProperties') {
    const unknown: string = params.additionalProperty;
    const message = `unknown key "${unknown}"${suggestion(unknown, freeKeys(error))}`;
    return { code: 'unknown-key', path, message, key: [...path, unknown] };
  }
  if (keyword === 'required') return { code: 'missing-key', path, message: `must have the key "${params.missingProperty}"` };
  const message = valueMessage(error);
  if (error.propertyName === undefined) return { code: 'bad-value', path, message };
  return { code: 'bad-key', path, message: `the name "${error.propertyName}" ${message}`, key: [...path, error.propertyName] };
}

function valueMessage(error: ErrorObject): string {
  const { keyword, params, data } = error;
  switch (keyword) {
    case 'type':
    case 'enum':
    case 'const':
      return choiceMessage([error], data);
    case 'anyOf':
    case 'oneOf':
      return Array.isArray(params.branches) ? choiceMessage(params.branches, data) : 'must fit one of its forms, and one only';
    case 'format':
      return FORMATS.get(params.format)?.(String(data)) ?? `must be of the format "${params.format}"`;
    case 'minLength':
      return params.limit === 1 ? 'must not be empty' : `must be at least ${params.limit} characters long`;
    case 'maxLength':
      return `must be at most ${params.limit} characters long`;
    case 'minItems':
    case 'minProperties':
      return `must have at least ${count(params.limit)}`;
    case 'maxItems':
    case 'maxProperties':
      return `must have at most ${count(params.limit)}`;
    case 'uniqueItems':
      return `must not have the same entry twice: entries ${params.j} and ${params.i}`;
    case 'dependencies':
      return `must have ${params.deps} too when it has "${params.property}"`;
    case 'not':
    case 'false schema':
      return 'must not be here';
    default:
      return error.message ?? `must satisfy "${keyword}"`;
  }
}

function count(entries: number): string {
  return entries === 1 ? 'one entry' : `${entries} entries`;
}

/** `must be text, a list or "auto"`: what the errors together would have let pass. */
function choiceMessage(errors: readonly ErrorObject[], data: unknown): string {
  const types = errors.flatMap((e) => (e.keyword === 'type' ? [e.params.type].flat() : [])) as string[];
  const values = errors.flatMap((e): unknown[] =>
    e.keyword === 'enum' ? e.params.allowedValues : e.keyword === 'const' ? [e.params.allowedValue] : [],
  );
  const choices = [...new Set([...types.map((t) => TYPE_NAMES[t]), ...values.map((v) => JSON.stringify(v))])];
  if (choices.length > MAX_LISTED) choices.splice(MAX_LISTED - 1, Number.POSITIVE_INFINITY, 'another of its kind');
  const last = choices.pop();
  const must = `must be ${choices.length === 0 ? last : `${choices.join(', ')} or ${last}`}`;
  if (data === null) return `${must}, and is empty`;
  if (types.includes('string') && (typeof data === 'number' || typeof data === 'boolean')) return `${must}: put it in quotes`;
  if (typeof data !== 'string') return must;
  const numeric = data.trim() !== '' && Number.isFinite(Number(data));
  if (numeric && (types.includes('number') || types.includes('integer'))) return `${must}: leave out the quotes`;
  return (
    must +
    suggestion(
      data,
      values.filter((v) => typeof v === 'string'),
    )
  );
}

/**
 * Keys that the map might have and has not: what an unknown one may have been meant to be. One with a default counts as
 * missing, since it has just been filled in.
 */
function freeKeys(error: ErrorObject): string[] {
  const data = isMapping(error.data) ? error.data : {};
  const known = Object.entries((error.parentSchema?.properties ?? {}) as Record<string, unknown>);
  return known.filter(([key, schema]) => !Object.hasOwn(data, key) || (isMapping(schema) && 'default' in schema)).map(([key]) => key);
}

function meantKey(error: ErrorObject): string | undefined {
  return didYouMean(error.params.additionalProperty, freeKeys(error));
}

/** `/devices/eth1/addresses/0` as a path: indexes are numbers (RFC 6901). */
function pathOf(pointer: string, value: unknown): (string | number)[] {
  const path: (string | number)[] = [];
  let inside = value;
  for (const token of pointer.split('/').slice(1)) {
    const part = token.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(inside) ? Number(part) : part);
    inside = (inside as Record<string, unknown>)[part];
  }
  return path;
}
