/** The examples of docs/packets.md print as they are written, and its tables name what the notation knows. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatPacket, parsePacket } from '../framework/src/testing/packet-notation.ts';

const text = readFileSync(new URL('../docs/packets.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/^```packet\n(.*?)^```$/gms)].flatMap(([, block]) => block.trim().split('\n'));

const ETH = 'eth 02:00:00:00:0a:02 > 02:00:00:00:00:10';

describe('docs/packets.md', () => {
  it.each(examples)('%s', (line) => {
    expect(formatPacket(parsePacket(line), { from: line.startsWith('ip ') ? 'ip' : 'eth' })).toBe(line);
  });

  it('shows what the calls give', () => {
    const [, call, given] = /parsePacket\('(.*?)'.*?formatPacket\(frame\); \/\/ (.*?)\n/s.exec(text) ?? [];
    const names = { a: { mac: '02:00:00:00:0a:02', ip: '10.0.0.2' }, p0: { mac: '02:00:00:00:00:10' } };
    expect(formatPacket(parsePacket(call, names))).toBe(given);
  });

  it('names the ICMP messages', () => {
    const table = text.slice(text.indexOf('| message |'), text.indexOf('All have'));
    const named = [...table.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name);
    const known = /there are (.*), type N/.exec(failure(`${ETH} / ip 1.1.1.1 > 2.2.2.2 / icmp nothing`))?.[1].split(', ');
    expect(named.sort()).toEqual(known?.sort());
  });

  it.each(['eth', 'vlan', 'ip', 'udp', 'tcp', 'gre'])('names the fields of %s', (layer) => {
    const starts: Record<string, string> = {
      eth: `${ETH} nothing`,
      vlan: `${ETH} / vlan 1 nothing`,
      ip: `${ETH} / ip 1.1.1.1 > 2.2.2.2 nothing`,
      udp: `${ETH} / ip 1.1.1.1 > 2.2.2.2 / udp 1 > 2 nothing`,
      tcp: `${ETH} / ip 1.1.1.1 > 2.2.2.2 / tcp 1 > 2 S nothing`,
      gre: `${ETH} / ip 1.1.1.1 > 2.2.2.2 / gre nothing`,
    };
    const known = /it has (.*)\)/.exec(failure(starts[layer]))?.[1].split(', ');
    const row = text.split('\n').find((line) => line.startsWith(`| \`${layer}`)) ?? '';
    const named = [...row.matchAll(/\[([\w.]+)/g)].map(([, name]) => name);
    expect(named.sort()).toEqual(known?.sort());
  });
});

function failure(line: string): string {
  try {
    parsePacket(line);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}
