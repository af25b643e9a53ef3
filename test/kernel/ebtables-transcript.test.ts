/**
 * ebtables-transcript.test.ts — everything in testing/transcripts was typed at the ebtables of a Linux machine; Packetwalk must answer the
 * same, line by line. `record-iptables.ts FILE…` asks the machine again.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EbtablesLab } from '../../plugins/ebtables/src/testing/ebtables-lab.ts';
import { answered, formatTranscript, readTranscript } from '../../plugins/netfilter/src/testing/transcript.ts';

const folder = new URL('../../plugins/ebtables/src/testing/transcripts/', import.meta.url);

describe('ebtables, as it answers on Linux', () => {
  it.each(readdirSync(folder))('%s', (name) => {
    const text = readFileSync(new URL(name, folder), 'utf8');
    const entries = readTranscript(text);
    const lab = new EbtablesLab();
    const answers = entries.map(({ line, input }) => lab.type(line, input));
    expect(formatTranscript(answered(entries, answers))).toBe(text);
  });
});
