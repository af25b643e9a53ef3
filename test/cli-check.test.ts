/** `packetwalk check`, and what other commands say to wrong input: one clear line each, with its place, and exit 2. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packetwalk } from './program.ts';

const CONFIGS = fileURLToPath(new URL('../configs', import.meta.url));
let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'packetwalk-check-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

async function check(yaml: string, files: Record<string, string> = {}): Promise<{ status: number; lines: string[] }> {
  for (const [name, text] of Object.entries({ 'router.yaml': yaml, ...files })) writeFileSync(join(dir, name), text);
  const { status, stdout, stderr } = await packetwalk(['check', 'router.yaml'], { cwd: dir });
  expect(stdout).toBe('');
  return { status, lines: stderr.trimEnd().split('\n') };
}

const ROUTER = 'plugins: [ipv4, arp, fib-trie, nic-tap]\n';

describe('check', () => {
  it('accepts every config of the project', async () => {
    const files = readdirSync(CONFIGS).filter((f) => f.endsWith('.yaml'));
    const { status, stdout, stderr } = await packetwalk(['check', ...files], { cwd: CONFIGS });
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n')).toHaveLength(files.length);
    expect(status).toBe(0);
  });

  it.each<[string, string, string[]]>([
    [
      'an unknown plugin',
      'plugins: [ipv5, arp, fib-trie]\n',
      ['router.yaml:1:11: plugins[0]: no plugin ipv5: not built in, and no package of that name is installed, did you mean "ipv4"?'],
    ],
    [
      'a capability that nobody provides',
      'plugins: [arp]\n',
      [
        'router.yaml:1:11: plugins[0]: plugin arp needs InetDevices, which no plugin of this router provides',
        'router.yaml:1:11: plugins[0]: plugin arp needs Routing, which no plugin of this router provides',
      ],
    ],
    [
      'no FIB backend',
      'plugins: [ipv4, arp]\n',
      ['router.yaml:1:11: plugins[0]: plugin ipv4 failed to set up: it needs a FIB backend: add fib-trie or fib-hash to plugins'],
    ],
    [
      'two devices of one name',
      `${ROUTER}devices:\n  a: {driver: nic-tap}\n  a: {driver: nic-tap}\n`,
      ['router.yaml:4:3: devices: duplicate key "a", first on line 3'],
    ],
    [
      'one address on two devices',
      `${ROUTER}devices:\n  a: {driver: nic-tap, addresses: [10.0.0.1/24]}\n  b: {driver: nic-tap, addresses: [10.0.0.1/16]}\n`,
      ['router.yaml:4:36: devices.b.addresses[0] is an address of a already: 10.0.0.1'],
    ],
    [
      'a bad MAC, CIDR and MTU, and a misspelt key, at once',
      `${ROUTER}devices:\n  a: {driver: nic-tap, mac: "2:0:0:0:0:zz", mtu: 60, addresses: [10.0.0.1/33], up: 1}\nrouts: []\n`,
      [
        'router.yaml:3:29: devices.a.mac must be a MAC address, such as 02:00:00:00:00:01',
        'router.yaml:3:50: devices.a.mtu must be >= 68',
        'router.yaml:3:66: devices.a.addresses[0] must be an IPv4 address with its prefix length, such as 192.168.0.1/24',
        'router.yaml:3:84: devices.a.up must be true or false',
        'router.yaml:4:1: unknown key "routs", did you mean "routes"?',
      ],
    ],
    [
      'lines that iproute2 would refuse',
      `${ROUTER}devices:\n  a: {driver: nic-tap, addresses: [10.0.0.1/24]}\nsysctl: {net.ipv4.ip_forwad: 1}\nroutes: [10.0.0.0/8 vai 3, default via 192.0.2.1, 1.0.0.0/8 dev b]\n`,
      [
        'router.yaml:4:30: sysctl["net.ipv4.ip_forwad"] is no setting of this router, did you mean "net.ipv4.ip_forward"?',
        'router.yaml:5:10: routes[0]: either "to" is duplicate, or "vai" is a garbage.',
        'router.yaml:5:28: routes[1]: Nexthop has invalid gateway.',
        'router.yaml:5:51: routes[2]: Cannot find device "b"',
      ],
    ],
    [
      'a syntax mistake in a line, next to a wrong key',
      `${ROUTER}rutes: []\nroutes: [10.0.0.0/8 vai 3]\n`,
      [
        'router.yaml:2:1: unknown key "rutes", did you mean "rules"?',
        'router.yaml:3:10: routes[0]: either "to" is duplicate, or "vai" is a garbage.',
      ],
    ],
  ])('tells %s', async (_name, yaml, expected) => {
    expect(await check(yaml)).toEqual({ status: 2, lines: expected });
  });

  it('refuses an alias bomb', async () => {
    const rows = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const [n, p] of ['ba', 'cb', 'dc', 'ed', 'fe']) rows.push(`${n}: &${n} [${Array(9).fill(`*${p}`).join(', ')}]`);
    const { status, lines } = await check(`${rows.join('\n')}\n`);
    expect(status).toBe(2);
    expect(lines[0]).toMatch(/^router\.yaml:5:\d+: .*aliases make more than 10000 values/);
  });

  it('names the place in a plugin that throws on load', async () => {
    const files = { 'boom.ts': '\nthrow new Error("boom");\n' };
    expect(await check('plugins: [./boom.ts]\n', files)).toEqual({
      status: 2,
      lines: ['router.yaml:1:11: plugins[0]: ./boom.ts failed to load: Error: boom (boom.ts:2:7)'],
    });
  });

  it('says that a file is not there', async () => {
    const { status, stderr } = await packetwalk(['check', 'none.yaml'], { cwd: dir });
    expect({ status, stderr }).toEqual({ status: 2, stderr: 'none.yaml: no such file\n' });
  });
});

describe('wrong usage', () => {
  it.each<[string[], string]>([
    [['--nope'], 'packetwalk: unknown option --nope; see packetwalk --help\n'],
    [[], 'packetwalk: no command given; see packetwalk --help\n'],
    [['-r'], 'packetwalk: -r needs the name of a router; see packetwalk --help\n'],
    [['run', 'none.yaml'], 'none.yaml: no such file\n'],
    [['scenario', 'bad.json', 'out'], 'packetwalk: bad.json:2:1: is not JSON\n'],
  ])('%j', async (args, stderr) => {
    writeFileSync(join(dir, 'bad.json'), '{\n');
    expect(await packetwalk(args, { cwd: dir })).toEqual({ status: 2, stdout: '', stderr });
  });
});
