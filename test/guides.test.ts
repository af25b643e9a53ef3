/** The guides in docs/ are true: each command in a `console` block prints what stands below it. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { splitWords } from '@packetwalk/framework';
import { describe, expect, it } from 'vitest';
import { packetwalk } from './program.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** Commands of a guide with the output that it shows. */
function examples(file: string): (readonly [command: string, output: string])[] {
  const text = readFileSync(`${ROOT}docs/${file}`, 'utf8');
  return [...text.matchAll(/```console\n\$ packetwalk (.*)\n([^`]*)```/g)].map(([, command, output]) => [command, output]);
}

const guides = readdirSync(`${ROOT}docs`).filter((file) => file.endsWith('.md') && examples(file).length > 0);

describe.each(guides)('docs/%s', (guide) => {
  it.each(examples(guide))('packetwalk %s', async (command, output) => {
    const { status, stdout } = await packetwalk(splitWords(command), { cwd: ROOT });
    expect(stdout).toBe(output);
    expect(status).toBe(0);
  });
});

it('there are guides', () => expect(guides).toContain('read-a-walk.md'));
