/** `packetwalk capture`: at devices and hook points of a lab, as text and as pcapng that tshark opens; gone without a trace. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BufferIo,
  CAPTURE_END,
  CAPTURE_INBOUND,
  CAPTURE_OUTBOUND,
  CaptureReader,
  Lab,
  type Router,
  SeededRandom,
  silentLog,
  splitWords,
  VirtualClock,
} from '@packetwalk/framework';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../cli/src/load-config.ts';
import { cliModule, packetwalk, RUNTIME } from './program.ts';

const HELLO = fileURLToPath(new URL('../configs/hello.yaml', import.meta.url));
const TSHARK = spawnSync('tshark', ['-v']).status === 0;
let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'packetwalk-capture-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Frame {
  readonly iface: string;
  readonly direction: number;
  readonly packetId: number;
  readonly comments: readonly string[];
  readonly length: number;
}

function readFrames(bytes: Uint8Array): Frame[] {
  const reader = new CaptureReader();
  reader.push(bytes);
  reader.finish();
  const frames: Frame[] = [];
  while (reader.next() !== CAPTURE_END) {
    const { interfaceId, direction, packetId, comments, length } = reader.frame;
    frames.push({ iface: reader.interfaces[interfaceId].name ?? '', direction, packetId, comments: [...comments], length });
  }
  return frames;
}

/** Captures at r while a pings b once, and checks that nothing of it stays. */
async function capture(command: string): Promise<{ status: number; stdout: string; stderr: string; frames: Frame[]; r: Router }> {
  const lab = new Lab(await loadConfig(HELLO), { clock: new VirtualClock(), random: new SeededRandom(1), log: silentLog });
  await lab.start();
  const r = lab.router('r') as Router;
  const chunks: Uint8Array[] = [];
  const interrupt = new AbortController();
  const io = Object.assign(new BufferIo(), {
    signal: interrupt.signal,
    outBytes: (bytes: Uint8Array) => chunks.push(bytes.slice()) > 0,
  });
  const status = r.commands.run(splitWords(command), io);
  const ping = lab.router('a')?.commands.run(splitWords('ping -c 1 10.0.2.2'), new BufferIo());
  lab.softirq.advanceTo(500);
  await ping;
  interrupt.abort();
  const { stdout, stderr } = io;
  const result = { status: await status, stdout, stderr, frames: chunks.length === 0 ? [] : readFrames(Buffer.concat(chunks)), r };
  expect(r.net.devices().flatMap((dev) => dev.taps)).toEqual([]);
  for (let hook = 0; hook < 5; hook++) expect(r.net.nf.get(2, hook)).toEqual([]);
  await lab.stop();
  expect(lab.softirq.pool.inUse).toBe(0);
  return result;
}

describe('a capture', () => {
  it('has each packet where it comes in and goes out, under one id', async () => {
    const { status, stderr, frames } = await capture('capture --pcapng -i any icmp');
    expect([status, stderr]).toEqual([0, '4 packets captured\n']);
    expect(frames.map(({ iface, direction }) => [iface, direction])).toEqual([
      ['eth0', CAPTURE_INBOUND],
      ['eth1', CAPTURE_OUTBOUND],
      ['eth1', CAPTURE_INBOUND],
      ['eth0', CAPTURE_OUTBOUND],
    ]);
    const [id] = frames.map((frame) => frame.packetId);
    expect(id).toBeGreaterThan(0);
    expect(frames[1].packetId).toBe(id);
  });

  it('is taken at a hook point with the devices as a comment', async () => {
    const { frames } = await capture('capture --pcapng --at FORWARD');
    expect(frames).toMatchObject([
      { iface: 'NF_INET_FORWARD', comments: ['in eth0, out eth1'], length: 98 },
      { iface: 'NF_INET_FORWARD', comments: ['in eth1, out eth0'], length: 98 },
    ]);
    expect((await capture('capture --pcapng --at forward -i eth2')).status).toBe(1);
    expect((await capture('capture --pcapng --at nf_inet_pre_routing -i eth1')).frames).toHaveLength(1);
  });

  it('is a line of text for each packet', async () => {
    const { stdout } = await capture('capture -i eth0 -Q in');
    expect(stdout.split('\n')[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} eth0 in 02:00:00:00:01:02 > ff:ff:ff:ff:ff:ff ethertype 0x0806, 42 bytes$/,
    );
    expect(stdout).toContain('eth0 in 10.0.1.2 > 10.0.2.2 icmp echo request, ttl 64, 84 bytes\n');
    expect(stdout).not.toContain(' out ');
  });

  it('ends after N packets', async () => {
    expect(await capture('capture -i any -c 3')).toMatchObject({ status: 0, stderr: '3 packets captured\n' });
  });

  it.each([
    ['capture', 'capture: where? Give -i DEV, -i any or --at HOOK\n'],
    ['capture --at FORWRD', 'capture: no hook point "FORWRD", did you mean "FORWARD"?\n'],
    ['capture -i eth0 hots 1', 'filter: "hots": unknown, did you mean "host"?\n'],
    ['capture -i eth0 -c 0', 'capture: -c needs a number from 1 on\n'],
  ])('%s is refused', async (command, stderr) => {
    expect(await capture(command)).toMatchObject({ status: 2, stderr });
  });
});

describe('of a running lab', () => {
  it('is written by the client until Ctrl-C, and opens in tshark', async () => {
    const text = readFileSync(HELLO, 'utf8');
    writeFileSync(join(dir, 'live.yaml'), text.slice(0, text.indexOf('script:')));
    const env = { PACKETWALK_RUN_DIR: join(dir, 'run') };
    const begin = (...args: string[]) => {
      const [file, ...rest] = [...RUNTIME, cliModule('main'), ...args];
      const child = spawn(file, rest, { cwd: dir, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      const heard = new Promise<void>((resolve) =>
        child.stderr.setEncoding('utf8').on('data', (s: string) => {
          said += s;
          resolve();
        }),
      );
      return { child, heard, ended: new Promise<string>((resolve) => child.on('close', () => resolve(said))) };
    };
    const lab = begin('run', 'live.yaml');
    try {
      await lab.heard;
      const capturing = begin('-r', 'r', 'capture', '-i', 'any', '-w', 'out.pcapng', 'icmp');
      // The file is there once the router listens.
      while (!existsSync(join(dir, 'out.pcapng'))) await new Promise((resolve) => setTimeout(resolve, 20));
      await packetwalk(['-r', 'a', 'ping', '-c', '1', '10.0.2.2'], { env });
      capturing.child.kill('SIGINT');
      expect(await capturing.ended).toBe('4 packets captured\n');
      const file = join(dir, 'out.pcapng');
      expect(readFrames(readFileSync(file))).toHaveLength(4);
      if (TSHARK) {
        const fields = ['-T', 'fields', '-e', 'frame.interface_name', '-e', 'frame.packet_flags_direction', '-e', 'icmp.type'];
        const { stdout, stderr } = spawnSync('tshark', ['-n', '-r', file, ...fields], { encoding: 'utf8' });
        expect(stderr.replace(/^Running as user "root".*\n/, '')).toBe('');
        expect(stdout).toBe('eth0\t0x00000001\t8\neth1\t0x00000002\t8\neth1\t0x00000001\t0\neth0\t0x00000002\t0\n');
      }
      const before = readFileSync(file).length;
      expect(await packetwalk(['-r', 'r', 'capture', '-i', 'none', '-w', file], { env })).toMatchObject({ status: 1 });
      expect(readFileSync(file).length).toBe(before);
    } finally {
      lab.child.kill('SIGTERM');
      await lab.ended;
    }
  });
});
