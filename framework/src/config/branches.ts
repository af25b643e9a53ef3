/**
 * branches.ts — the one error that matters out of a schema's alternatives. ajv reports the errors of every branch of an
 * `anyOf` and then the `anyOf` itself; a person meant one branch and wants to hear of that.
 */
import type { ErrorObject } from 'ajv';
import type { SchemaObject } from '../plugin.ts';

/** Errors that say "this branch is for another kind of value". */
const KIND_KEYWORDS = new Set(['type', 'enum', 'const']);

/** Errors that only repeat what others say. */
const ECHOES = new Set(['if', 'propertyNames']);

/**
 * Replaces the errors of alternatives by those of the branch that fits best. When none fits at all, one `anyOf` error
 * stands for them: its `params.branches` are the errors that say what each branch is for.
 */
export function chooseBranches(errors: readonly ErrorObject[]): ErrorObject[] {
  const kept: ErrorObject[] = [];
  for (const error of errors) {
    if (ECHOES.has(error.keyword)) continue;
    if (error.keyword === 'anyOf' || error.keyword === 'oneOf') kept.push(...choose(error, takeBranches(error, kept)));
    else kept.push(error);
  }
  return kept;
}

/** Takes the errors of each branch of `error` off the end of `kept`, where ajv has put them. */
function takeBranches(error: ErrorObject, kept: ErrorObject[]): ErrorObject[][] {
  const schemas = error.schema as readonly SchemaObject[];
  const prefixes = schemas.map((schema, i) => `${schema.$ref ?? `${error.schemaPath}/${i}`}/`);
  const branches: ErrorObject[][] = schemas.map(() => []);
  for (let last = kept.at(-1); last !== undefined; last = kept.at(-1)) {
    const { schemaPath, instancePath } = last;
    const branch = prefixes.findIndex((prefix) => schemaPath.startsWith(prefix));
    if (branch < 0 || !`${instancePath}/`.startsWith(`${error.instancePath}/`)) break;
    branches[branch].unshift(last);
    kept.pop();
  }
  return branches;
}

function choose(error: ErrorObject, branches: readonly ErrorObject[][]): ErrorObject[] {
  const failed = branches.filter((b) => b.length > 0);
  if (failed.length < branches.length) return [error];
  const kinds = failed.map((branch) => branch.flatMap((e) => kindErrors(e, error.instancePath)));
  const possible = failed.filter((_, i) => kinds[i].length === 0);
  if (possible.length === 0) return [{ ...error, params: { ...error.params, branches: kinds.flat() } }];
  return possible.reduce((best, branch) => (misfit(branch) < misfit(best) ? branch : best));
}

/** The error, or those it stands for, when they say that the value at `path` is of another kind. */
function kindErrors(error: ErrorObject, path: string): ErrorObject[] {
  if (error.instancePath !== path) return [];
  if (Array.isArray(error.params.branches)) return error.params.branches;
  return KIND_KEYWORDS.has(error.keyword) ? [error] : [];
}

/** How badly a branch fits: a wrong `const` inside tells a tagged form that was not meant; then the fewer the better. */
function misfit(branch: readonly ErrorObject[]): number {
  const tags = branch.filter((e) => e.keyword === 'const').length;
  return tags * 1000 + branch.length;
}
