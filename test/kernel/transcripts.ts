/**
 * transcripts.ts — lines that people type at ip(8), ifconfig, arp, route and netstat, and what these answered on a Linux
 * kernel: transcripts/*.txt, in the form of plugins/netfilter/src/testing/transcript.ts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Entry } from '../../plugins/netfilter/src/testing/transcript.ts';
import { answered, formatTranscript, readTranscript } from '../../plugins/netfilter/src/testing/transcript.ts';
import type { Typist } from './side-by-side.ts';

const FOLDER = new URL('transcripts/', import.meta.url);

/** Transcripts whose answers this machine's kernel may not have: tunnels need modules. */
export const ELSEWHERE: ReadonlySet<string> = new Set(['ip-tunnel.txt']);

/** Ports of the router that lines are typed at. */
export const PORTS = 2;

export const transcriptNames = (): string[] => readdirSync(FOLDER).sort();
export const transcriptPath = (name: string): string => fileURLToPath(new URL(name, FOLDER));
export const readEntries = (name: string): Entry[] => readTranscript(readFileSync(transcriptPath(name), 'utf8'));

/**
 * What differs from machine to machine or belongs to subsystems that are not here: numbers of devices, how many queues
 * and what offloads they have, hash seeds.
 */
export function steady(text: string): string {
  return text
    .replace(/^\d+: /gm, 'N: ')
    .replace(/"ifindex":\d+/g, '"ifindex":N')
    .replace(/addrgenmode eui64 |numtxqueues .*$/gm, '')
    .replace(/gso_max_size .*$/gm, '')
    .replace(/[ \t]+$/gm, '');
}

/** Types all lines, and gives the transcript with these answers. */
export async function typeAll(typist: Typist, entries: readonly Entry[]): Promise<string> {
  const answers: { status: number; output: string }[] = [];
  for (const { line } of entries) {
    const { status, text } = await typist.type(line);
    answers.push({ status, output: steady(text) });
  }
  return formatTranscript(answered(entries, answers));
}
