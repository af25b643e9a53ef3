import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseScenario, ScenarioError } from './scenario-file.ts';

const text = `about: "one frame"
ports:
  p0: "02:00:00:00:00:10"
  p1: {mac: "02:00:00:00:00:11", mtu: 600}
hosts:
  a: {port: p0, ip: 10.0.0.2, mac: "02:00:00:00:0a:02"}
setup: |
  ip addr add 10.0.0.1/24 dev p0
  # a comment

  sysctl -w net.ipv4.ip_forward=1
steps: |
  send p0 eth a > p0 / ip a > 10.0.0.1 / icmp echo
    expect p0 eth p0 > a / arp reply 10.0.0.1 is-at p0 tell 10.0.0.2
drops: {NO_ROUTE: 1}
`;

describe('parseScenario', () => {
  it('reads ports, hosts, commands and steps', () => {
    const { scenario, expect: records, drops } = parseScenario(text, 'folder/one.yaml');
    expect(scenario.name).toBe('one');
    expect(scenario.ports.map(({ name, mtu }) => [name, mtu])).toEqual([
      ['p0', 1500],
      ['p1', 600],
    ]);
    expect(scenario.setup).toEqual(['ip addr add 10.0.0.1/24 dev p0', 'sysctl -w net.ipv4.ip_forward=1']);
    expect(scenario.endMs).toBe(155);
    expect(records).toHaveLength(1);
    expect(drops).toEqual({ NO_ROUTE: 1 });
  });

  it('takes the devices of a config as ports', () => {
    const config =
      'config: {plugins: [ipv4], devices: {lan: {driver: nic-tap}, wan: {driver: nic-tap, mac: "02:00:00:00:00:77", mtu: 900}}}';
    const { scenario } = parseScenario(`about: x\n${config}\nsteps: |\n  wait 1ms\n`, 'x.yaml');
    expect(scenario.ports).toEqual([
      { name: 'lan', mac: '02:00:00:00:00:01', mtu: 1500 },
      { name: 'wan', mac: '02:00:00:00:00:77', mtu: 900 },
    ]);
  });

  it.each([
    ['steps: |\n  wait 1ms\n', 'x.yaml:1:1: must have the key "about"'],
    ['about: x\nports: {p0: "02:00:00:00:00:10"}\nstep: |\n  wait 1ms\n', 'x.yaml:3:1: unknown key "step", did you mean "steps"?'],
    ['about: x\nports: {p0: "02:00:00:00:00"}\nsteps: ""\n', 'x.yaml:2:13: ports.p0 must be a MAC address'],
    ['about: x\nsteps: |\n  wait 1ms\n', 'x.yaml:1:1: a scenario needs "ports", or a "config" with devices'],
    ['about: x\nports: {p0: "02:00:00:00:00:10"}\nsteps: |\n  wait 1ms\n  wiat 2ms\n', 'x.yaml:5:3: steps: "wiat" is no step'],
    [
      'about: x\nports: {p0: "02:00:00:00:00:10"}\nhosts: {a: {port: p1, ip: 1.2.3.4, mac: "02:00:00:00:00:20"}}\nsteps: ""\n',
      'x.yaml:3:19: hosts.a.port names the unknown port "p1", did you mean "p0"?',
    ],
    ['about: x\nconfig: none.yaml\nsteps: ""\n', 'x.yaml:2:9: config: ENOENT'],
    ['about: [\n', 'x.yaml:'],
  ])('says what is wrong and where: %j', (broken, message) => {
    expect(() => parseScenario(broken, 'x.yaml')).toThrow(ScenarioError);
    expect(() => parseScenario(broken, 'x.yaml')).toThrow(message);
  });

  it('writes a file back as it was when everything came as expected', () => {
    const folder = new URL('../../test/kernel/scenarios/', import.meta.url);
    for (const name of readdirSync(folder)) {
      const recorded = readFileSync(new URL(name, folder), 'utf8');
      const { rewrite, expect: records } = parseScenario(recorded, name);
      expect(rewrite(records)).toBe(recorded);
    }
  });
});
