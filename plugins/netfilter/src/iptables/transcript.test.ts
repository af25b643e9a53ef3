/** The answers of iptables 1.8.9, as they were recorded; and, with root, as the iptables of this machine gives them. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasRealIptables, hasRealTool, typeReal } from '../../../../test/kernel/real-iptables.ts';
import { NetfilterLab } from '../testing/netfilter-lab.ts';
import { answered, formatTranscript, readTranscript } from '../testing/transcript.ts';

const FOLDER = new URL('../testing/transcripts/', import.meta.url);
const files = readdirSync(FOLDER);
const read = (file: string): string => readFileSync(new URL(file, FOLDER), 'utf8');

/** Some are about other tools than iptables. */
function hasTool(file: string): boolean {
  const name = file.replace('.txt', '');
  return name === 'ipset' || name === 'conntrack' ? hasRealTool(name) : true;
}

describe('says what iptables says', () => {
  it.each(files)('%s', (file) => {
    const entries = readTranscript(read(file));
    const lab = new NetfilterLab();
    const got = entries.map(({ line, input }) => lab.type(line, input));
    expect(formatTranscript(answered(entries, got))).toBe(read(file));
  });
});

describe.skipIf(!hasRealIptables())('the iptables of this machine says what was recorded (root)', () => {
  it.each(files.filter(hasTool))('%s', (file) => {
    const entries = readTranscript(read(file));
    expect(formatTranscript(answered(entries, typeReal(entries)))).toBe(read(file));
  });
});
