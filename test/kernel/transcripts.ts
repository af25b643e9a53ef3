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
export const ELSEWHERE: ReadonlySet<string> = new Set(['ip-tunnel.txt', 'ip-xfrm.txt']);
/** Those that a kernel guest answers (test/interop/kernel-guest.ts). */
export const GUEST: ReadonlySet<string> = new Set(['ip-xfrm.txt']);

/** Ports of the router that lines are typed at. */
export const PORTS = 2;

export const transcriptNames = (): string[] => readdirSync(FOLDER).sort();
export const transcriptPath = (name: string): string => fileURLToPath(new URL(name, FOLDER));
export const readEntries = (name: string): Entry[] => readTranscript(readFileSync(transcriptPath(name), 'utf8'));

/**
 * What differs from machine to machine or belongs to subsystems that are not here: numbers of devices, how many queues
 * and what offloads they have; what is explained when a line makes no sense, counters of TCP; TAP ports have a queueing discipline and say nothing of their state.
 */
export function steady(text: string): string {
  return text
    .replace(/^(TcpExt|MPTcpExt|UdpLite): .*\n/gm, '')
    .replace(/^Usage: ?[\s\S]*/m, 'Usage …\n')
    .replace(/^(\t {2}add ).* use/gm, '$1TIME use')
    .replace(/^\d+: /gm, 'N: ')
    .replace(/"ifindex":\d+/g, '"ifindex":N')
    .replace(/qdisc pfifo_fast state UNKNOWN/g, 'qdisc noqueue state UP')
    .replace(/"qdisc":"pfifo_fast","operstate":"UNKNOWN"/g, '"qdisc":"noqueue","operstate":"UP"')
    .replace(/^(p\d +)UNKNOWN {8}/gm, '$1UP             ')
    .replace(/qdisc pfifo_fast/g, 'qdisc noqueue')
    .replace(/addrgenmode eui64 |numtxqueues .*$/gm, '')
    .replace(/gso_max_size .*$/gm, '')
    .replace(/[ \t]+$/gm, '');
}

/** Listings whose order is that of a hash table with a random seed. */
const UNORDERED = /^ip (-[osN4] )*n[a-z]* (s|l)|^arp( -[nev]+)*$|net.arp$/;

const sortLines = (text: string): string => text.replace(/(?:.+\n)+/g, (lines) => `${lines.trimEnd().split('\n').sort().join('\n')}\n`);

/** Types all lines, and gives the transcript with these answers. */
export async function typeAll(typist: Typist, entries: readonly Entry[]): Promise<string> {
  const answers: { status: number; output: string }[] = [];
  for (const { line } of entries) {
    const { status, text } = await typist.type(line);
    const output = steady(text);
    answers.push({ status, output: UNORDERED.test(line) ? sortLines(output) : output });
  }
  return formatTranscript(answered(entries, answers));
}
