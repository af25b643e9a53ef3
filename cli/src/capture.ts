/** capture.ts — `packetwalk capture`: the packets of a running router, on the terminal or as pcapng into a file or pipe. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { CAPTURE_USAGE, CommandError, readCaptureArgs } from '@packetwalk/framework';
import { sendCommand } from './control-client.ts';
import type { Invocation } from './main.ts';

const USAGE = `${CAPTURE_USAGE.replace('Usage: capture', 'Usage: packetwalk [ -r NAME ] capture').replace('[ -c N ]', '[ -w FILE | -w - ] [ -c N ]')}  -w FILE    write pcapng, which Wireshark opens; "-" is standard output: … -w - | wireshark -k -i -
`;

export async function capture({ args, router }: Invocation): Promise<number> {
  if (args.includes('-h') || args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const at = args.indexOf('-w');
  try {
    // What is wrong with the arguments is known before a router is asked.
    readCaptureArgs(at < 0 ? args : args.toSpliced(at, 2));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  if (at < 0) return sendCommand({ argv: ['capture', ...args], router });
  const path = args[at + 1];
  if (path === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  if (path === '-' && process.stdout.isTTY) {
    process.stderr.write('packetwalk: capture: -w - writes bytes, which a terminal cannot show\n');
    return 2;
  }
  const argv = ['capture', '--pcapng', ...args.toSpliced(at, 2)];
  if (path === '-') return sendCommand({ argv, router });
  let file: number | null = null;
  try {
    return await sendCommand({
      argv,
      router,
      // A command that is refused sends no bytes: an earlier file stays as it was.
      onBytes: (bytes) => {
        file ??= openSync(path, 'w');
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      },
    });
  } finally {
    if (file !== null) closeSync(file);
  }
}
