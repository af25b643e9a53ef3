/**
 * The layers, and what else holds of every file: wire ← framework ← plugins ← cli. Plugins meet through tokens, hooks and
 * slots, never through an import.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const EXACT = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
const IGNORED = new Set(['node_modules', 'dist', '.git']);

/** Files of the tree below a folder, as paths from the root. */
function files(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return IGNORED.has(entry.name) ? [] : files(path);
    return [path];
  });
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const manifest = (folder: string): Manifest => JSON.parse(read(join(folder, 'package.json')));
const isTest = (path: string): boolean => path.endsWith('.test.ts');

const plugins = readdirSync(join(ROOT, 'plugins')).filter((name) => existsSync(join(ROOT, 'plugins', name, 'package.json')));
const packages = ['framework', ...plugins.map((name) => `plugins/${name}`), 'cli'];
const sources = packages.flatMap((folder) => files(`${folder}/src`)).filter((path) => path.endsWith('.ts'));
const code = [...sources, ...files('test'), ...files('configs'), ...files('docs')].filter((path) => path.endsWith('.ts'));

/** What a module imports, statically or not. */
function imports(path: string): string[] {
  return ts.preProcessFile(read(path), true, true).importedFiles.map((file) => file.fileName);
}

/** Name of the package that a bare import asks for. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Globals of the host that a module uses: the core and the protocols are given a clock, a log and devices instead. */
function hostGlobals(path: string): string[] {
  const HOST = new Set(['process', 'Buffer', 'Deno', 'console', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'fetch']);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && HOST.has(node.text)) {
      const { name } = node.parent as { name?: ts.Node };
      if (name !== node) found.push(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true));
  return found;
}

/** May code of this folder talk to the host? */
function isHostCode(path: string): boolean {
  return path.startsWith('framework/src/runtime/') || path.startsWith('cli/') || path.startsWith('plugins/nic-');
}

/** Entries of the framework that lead to the host, and who may use them. */
const HOST_ENTRIES: Readonly<Record<string, (path: string) => boolean>> = {
  '@packetwalk/framework/runtime': isHostCode,
  '@packetwalk/framework/crypto': (path) => path.startsWith('plugins/xfrm/'),
};

describe.each(packages)('%s', (folder) => {
  const { dependencies = {}, peerDependencies = {} } = manifest(folder);
  const own = sources.filter((path) => path.startsWith(`${folder}/`) && !isTest(path));

  it('imports what its package.json names, and its own files', () => {
    for (const path of own) {
      for (const specifier of imports(path)) {
        if (specifier.startsWith('node:')) {
          expect(isHostCode(path), `${path} imports ${specifier}`).toBe(true);
        } else if (specifier.startsWith('.')) {
          const target = resolve('/', dirname(path), specifier).slice(1);
          expect(target.startsWith(`${folder}/src/`), `${path} imports ${specifier}`).toBe(true);
          expect(existsSync(join(ROOT, target)), `${path} imports ${specifier}`).toBe(true);
        } else {
          expect({ ...dependencies, ...peerDependencies }, `${path} imports ${specifier}`).toHaveProperty([packageOf(specifier)]);
          expect(HOST_ENTRIES[specifier]?.(path), `${path} imports ${specifier}`).not.toBe(false);
        }
      }
    }
  });

  it('names its dependencies exactly, and of this project only those of the layer below', () => {
    const ours = Object.keys({ ...dependencies, ...peerDependencies }).filter((name) => name.startsWith('@packetwalk/'));
    if (folder === 'framework') expect(ours).toEqual([]);
    else if (folder !== 'cli') expect(ours).toEqual(['@packetwalk/framework']);
    for (const [name, version] of Object.entries(dependencies)) expect(version, name).toMatch(EXACT);
    for (const name of ours) expect({ ...dependencies, ...peerDependencies }[name], name).toBe(manifest('framework').version);
    expect(manifest(folder).version).toBe(manifest('framework').version);
  });

  it('leaves the host to the code that may touch it', () => {
    for (const path of own) if (!isHostCode(path)) expect(hostGlobals(path), path).toEqual([]);
  });
});

it('wire/ imports nothing but itself', () => {
  for (const path of sources.filter((p) => p.startsWith('framework/src/wire/') && !isTest(p))) {
    for (const specifier of imports(path)) expect(specifier, path).toMatch(/^\.\//);
  }
});

it('a plugin for others to read imports the framework alone', () => {
  for (const path of files('configs').filter((p) => p.endsWith('.ts') && !isTest(p))) {
    for (const specifier of imports(path)) expect(specifier, path).toBe('@packetwalk/framework');
  }
});

describe.each(plugins)('plugin %s', (name) => {
  it('has a README and a manifest with the name of its folder', async () => {
    expect(existsSync(join(ROOT, 'plugins', name, 'README.md')), 'README.md').toBe(true);
    const module = await import(`../plugins/${name}/src/plugin.ts`);
    expect(module.default?.name).toBe(name);
  });
});

it('names files after a word of the field', () => {
  for (const path of code) expect(basename(path)).not.toMatch(/^(utils?|helpers?|types?|misc|common|shared|stack)(\.test)?\.ts$/);
});

it('gives every drop a reason of its own', () => {
  const users = code.filter((path) => path !== 'framework/src/drop-reason.ts' && path !== 'test/layering.test.ts');
  for (const path of users) expect(read(path), path).not.toContain('SKB_DROP_REASON_NOT_SPECIFIED');
});

it('links in the documents lead somewhere', () => {
  for (const path of files('.').filter((p) => p.endsWith('.md'))) {
    for (const [, target] of read(path).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      expect(existsSync(join(ROOT, dirname(path), target)), `${path}: ${target}`).toBe(true);
    }
  }
});

it('the lock file pins every package and names no registry', () => {
  const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version?: string; resolved?: string }> };
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (entry.resolved !== undefined) expect(entry.resolved, path).toMatch(/^(framework|cli|plugins\/[\w-]+)$/);
  }
  const { devDependencies, optionalDependencies } = manifest('.');
  for (const [name, version] of Object.entries({ ...devDependencies, ...optionalDependencies })) expect(version, name).toMatch(EXACT);
  expect(read('deno.lock')).not.toMatch(/https?:/);
});

it('JSR gets what npm gets', () => {
  const { version, exports } = JSON.parse(read('framework/package.json')) as {
    version: string;
    exports: Record<string, { source?: string }>;
  };
  const entries = Object.entries(exports).filter(([, target]) => target.source !== undefined);
  const jsr = { version, exports: Object.fromEntries(entries.map(([key, target]) => [key, target.source])) };
  expect(JSON.parse(read('framework/jsr.json'))).toMatchObject(jsr);
});

it('Deno reads the packages where they are written, and the same versions of others', () => {
  const { imports } = JSON.parse(read('deno.json')) as { imports: Record<string, string> };
  for (const name of plugins) expect(imports[`@packetwalk/${name}`]).toBe(`./plugins/${name}/src/plugin.ts`);
  for (const [name, target] of Object.entries(imports)) {
    if (target.startsWith('npm:')) expect(target).toBe(`npm:${name}@${manifest('.').devDependencies?.[name]}`);
    else expect(existsSync(join(ROOT, target)), target).toBe(true);
  }
});
