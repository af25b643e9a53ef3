/**
 * plugin-hooks.ts — module hooks while plugins are loaded. A plugin finds the host's copy of the framework wherever its
 * file lies, a package is looked up from the config's folder, and `.ts` files lose their types where the runtime does
 * not do that itself. The same functions serve `registerHooks` (Node 22.15 and newer, Deno) and, in a thread of its own,
 * `module.register` (Node 20).
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** What the hooks are told when they are installed. */
export interface PluginHooksData {
  /** URLs of the host's own modules, by bare name. */
  readonly host: Readonly<Record<string, string>>;
  /** True: take the types out of `.ts` files here. */
  readonly stripTypes: boolean;
}

interface ResolveContext {
  readonly parentURL?: string;
}

interface Resolved {
  readonly url: string;
  readonly format?: string;
  readonly shortCircuit?: boolean;
}

interface Loaded {
  readonly format: string;
  readonly source: string;
  readonly shortCircuit?: boolean;
}

/** A specifier that stands for "package `name`, seen from `parent`". */
export function packageSpecifier(name: string, parent: string): string {
  return `packetwalk-plugin:${encodeURIComponent(parent)}:${name}`;
}

const PACKAGE = /^packetwalk-plugin:([^:]*):(.*)$/;

let data: PluginHooksData = { host: {}, stripTypes: false };

export function initialize(given: PluginHooksData): void {
  data = given;
}

export function resolve<R, C extends ResolveContext>(
  specifier: string,
  context: C,
  nextResolve: (specifier: string, context: C) => R,
): R | Resolved {
  const url = data.host[specifier];
  if (url !== undefined) return { url, shortCircuit: true };
  const wanted = PACKAGE.exec(specifier);
  if (wanted === null) return nextResolve(specifier, context);
  return nextResolve(wanted[2], { ...context, parentURL: decodeURIComponent(wanted[1]) });
}

export function load<R extends object, C extends object>(url: string, context: C, nextLoad: (url: string, context: C) => R): R | Loaded {
  if ('Deno' in globalThis) return loadOnDeno(url, context, nextLoad);
  if (!/^file:.*\.m?ts$/.test(url)) return nextLoad(url, context);
  if (data.stripTypes) return { format: 'module', source: stripTypes(fileURLToPath(url)), shortCircuit: true };
  // Told the format, Node has no need to guess it, nor to warn that it did.
  return nextLoad(url, { ...context, format: 'module-typescript' });
}

/** Deno 2.9 takes all that a load hook passes on for JavaScript: JSON and native addons that packages require too. */
function loadOnDeno<R extends object, C>(url: string, context: C, nextLoad: (url: string, context: C) => R): R | Loaded {
  if (url.endsWith('.node')) {
    return { format: 'commonjs', source: `process.dlopen(module, ${JSON.stringify(fileURLToPath(url))});`, shortCircuit: true };
  }
  const loaded = nextLoad(url, context);
  return url.endsWith('.json') ? { ...loaded, format: 'json' } : loaded;
}

/** What the type stripper throws. */
interface Diagnostic {
  readonly message: string;
  readonly startLine?: number;
  readonly startColumn?: number;
}

/** Blanks the types out, so that lines and columns stay; throws SyntaxError with the place. */
function stripTypes(path: string): string {
  const { transformSync } = createRequire(import.meta.url)('@swc/wasm-typescript') as typeof import('@swc/wasm-typescript');
  try {
    return transformSync(readFileSync(path, 'utf8'), { filename: path, mode: 'strip-only', module: true }).code;
  } catch (error) {
    const { message, startLine = 0, startColumn = 0 } = error as Diagnostic;
    const wrong = new SyntaxError(message);
    wrong.stack = `SyntaxError: ${message}\n    at ${path}:${startLine}:${startColumn + 1}`;
    throw wrong;
  }
}
