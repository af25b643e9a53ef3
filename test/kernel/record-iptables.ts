/**
 * record-iptables.ts FILE… — types the lines of transcripts at the iptables of this machine, and writes its answers into
 * them. Needs root; run it with Deno, or a Node that reads TypeScript.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { answered, formatTranscript, readTranscript } from '../../plugins/netfilter/src/testing/transcript.ts';
import { typeReal } from './real-iptables.ts';

for (const file of process.argv.slice(2)) {
  const entries = readTranscript(readFileSync(file, 'utf8'));
  writeFileSync(file, formatTranscript(answered(entries, typeReal(entries))));
}
