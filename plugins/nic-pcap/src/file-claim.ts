/**
 * file-claim.ts — which files the devices of this process have open, by inode, so that none is written while another
 * device reads or writes it: opening a capture for writing empties it.
 */
import { type BigIntStats, fstatSync } from 'node:fs';
import { CommandError } from '@packetwalk/framework';

/** Readers of each file, or -1 for one writer. */
const claims = new Map<string, number>();

/** Claims an open file; returns what gives it back. Character devices may be shared: /dev/null is one. */
export function claimFile(fd: number, path: string, use: 'read' | 'write'): () => void {
  const stat: BigIntStats = fstatSync(fd, { bigint: true });
  if (stat.isCharacterDevice()) return () => {};
  const key = `${stat.dev}:${stat.ino}`;
  const users = claims.get(key) ?? 0;
  if (users < 0) throw new CommandError(`${path} is being written by another device`);
  if (users > 0 && use === 'write') throw new CommandError(`${path} is being read by another device, or by this one`);
  claims.set(key, use === 'read' ? users + 1 : -1);
  return () => {
    const left = use === 'read' ? (claims.get(key) ?? 1) - 1 : 0;
    if (left > 0) claims.set(key, left);
    else claims.delete(key);
  };
}
