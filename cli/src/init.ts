/** init.ts — `packetwalk init KIND NAME`: the beginning of a config or a plugin, with a test that passes. Never asks. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suggestion } from '@packetwalk/framework';
import { jsonLine } from './json-lines.ts';
import type { Invocation } from './main.ts';
import { version } from './version.ts';

const TEMPLATES = fileURLToPath(new URL('../templates/', import.meta.url));

/** The word in templates that stands for the name, in file names too. */
const PLACEHOLDER = 'template';

interface Kind {
  readonly summary: string;
  /** Its files go to a folder of their own, which is a package. */
  readonly folder: boolean;
  /** What to type next. */
  readonly next: (name: string) => readonly string[];
}

const inFolder = (name: string): readonly string[] => [`cd ${name}`, 'npm install', 'npm test'];

const KINDS: Readonly<Record<string, Kind>> = {
  router: {
    summary: 'a router between two networks, and its test',
    folder: false,
    next: (name) => [`packetwalk check ${name}.yaml`, `packetwalk test ${name}.test.yaml`],
  },
  lab: { summary: 'hosts and a router in one process', folder: false, next: (name) => [`packetwalk run ${name}.yaml`] },
  plugin: { summary: 'a plugin: options, a hook, counters, a command', folder: true, next: inFolder },
  driver: { summary: 'a plugin with a NIC driver', folder: true, next: inFolder },
  'fib-backend': { summary: 'a plugin with a lookup structure for routes', folder: true, next: inFolder },
};

const USAGE = `Usage: packetwalk init [ --json ] KIND NAME
Writes the beginning of something, with a test that passes. KIND is one of:
${Object.entries(KINDS)
  .map(([kind, { summary }]) => `  ${kind.padEnd(12)} ${summary}`)
  .join('\n')}
--json prints an object a line: the files written, and what to type next.
Exit status: 0 success, 1 no such KIND, no name, or a file is there already; 2 wrong usage.
`;

export async function init({ args }: Invocation): Promise<number> {
  if (args.includes('-h') || args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const json = args.includes('--json');
  const [kind, name, ...more] = args.filter((arg) => arg !== '--json');
  if (kind?.startsWith('-') || kind === undefined || name === undefined || more.length > 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  const template = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  const problem =
    template === undefined
      ? `no template "${kind}"${suggestion(kind, Object.keys(KINDS))} (there are: ${Object.keys(KINDS).join(', ')})`
      : !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)
        ? `"${name}" is no name: small letters and digits, with hyphens between`
        : undefined;
  if (template === undefined || problem !== undefined) {
    process.stderr.write(`packetwalk init: ${problem}\n`);
    return 1;
  }
  const files = rendered(kind, name, template.folder);
  const known = [...files.keys()].filter((file) => existsSync(file));
  if (known.length > 0) {
    process.stderr.write(`packetwalk init: ${known.join(', ')}: exists already; nothing was written\n`);
    return 1;
  }
  for (const [file, text] of files) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  if (json) {
    for (const file of files.keys()) jsonLine({ wrote: file });
    for (const line of template.next(name)) jsonLine({ next: line });
    return 0;
  }
  process.stdout.write(`${[...files.keys()].map((file) => `wrote ${file}`).join('\n')}\n\nnext:\n`);
  for (const line of template.next(name)) process.stdout.write(`  ${line}\n`);
  return 0;
}

/** Texts of the files to write, by their paths. */
function rendered(kind: string, name: string, folder: boolean): Map<string, string> {
  const from = join(TEMPLATES, kind);
  const named = (text: string): string =>
    text.replaceAll(PLACEHOLDER.toUpperCase(), name.toUpperCase().replaceAll('-', '_')).replaceAll(PLACEHOLDER, name);
  const files = new Map<string, string>();
  for (const file of readdirSync(from).sort()) {
    files.set(join(folder ? name : '', named(file)), named(readFileSync(join(from, file), 'utf8')));
  }
  if (folder) files.set(join(name, 'package.json'), packageJson(name));
  return files;
}

/** The package of a plugin: what it runs with is its host's, what its tests need is its own. */
function packageJson(name: string): string {
  const ours = version();
  const json = {
    name: `packetwalk-plugin-${name}`,
    version: '0.1.0',
    type: 'module',
    exports: `./${name}.ts`,
    files: [`${name}.ts`],
    scripts: { test: 'vitest run' },
    peerDependencies: { '@packetwalk/framework': ours },
    devDependencies: {
      '@packetwalk/arp': ours,
      '@packetwalk/fib-trie': ours,
      '@packetwalk/framework': ours,
      '@packetwalk/ipv4': ours,
      'fast-check': '^4.0.0',
      packetwalk: ours,
      vitest: '^4.0.0',
    },
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}
