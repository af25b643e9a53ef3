/** What iptables-save wrote on Linux, restored here and saved again, is the same text; and Linux takes what is written here. */
import { SeededRandom } from '@packetwalk/framework';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasRealIptables, typeReal } from '../../../../test/kernel/real-iptables.ts';
import { NetfilterLab, type Typed } from '../testing/netfilter-lab.ts';
import { VariedRules } from '../testing/varied-rules.ts';

/** Texts of rules. */
const SETS = 40;

const texts = Array.from({ length: SETS }, (_, seed) => new VariedRules(new SeededRandom(seed)).text());

/** Without the day on which it was written. */
const undated = (text: string): string => text.replace(/^#.*$\n?/gm, '').trimEnd();

/** Restores a text here, counters and all, and saves it. */
function throughHere(text: string): string {
  const lab = new NetfilterLab();
  lab.need('ipset restore', VariedRules.SETS);
  lab.need('iptables-restore -c', text);
  const saved = lab.need('iptables-save -c');
  lab.need('iptables-restore -c', saved);
  expect(undated(lab.need('iptables-save -c'))).toBe(undated(saved));
  return undated(saved);
}

describe('varied rule sets', () => {
  it('saved here are restored here', () => {
    for (const text of texts) throughHere(text);
  });

  describe.skipIf(!hasRealIptables())('between Linux and here (root)', () => {
    const lines = texts.flatMap((text) => [{ line: 'iptables-restore -c', input: text }, { line: 'iptables-save -c' }]);
    let answers: Typed[] = [];

    beforeAll(() => {
      answers = typeReal([{ line: 'ipset restore', input: VariedRules.SETS }, ...lines]).slice(1);
    }, 60_000);

    it.each(texts.map((_, i) => i))('rule set %i comes back the same', (i) => {
      const [restored, saved] = answers.slice(2 * i);
      expect(`${restored.output}${restored.status}`, texts[i]).toBe('0');
      expect(throughHere(`${saved.output}\n`)).toBe(undated(saved.output));
    });

    it('Linux takes what is saved here', () => {
      const ours = texts.map(throughHere);
      const back = typeReal([
        { line: 'ipset restore', input: VariedRules.SETS },
        ...ours.map((text) => ({ line: 'iptables-restore -c', input: text })),
      ]).slice(1);
      for (const [i, text] of ours.entries()) expect(`${back[i].output}${back[i].status}`, text).toBe('0');
    });
  });
});
