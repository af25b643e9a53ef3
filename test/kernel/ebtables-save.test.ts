/**
 * ebtables-save.test.ts — what ebtables-save wrote on Linux, restored here and saved again, is the same text, and listings are equal; and Linux
 * takes what is written here. ebtables-saved.txt has what a Linux machine made of the rule sets; with root this machine is asked too.
 */
import { readFileSync } from 'node:fs';
import { SeededRandom } from '@packetwalk/framework';
import { beforeAll, describe, expect, it } from 'vitest';
import { EbtablesLab } from '../../plugins/ebtables/src/testing/ebtables-lab.ts';
import { VariedRules } from '../../plugins/ebtables/src/testing/varied-rules.ts';
import { hasRealEbtables, typeReal } from './real-iptables.ts';

/** Texts of rules. */
const SETS = 40;

const texts = Array.from({ length: SETS }, (_, seed) => new VariedRules(new SeededRandom(seed)).text());

const QUESTIONS = ['ebtables-save', 'ebtables -L --Ln', 'ebtables -t nat -L --Lc'];

/** Without the day on which it was written. */
const undated = (text: string): string => text.replace(/^#.*$\n?/gm, '').trimEnd();

/** Restores a text here; what the questions are answered. */
function answersHere(text: string): string[] {
  const lab = new EbtablesLab();
  lab.need('ebtables-restore', text);
  return QUESTIONS.map((line) => undated(lab.need(line)));
}

/** What a Linux machine has answered, for each rule set. */
function recorded(): string[][] {
  const file = readFileSync(new URL('ebtables-saved.txt', import.meta.url), 'utf8');
  return file
    .split(/^==== .*\n/m)
    .slice(1)
    .map((set) =>
      set
        .split(/^---- .*\n/m)
        .slice(1)
        .map(undated),
    );
}

describe('varied rule sets of ebtables', () => {
  it.each(recorded().map((answers, i) => [i, answers] as const))(
    'rule set %i saved on Linux is restored, saved and listed the same',
    (_, answers) => {
      expect(answersHere(answers[0])).toEqual(answers);
    },
  );

  it('are as many as there are texts', () => {
    expect(recorded().length).toBe(SETS);
    for (const [i, text] of texts.entries()) expect(answersHere(text)).toEqual(recorded()[i]);
  });

  describe.skipIf(!hasRealEbtables())('between Linux and here (root)', () => {
    let answers: string[] = [];

    beforeAll(() => {
      const lines = texts.flatMap((text) => [{ line: 'ebtables-restore', input: text }, ...QUESTIONS.map((line) => ({ line }))]);
      answers = typeReal(lines).map(({ status, output }) => `${undated(output)}${status === 0 ? '' : `\n= ${status}`}`);
    }, 60_000);

    it('Linux says what was recorded', () => {
      const said = texts.map((_, i) => answers.slice(4 * i, 4 * i + 4));
      expect(said.map(([restored]) => restored)).toEqual(texts.map(() => ''));
      expect(said.map(([, ...rest]) => rest)).toEqual(recorded());
    });

    it('Linux takes what is saved here, and saves the same', () => {
      const ours = texts.map((text) => answersHere(text)[0]);
      const back = typeReal(ours.flatMap((text) => [{ line: 'ebtables-restore', input: text }, { line: 'ebtables-save' }]));
      for (const [i, text] of ours.entries()) {
        expect(`${back[2 * i].output}${back[2 * i].status}`, text).toBe('0');
        expect(undated(back[2 * i + 1].output)).toBe(text);
      }
    });
  });
});
