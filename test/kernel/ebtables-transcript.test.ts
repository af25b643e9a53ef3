/**
 * ebtables-transcript.test.ts — everything in testing/transcripts was typed at the ebtables of a Linux machine; Packetwalk must answer the
 * same, line by line. With root this machine is asked too; `record-iptables.ts FILE…` writes its answers down.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EbtablesLab } from '../../plugins/ebtables/src/testing/ebtables-lab.ts';
import { answered, formatTranscript, readTranscript } from '../../plugins/netfilter/src/testing/transcript.ts';
import { hasRealEbtables, typeReal } from './real-iptables.ts';

const FOLDER = new URL('../../plugins/ebtables/src/testing/transcripts/', import.meta.url);
const files = readdirSync(FOLDER);
const read = (file: string): string => readFileSync(new URL(file, FOLDER), 'utf8');

describe('ebtables, as it answers on Linux', () => {
  it.each(files)('%s', (name) => {
    const text = read(name);
    const entries = readTranscript(text);
    const lab = new EbtablesLab();
    const answers = entries.map(({ line, input }) => lab.type(line, input));
    expect(formatTranscript(answered(entries, answers))).toBe(text);
  });
});

describe.skipIf(!hasRealEbtables())('the ebtables of this machine says what was recorded (root)', () => {
  it.each(files)('%s', (file) => {
    const entries = readTranscript(read(file));
    expect(formatTranscript(answered(entries, typeReal(entries)))).toBe(read(file));
  });
});
