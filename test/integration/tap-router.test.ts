/** configs/tap-router.yaml as a person runs it: two namespaces that reach each other through Packetwalk and no other way. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnKernel, type Netns, NetnsLab, type Started } from './netns.ts';
import { inTree, RUNTIMES } from './runtimes.ts';

const CONFIG = inTree('configs/tap-router.yaml');
const TCP_PEER = inTree('test/integration/tcp-peer.py');
const TRANSFER = 200 * 1024 * 1024;

/** CPU time of a process, all threads, in milliseconds. */
function cpuTime(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const spent = tasks.map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]));
  return spent.reduce((a, b) => a + b) / 1e6;
}

for (const [runtime, packetwalk] of RUNTIMES) {
  describeOnKernel(`a router between two TAPs, on ${runtime}`, ['ping', 'traceroute', 'python3'], () => {
    const lab = new NetnsLab();
    const runDir = mkdtempSync(join(tmpdir(), 'packetwalk-'));
    let home: Netns;
    let lan: Netns;
    let wan: Netns;
    let router: Started;

    async function plug(ns: Netns, name: string, address: string, gateway: string): Promise<void> {
      await home.ip(`link set ${name} netns ${ns.name}`);
      await ns.ip(`addr add ${address} dev ${name}`);
      await ns.ip(`link set ${name} up`);
      await ns.ip(`route add default via ${gateway}`);
    }

    beforeAll(async () => {
      home = await lab.add('router');
      lan = await lab.add('lan');
      wan = await lab.add('wan');
      router = home.start([...packetwalk, 'run', CONFIG], { PACKETWALK_RUN_DIR: runDir });
      await router.until(/is running/);
      await plug(lan, 'tap-lan', '192.168.10.2/24', '192.168.10.1');
      await plug(wan, 'tap-wan', '198.51.100.2/24', '198.51.100.1');
    });

    afterAll(async () => {
      await lab.close();
      rmSync(runDir, { recursive: true });
    });

    it('answers 1,000 pings, 0 lost', async () => {
      const ping = await lan.exec('ping', '-q', '-c', '1000', '-i', '0.002', '198.51.100.2');
      expect(ping).toMatch(/1000 packets transmitted, 1000 received, 0% packet loss/);
    });

    it('shows its hop to traceroute', async () => {
      const trace = await lan.exec('traceroute', '-n', '-q', '1', '198.51.100.2');
      const hops = trace.split('\n').slice(1, -1);
      expect(hops.map((line) => line.trim().split(/\s+/).slice(0, 2))).toEqual([
        ['1', '192.168.10.1'],
        ['2', '198.51.100.2'],
      ]);
    });

    it('carries 200 MB over TCP unharmed', { timeout: 300_000 }, async () => {
      const receiver = wan.start(['python3', TCP_PEER, 'receive', '5001']);
      await receiver.until(/listening/);
      const sent = await lan.exec('python3', TCP_PEER, 'send', '198.51.100.2', '5001', String(TRANSFER));
      expect(await receiver.ended).toBe(0);
      expect(sent).toMatch(new RegExp(`^${TRANSFER} [0-9a-f]{64}\n$`));
      expect(receiver.output).toBe(`listening\n${sent}`);
    });

    it('uses less than 1 % of a CPU when idle', async () => {
      const before = cpuTime(router.pid);
      await sleep(5000);
      expect(cpuTime(router.pid) - before).toBeLessThan(50);
    });

    it('routes IP packets the same way in TUN mode', async () => {
      const config = join(runDir, 'tun-router.yaml');
      const text = readFileSync(CONFIG, 'utf8');
      writeFileSync(
        config,
        text.replaceAll('nic-tap, interface: tap', 'nic-tap, mode: tun, interface: tun').replaceAll(/mac: "\S+", /g, ''),
      );
      const tunRouter = home.start([...packetwalk, 'run', config], { PACKETWALK_RUN_DIR: runDir });
      await tunRouter.until(/is running/);
      const [near, far] = [await lab.add('near'), await lab.add('far')];
      await plug(near, 'tun-lan', '192.168.10.2/24', '192.168.10.1');
      await plug(far, 'tun-wan', '198.51.100.2/24', '198.51.100.1');
      expect(await near.exec('ping', '-q', '-c', '100', '-i', '0.002', '198.51.100.2')).toContain(' 100 received, 0% packet loss');
      expect(await near.exec('traceroute', '-n', '-q', '1', '198.51.100.2')).toMatch(/ 1 {2}192\.168\.10\.1 .*\n 2 {2}198\.51\.100\.2 /);
      expect(await tunRouter.stop()).toBe(0);
      rmSync(config);
    });

    it('closes its devices at SIGTERM, and says nothing more', async () => {
      const said = router.output;
      expect(await router.stop('SIGTERM')).toBe(0);
      expect(router.output).toBe(said);
      expect((await lan.run('ip', 'link', 'show', 'dev', 'tap-lan')).status).toBe(1);
      expect((await wan.run('ip', 'link', 'show', 'dev', 'tap-wan')).status).toBe(1);
      expect(readdirSync(runDir)).toEqual([]);
    });
  });
}
