/** What the kernel's tools say to lines that people type, as recorded: Packetwalk says the same. With root, this machine's tools are asked again. */
import { describe, expect, it } from 'vitest';
import { formatTranscript } from '../../plugins/netfilter/src/testing/transcript.ts';
import { type Typist, typeAtKernel, typeAtPacketwalk } from './side-by-side.ts';
import { ELSEWHERE, PORTS, readEntries, transcriptNames, typeAll } from './transcripts.ts';

const isRoot = process.getuid?.() === 0;

async function compare(typist: Typist, name: string): Promise<void> {
  const entries = readEntries(name);
  try {
    expect(await typeAll(typist, entries)).toBe(formatTranscript(entries));
  } finally {
    await typist.close();
  }
}

describe('says what the tools of Linux say', () => {
  it.each(transcriptNames())('%s', async (name) => {
    await compare(await typeAtPacketwalk(PORTS), name);
  });
});

const here = transcriptNames().filter((name) => !ELSEWHERE.has(name));

describe.skipIf(!isRoot || here.length === 0)('the tools of this machine say what was recorded (root)', () => {
  it.each(here)(
    '%s',
    async (name) => {
      await compare(await typeAtKernel(PORTS), name);
    },
    30_000,
  );
});
