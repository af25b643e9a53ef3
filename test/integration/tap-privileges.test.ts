/** What nic-tap needs of the host, and what it says when that is not there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnKernel, type Netns, NetnsLab } from './netns.ts';
import { inTree, RUNTIMES } from './runtimes.ts';

/**
 * Runs what follows without any capability, as a user does, in mounts of its own: with a /dev/net/tun of mode $1 (none when
 * it is empty), and $2 covered by an empty folder.
 */
const UNPRIVILEGED = `
mount -t tmpfs none /dev/net
[ -z "$1" ] || mknod -m "$1" /dev/net/tun c 10 200
[ -z "$2" ] || mount -t tmpfs none "$2"
shift 2
exec setpriv --bounding-set=-all --inh-caps=-all "$@"`;

for (const [runtime, packetwalk] of RUNTIMES) {
  describeOnKernel(`nic-tap and privileges, on ${runtime}`, ['ping', 'unshare', 'setpriv', 'mount', 'mknod'], () => {
    const lab = new NetnsLab();
    const folder = mkdtempSync(join(tmpdir(), 'packetwalk-'));
    const config = join(folder, 'router.yaml');
    const env = { PACKETWALK_RUN_DIR: folder };
    let home: Netns;

    beforeAll(async () => {
      home = await lab.add('router');
      const device = '{driver: nic-tap, interface: tap5, addresses: [10.9.0.1/24]}';
      writeFileSync(config, `plugins: [ipv4, arp, fib-hash, nic-tap]\ndevices:\n  lan: ${device}\n`);
    });

    afterAll(async () => {
      await lab.close();
      rmSync(folder, { recursive: true });
    });

    const unprivileged = (tunMode: string, covered: string): string[] => {
      return ['unshare', '-m', 'sh', '-ec', UNPRIVILEGED, 'sh', tunMode, covered, ...packetwalk, 'run', config];
    };

    it.each([
      ['no /dev/net/tun', '', '', 'no /dev/net/tun: load the kernel’s module (modprobe tun), or let the container have the device'],
      ['no permission for it', '0000', '', 'no permission to open /dev/net/tun: run as root, or let this user read and write it'],
      [
        'no permission to make an interface',
        '0666',
        '',
        'no permission to make or open tap5: run as root, or as root do: ip tuntap add dev tap5 mode tap user USER',
      ],
      ['no koffi for this machine', '0666', inTree('node_modules/@koromix'), /koffi, .* does not load on linux-\w+: .*/],
    ])('says that there is %s, and ends with status 2', async (_, tunMode, covered, message) => {
      const router = home.start(unprivileged(tunMode, covered), env);
      expect(await router.ended).toBe(2);
      const [, said] = /^\S+router\.yaml:3:8: devices\.lan: (.*)\n$/.exec(router.output) ?? ['', router.output];
      if (typeof message === 'string') expect(said).toBe(message);
      else expect(said).toMatch(message);
    });

    it('opens an interface that was made for its user', async () => {
      await home.ip('tuntap add dev tap5 mode tap user root');
      await home.ip('link set tap5 mtu 1400 up');
      const router = home.start(unprivileged('0666', ''), env);
      await router.until(/is running/);
      const peer = await lab.add('peer');
      await home.ip(`link set tap5 netns ${peer.name}`);
      await peer.ip('addr add 10.9.0.2/24 dev tap5');
      await peer.ip('link set tap5 up');
      expect(await peer.exec('ping', '-q', '-c', '10', '-i', '0.01', '10.9.0.1')).toContain(' 0% packet loss');
      expect(await router.stop()).toBe(0);
      expect(await peer.exec('ip', 'link', 'show', 'dev', 'tap5')).toContain('NO-CARRIER');
    });
  });
}
