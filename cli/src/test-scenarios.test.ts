/** `packetwalk test`, as a person runs it; the example is the one of docs/scenarios.md. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Ended, packetwalk } from '../../test/program.ts';

const docs = readFileSync(new URL('../../docs/scenarios.md', import.meta.url), 'utf8');
const example = /```yaml\n(.*?)```/s.exec(docs)?.[1] ?? '';

const folder = mkdtempSync(join(tmpdir(), 'scenarios-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const test = (...args: string[]): Promise<Ended> => packetwalk(['test', ...args], { cwd: folder });

describe('packetwalk test', () => {
  it('passes the example of the documentation', async () => {
    expect(await test(file('example.yaml', example))).toEqual({
      status: 0,
      stdout: `ok     ${join(folder, 'example.yaml')}\n1 passed, 0 failed\n`,
      stderr: '',
    });
  });

  it('shows what differs: frames, outputs, drops and counters', async () => {
    const changed = example
      .replace('ttl 63 id 1', 'ttl 62 id 1')
      .replace('| 198.51.100.0/24 via', '| 198.51.100.0/25 via')
      .replace('IP_INNOROUTES: 1', 'IP_INNOROUTES: 2')
      .replace('wan.tx_packets', 'wan.tx_packet');
    const { status, stdout } = await test(file('changed.yaml', changed));
    expect(status).toBe(1);
    expect(stdout.split('\n')).toEqual([
      `FAILED ${join(folder, 'changed.yaml')}: Two networks: forwarded with one hop less, ARP first; nothing beyond them`,
      '  port wan:',
      '    -      0ms  eth wan > server / ip 192.168.0.9 > 203.0.113.80 ttl 62 id 1 / udp 1000 > 53 / "question"',
      '    +      0ms  eth wan > server / ip 192.168.0.9 > 203.0.113.80 ttl 63 id 1 / udp 1000 > 53 / "question"',
      '  dump routes:',
      '    - 198.51.100.0/25 via 203.0.113.80 dev wan',
      '    + 198.51.100.0/24 via 203.0.113.80 dev wan',
      '  drops:',
      '    - IP_INNOROUTES: 2',
      '    + IP_INNOROUTES: 1',
      '  counters:',
      '    - wan.tx_packet: 2',
      '    + wan.tx_packet: no such counter, did you mean "wan.tx_packets"?',
      '0 passed, 1 failed',
      '',
    ]);
  });

  it('writes what came out into the file', async () => {
    const bare = example.replaceAll(/^ {4}expect .*\n/gm, '');
    const path = file('bare.yaml', bare);
    expect((await test(path)).status).toBe(1);
    expect((await test('--update', path)).status).toBe(0);
    expect((await test(path)).status).toBe(0);
    const numbers = (text: string): string =>
      text.replaceAll(/ip (client|server) > (client|server)/g, (_all, a: string, b: string) => `ip ${HOSTS[a]} > ${HOSTS[b]}`);
    const written = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.includes('expect'));
    const expected = numbers(example)
      .split('\n')
      .filter((line) => line.includes('expect'));
    expect(written.slice(0, 4)).toEqual(expected.slice(0, 4));
  });

  it('reads a config from its own file', async () => {
    file('router.yaml', /config:\n(.*?)hosts:/s.exec(example)?.[1].replaceAll(/^ {2}/gm, '') ?? '');
    const path = file('apart.yaml', example.replace(/config:\n.*?hosts:/s, 'config: router.yaml\nhosts:'));
    expect((await test(path)).stdout).toContain('1 passed, 0 failed');
  });

  it('says of each file what is wrong with it, and plays the others', async () => {
    const good = file('good.yaml', example);
    const wrongConfig = file('wrong-config.yaml', example.replace('fib-trie,', 'fib-tri,'));
    const wrongStep = file('wrong-step.yaml', example.replace('send wan', 'sned wan'));
    const { status, stdout, stderr } = await test(good, wrongConfig, wrongStep, 'none.yaml');
    expect(status).toBe(2);
    expect(stdout).toContain('1 passed, 0 failed, 3 unusable');
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^.*wrong-config\.yaml:3:24: config\.plugins\[2\].*did you mean "fib-trie"\?$/),
      expect.stringMatching(/^.*wrong-step\.yaml:16:3: steps: "sned" is no step/),
      expect.stringContaining('none.yaml: ENOENT: no such file or directory'),
      '',
    ]);
  });

  it('fails a scenario whose command does not exist', async () => {
    const { status, stdout } = await test(file('command.yaml', example.replace('run ip route', 'run route66')));
    expect(status).toBe(1);
    expect(stdout).toContain('no such command: route66');
  });

  it('explains itself', async () => {
    expect((await test()).status).toBe(2);
    expect((await test('--help')).stdout).toContain('Usage: packetwalk test');
  });
});

const HOSTS: Readonly<Record<string, string>> = { client: '192.168.0.9', server: '203.0.113.80' };
