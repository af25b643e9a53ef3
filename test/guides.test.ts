/**
 * The guides in docs/ are true: each command in a `console` block prints what stands below it, and each config in a `yaml`
 * block is one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseConfig, splitWords } from '@packetwalk/framework';
import { describe, expect, it } from 'vitest';
import { loadDocument } from '../cli/src/load-config.ts';
import { packetwalk } from './program.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** Commands of a guide with the output that it shows. */
function examples(file: string): (readonly [command: string, output: string])[] {
  const text = readFileSync(`${ROOT}docs/${file}`, 'utf8');
  return [...text.matchAll(/```console\n\$ packetwalk (.*)\n([^`]*)```/g)].map(([, command, output]) => [command, output]);
}

/** Configs of a guide: blocks that list plugins. */
function configs(file: string): string[] {
  const text = readFileSync(`${ROOT}docs/${file}`, 'utf8');
  return [...text.matchAll(/```yaml\n([^`]*)```/g)].map(([, config]) => config).filter((config) => /^(plugins|routers):/m.test(config));
}

const documents = readdirSync(`${ROOT}docs`).filter((file) => file.endsWith('.md') && file !== 'scenarios.md');
const guides = readdirSync(`${ROOT}docs`).filter((file) => file.endsWith('.md') && examples(file).length > 0);

describe.each(guides)('docs/%s', (guide) => {
  it.each(examples(guide))('packetwalk %s', async (command, output) => {
    const { status, stdout } = await packetwalk(splitWords(command), { cwd: ROOT });
    expect(stdout).toBe(output);
    expect(status).toBe(0);
  });
});

it('there are guides', () => expect(guides).toContain('read-a-walk.md'));

describe.each(documents.filter((file) => configs(file).length > 0))('docs/%s', (guide) => {
  it.each(configs(guide).map((config, i) => [i + 1, config] as const))('config %i is right', async (_, config) => {
    const file = `${ROOT}docs/${guide}`;
    const doc = parseConfig(config, file);
    await loadDocument(doc, file, (issues) => issues.map((issue) => doc.format(issue)));
  });
});
