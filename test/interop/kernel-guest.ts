/**
 * kernel-guest.ts — a Linux kernel with IPsec as peer, whatever the host's own kernel was built with: Debian's User-Mode Linux
 * behind a TAP in a namespace. The guest has the host's files, read-only, and so its commands.
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Netns, Started } from '../integration/netns.ts';
import { inTree } from '../integration/runtimes.ts';
import { run } from '../program.ts';

/** Commands that must be on the host. */
export const GUEST_COMMANDS = ['linux.uml', 'mkfifo', 'modprobe', 'stty'];

/** Where Debian's package has the modules that belong to linux.uml. */
const MODULES = '/usr/lib/uml/modules';
const MEMORY = 192;
const MAC = '52:54:00:00:00:02';

export class KernelGuest {
  private readonly folder: string;
  private readonly kernel: Started;
  private jobs = 0;

  private constructor(folder: string, kernel: Started) {
    this.folder = folder;
    this.kernel = kernel;
  }

  /** Boots one whose eth0 is the TAP `tap` of a namespace; the TAP is made, and up. */
  static async start(ns: Netns, tap: string): Promise<KernelGuest> {
    await ns.ip(`tuntap add ${tap} mode tap`);
    await ns.ip(`link set ${tap} up`);
    const folder = mkdtempSync(join(tmpdir(), 'packetwalk-guest-'));
    mkdirSync(join(folder, 'jobs'));
    mkdirSync(join(folder, 'modules/lib'), { recursive: true });
    symlinkSync(MODULES, join(folder, 'modules/lib/modules'));
    copyFileSync(inTree('test/interop/kernel-guest-init.sh'), join(folder, 'init.sh'));
    chmodSync(join(folder, 'init.sh'), 0o755);
    const fifo = join(folder, 'fifo');
    await run(['mkfifo', fifo]);
    // Its memory is a file in /dev/shm, unless that is too small, as in many containers.
    const { stdout } = await run(['df', '--output=avail', '-m', '/dev/shm']);
    const small = !(Number(stdout.split('\n')[1]) > MEMORY + 32);
    const kernel = ns.start(
      [
        'bash',
        '-c',
        'exec 7<>"$0" "$@"',
        fifo,
        'linux.uml',
        ...[`mem=${MEMORY}M`, 'root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro', 'quiet', 'loglevel=3', 'con=null'],
        ...['con0=null,fd:2', 'ssl0=fd:7,fd:1', `init=${folder}/init.sh`, `guest.folder=${folder}`],
        ...[`uml_dir=${folder}`, 'umid=uml', `eth0=tuntap,${tap},${MAC}`],
      ],
      small ? { TMPDIR: folder } : {},
    );
    await kernel.until(/job 0 ended/);
    return new KernelGuest(folder, kernel);
  }

  /** Output of a script for bash; throws when it fails. */
  async exec(script: string): Promise<string> {
    const job = ++this.jobs;
    const file = join(this.folder, 'jobs', String(job));
    writeFileSync(file, script);
    writeFileSync(join(this.folder, 'fifo'), `${job}\n`);
    const [, status] = await this.kernel.until(new RegExp(`job ${job} ended (\\d+)`));
    const output = readFileSync(`${file}.out`, 'utf8');
    if (status !== '0') throw new Error(`in the guest: ${script}\nstatus ${status}\n${output}${readFileSync(`${file}.err`, 'utf8')}`);
    return output;
  }

  /** Starts over: without addresses, routes, states and policies; then runs lines of `ip`. */
  async configure(lines: readonly string[]): Promise<void> {
    const fresh = ['xfrm policy flush', 'xfrm state flush', 'link set eth0 down', 'addr flush dev eth0', 'addr flush dev lo'];
    const all = [...fresh, 'addr add 127.0.0.1/8 dev lo', 'route flush cache', ...lines];
    await this.exec(`ip -batch - <<'END'\n${all.join('\n')}\nEND\n`);
  }

  /** Ends it: User-Mode Linux ends its processes with itself. */
  async stop(): Promise<void> {
    await this.kernel.stop();
    rmSync(this.folder, { recursive: true });
  }
}
