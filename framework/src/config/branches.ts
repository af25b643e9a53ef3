/**
 * branches.ts — the one error that matters out of a schema's alternatives. ajv reports the errors of every branch of an
 * `anyOf` and then the `anyOf` itself; a person meant one branch and wants to hear of that.
 */
import type { ErrorObject } from 'ajv';

/** Errors that say "this branch is for another kind of value". */
const KIND_KEYWORDS = new Set(['type', 'enum', 'const']);

/** Errors that only repeat what others say. */
const ECHOES = new Set(['if', 'propertyNames']);

/**
 * Replaces the errors of alternatives by those of the branch that fits best. When none fits at all, one `anyOf` error
 * stands for them: its `params.branches` are the errors that say what each branch is for.
 * @param schema what the errors come from, for its references
 */
export function chooseBranches(errors: readonly ErrorObject[], schema: unknown): ErrorObject[] {
  const kept: ErrorObject[] = [];
  for (const error of errors) {
    if (ECHOES.has(error.keyword)) continue;
    if (error.keyword === 'anyOf' || error.keyword === 'oneOf') kept.push(...choose(error, takeBranches(error, kept, schema)));
    else kept.push(error);
  }
  return kept;
}

/** Takes the errors of each branch of `error` off the end of `kept`, where ajv has put them in order. */
function takeBranches(error: ErrorObject, kept: ErrorObject[], root: unknown): ErrorObject[][] {
  const parts = (error.schema as readonly unknown[]).map((schema) => partsOf(schema, root));
  const branches: ErrorObject[][] = parts.map(() => []);
  for (let last = kept.at(-1); last !== undefined; last = kept.at(-1)) {
    const { parentSchema, instancePath } = last;
    const branch = parts.findLastIndex((schemas) => schemas.has(parentSchema));
    if (branch < 0 || !`${instancePath}/`.startsWith(`${error.instancePath}/`)) break;
    branches[branch].unshift(last);
    kept.pop();
  }
  return branches;
}

/** All objects inside a schema, through its references: an error knows which of them it comes from. */
function partsOf(schema: unknown, root: unknown, found: Set<unknown> = new Set()): Set<unknown> {
  if (typeof schema !== 'object' || schema === null || found.has(schema)) return found;
  found.add(schema);
  for (const [key, value] of Object.entries(schema)) partsOf(key === '$ref' ? referenced(value, root) : value, root, found);
  return found;
}

/** What `#/definitions/name` stands for. */
function referenced(reference: unknown, root: unknown): unknown {
  const path = String(reference).split('/').slice(1);
  return path.reduce<unknown>((inside, part) => (inside as Record<string, unknown> | undefined)?.[part], root);
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
