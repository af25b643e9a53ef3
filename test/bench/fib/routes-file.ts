/** routes-file.ts — a routing table from a file of `prefix/length next-hop` lines, plain or gzip. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parseIpv4 } from '@packetwalk/framework';
import { type RouteSet, sortRoutes } from '@packetwalk/framework/testing';

export function readRoutes(path: string): RouteSet {
  const bytes = readFileSync(path);
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('latin1');
  const lines = text.split('\n').filter((line) => line !== '');
  const prefixes = new Int32Array(lines.length);
  const lengths = new Uint8Array(lines.length);
  const values = new Int32Array(lines.length);
  for (const [i, line] of lines.entries()) {
    const match = /^([\d.]+)\/(\d+)\s+(\d+)\s*$/.exec(line);
    const address = match === null ? null : parseIpv4(match[1]);
    if (match === null || address === null) throw new Error(`${path}:${i + 1}: not "prefix/length next-hop": ${line}`);
    prefixes[i] = address;
    lengths[i] = Number(match[2]);
    values[i] = Number(match[3]);
  }
  return sortRoutes({ count: lines.length, prefixes, lengths, values });
}
