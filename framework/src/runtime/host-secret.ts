/** host-secret.ts — keys and passwords that a config names instead of holding: `file:PATH`, `env:NAME`. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CommandError } from '../errors.ts';

/** Permission bits of group and others. */
const OTHERS = 0o077;

/**
 * What a reference stands for: a file's first line or an environment variable, without blanks around it. Refuses, without a
 * word of the secret, what is not there and files that others may read.
 * @param baseDir folder that relative paths start at
 */
export function hostSecret(reference: string, baseDir: string): string {
  const colon = reference.indexOf(':');
  const [scheme, rest] = [reference.slice(0, colon), reference.slice(colon + 1)];
  if (scheme === 'env') {
    const value = process.env[rest];
    if (value === undefined || value === '') throw new CommandError(`environment variable ${rest} is not set`);
    return value.trim();
  }
  if (scheme !== 'file') throw new CommandError(`a secret is file:PATH or env:NAME, not ${scheme}:…`);
  const path = resolve(baseDir, rest);
  let text: string;
  try {
    const mode = statSync(path).mode & 0o777;
    if ((mode & OTHERS) !== 0) {
      throw new CommandError(`${rest} holds a secret and may be read by others (mode ${mode.toString(8)}): chmod 600 ${rest}`);
    }
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${rest}: ${(error as NodeJS.ErrnoException).code ?? 'cannot be read'}`);
  }
  const [line] = text.split('\n');
  if (line.trim() === '') throw new CommandError(`${rest} is empty`);
  return line.trim();
}
