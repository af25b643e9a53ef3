/** configs/nat-gateway.yaml as a person runs it: two namespaces, one behind the gateway's address, real programs in both. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../program.ts';
import { describeOnKernel, type Netns, NetnsLab, type Started } from './netns.ts';
import { inTree, RUNTIMES } from './runtimes.ts';

const CONFIG = inTree('configs/nat-gateway.yaml');
const TCP_PEER = inTree('test/integration/tcp-peer.py');
const PEER = inTree('test/integration/nat-peer.py');
const TRANSFER = 200 * 1024 * 1024;
/** The gateway outside, and who is out there. */
const GATEWAY = '198.51.100.1';
const SERVER = '198.51.100.2';
const STATION = '192.168.10.2';

for (const [runtime, packetwalk] of RUNTIMES) {
  describeOnKernel(`a NAT gateway between two TAPs, on ${runtime}`, ['ping', 'traceroute', 'python3'], () => {
    const lab = new NetnsLab();
    const runDir = mkdtempSync(join(tmpdir(), 'packetwalk-'));
    let home: Netns;
    let lan: Netns;
    let wan: Netns;

    /** A command of the running gateway; its output. */
    async function type(...words: string[]): Promise<string> {
      const { status, stdout, stderr } = await run([...packetwalk, ...words], { env: { PACKETWALK_RUN_DIR: runDir } });
      expect({ status, stderr }, words.join(' ')).toMatchObject({ status: 0 });
      return stdout;
    }

    const client = (...words: string[]): Promise<string> => lan.exec('python3', PEER, ...words);

    beforeAll(async () => {
      home = await lab.add('gateway');
      lan = await lab.add('lan');
      wan = await lab.add('wan');
      const gateway = home.start([...packetwalk, 'run', CONFIG], { PACKETWALK_RUN_DIR: runDir });
      await gateway.until(/is running/);
      await home.ip(`link set tap-lan netns ${lan.name}`);
      await lan.ip(`addr add ${STATION}/24 dev tap-lan`);
      await lan.ip('link set tap-lan up');
      await lan.ip('route add default via 192.168.10.1');
      // Outside nobody knows of the network behind the gateway.
      await home.ip(`link set tap-wan netns ${wan.name}`);
      await wan.ip(`addr add ${SERVER}/24 dev tap-wan`);
      await wan.ip('link set tap-wan up');
      await wan.start(['python3', PEER, 'serve', SERVER]).until(/listening/);
    }, 60_000);

    afterAll(async () => {
      await lab.close();
      rmSync(runDir, { recursive: true });
    });

    it('answers pings, and shows the way to traceroute', async () => {
      expect(await lan.exec('ping', '-q', '-c', '100', '-i', '0.002', SERVER)).toContain('100 received, 0% packet loss');
      const trace = await lan.exec('traceroute', '-n', '-q', '1', SERVER);
      const hops = trace.split('\n').slice(1, -1);
      expect(hops.map((line) => line.trim().split(/\s+/).slice(0, 2))).toEqual([
        ['1', '192.168.10.1'],
        ['2', SERVER],
      ]);
    });

    it('is the only one that the world sees', async () => {
      expect(await client('udp', SERVER)).toBe(`${GATEWAY}\n`);
      expect((await wan.run('ping', '-q', '-c', '1', '-W', '1', STATION)).status).not.toBe(0);
    });

    it('carries 200 MB over TCP unharmed', { timeout: 300_000 }, async () => {
      const receiver = wan.start(['python3', TCP_PEER, 'receive', '5001']);
      await receiver.until(/listening/);
      const sent = await lan.exec('python3', TCP_PEER, 'send', SERVER, '5001', String(TRANSFER));
      expect(await receiver.ended).toBe(0);
      expect(sent).toMatch(new RegExp(`^${TRANSFER} [0-9a-f]{64}\n$`));
      expect(receiver.output).toBe(`listening\n${sent}`);
    });

    it.each(['active', 'passive'])('lets FTP through, %s', async (mode) => {
      expect(await client('ftp', SERVER, mode)).toBe('1048576 True\n');
    });

    it('forwards a port to a station', async () => {
      const server: Started = lan.start(['python3', PEER, 'hello', '80']);
      await server.until(/listening/);
      expect(await wan.exec('python3', PEER, 'connect', GATEWAY, '8080')).toBe(`hello ${SERVER}\n`);
    });

    it('keeps 1,000 connections at once', { timeout: 60_000 }, async () => {
      expect(await client('many', SERVER, '1000')).toBe('1000 of 1000\n');
      const listed = await type('conntrack', '-L', '-p', 'tcp', '--dport', '7001');
      expect(listed.split('\n').filter((line) => line.includes(`dst=${GATEWAY} sport=7001`))).toHaveLength(1000);
    });

    it('shows in the walk which rule drops what comes to port 9999', async () => {
      const knocker = lan.start(['python3', PEER, 'knock', '192.168.10.1', '9999']);
      const walk = await type('trace', '-n', '1', 'udp', 'dst', 'port', '9999');
      await knocker.stop();
      const line =
        readFileSync(CONFIG, 'utf8')
          .split('\n')
          .findIndex((text) => text.includes('--dport 9999 -j DROP')) + 1;
      expect(walk).toMatch(/iptables filter +DROP +\[filter INPUT rule 1 \(.*: -p udp -m udp --dport 9999 -j DROP\)\]/);
      expect(walk).toContain(`nat-gateway.yaml:${line}:`);
    });
  });
}
