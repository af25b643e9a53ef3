/** run-dir.ts — where control sockets are: one folder a user, and root's for all to look into. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const uid = (): number => process.getuid?.() ?? 0;

/** Folder for a user's sockets. `PACKETWALK_RUN_DIR` overrides all. */
function folderOf(user: number): string {
  if (user === 0) return '/run/packetwalk';
  const runtime = `/run/user/${user}`;
  return existsSync(runtime) ? join(runtime, 'packetwalk') : join(tmpdir(), `packetwalk-${user}`);
}

/** The folder of this process, made when it is not there. */
export function ownRunDir(): string {
  const dir = process.env.PACKETWALK_RUN_DIR ?? folderOf(uid());
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  return dir;
}

/** Sockets of running instances, by name: this user's, root's, and with sudo those of the user behind it. */
export function runningSockets(): Map<string, string> {
  const users = [uid(), 0, ...(process.env.SUDO_UID === undefined ? [] : [Number(process.env.SUDO_UID)])];
  const own = process.env.PACKETWALK_RUN_DIR;
  const dirs = own === undefined ? [...new Set(users.map(folderOf))] : [own];
  const found = new Map<string, string>();
  for (const dir of dirs) {
    for (const file of list(dir)) {
      const name = file.slice(0, -'.sock'.length);
      if (file.endsWith('.sock') && !found.has(name)) found.set(name, join(dir, file));
    }
  }
  return found;
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
