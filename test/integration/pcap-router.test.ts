/** configs/pcap-router.yaml as a person runs it: captures in, captures out, through files, pipes and signals. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CAPTURE_END, CAPTURE_FRAME, CaptureFrame, CaptureReader, OutputBuffer, PcapWriter, SkbHead } from '@packetwalk/framework';
import { formatPacket, parsePacket } from '@packetwalk/framework/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lanCapture, NAMES } from './pcap-router-input.ts';
import { inTree, RUNTIMES } from './runtimes.ts';

const INPUT = 'configs/captures/lan.pcapng';
const PCAP_HEADER = 24;

/** Frames of a capture in the packet notation. */
function packets(bytes: Uint8Array): string[] {
  const reader = new CaptureReader();
  reader.push(bytes);
  reader.finish();
  const lines: string[] = [];
  for (let got = reader.next(); got !== CAPTURE_END; got = reader.next()) {
    expect(got).toBe(CAPTURE_FRAME);
    const { head, offset, length } = reader.frame;
    lines.push(formatPacket(head.buf.slice(offset, offset + length), { names: NAMES }));
  }
  return lines;
}

it('has the input that its generator makes', () => {
  // After a change of the generator: UPDATE=1 npx vitest run test/integration/pcap-router.test.ts
  if (process.env.UPDATE !== undefined) writeFileSync(inTree(INPUT), lanCapture());
  expect(readFileSync(inTree(INPUT))).toEqual(lanCapture());
});

describe.each(RUNTIMES)('on %s', (_, [file, ...args]) => {
  let folder: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'packetwalk-pcap-'));
    cpSync(inTree('configs/pcap-router.yaml'), join(folder, 'pcap-router.yaml'));
    cpSync(inTree(INPUT), join(folder, 'captures/lan.pcapng'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const at = (name: string): string => join(folder, name);

  interface Started {
    readonly child: ChildProcess;
    readonly out: () => Buffer;
    readonly err: () => string;
    /** Its exit status. Send signals by process.kill: of a process that child.kill hits Deno knows no other end than the signal. */
    readonly ended: Promise<number | null>;
    /** Waits until `met` does not throw any more; an end of the process ends the wait. */
    readonly until: (met: () => void) => Promise<void>;
  }

  /** Starts `packetwalk run CONFIG` in the folder. */
  function start(config: string): Started {
    const child = spawn(file, [...args, 'run', config], { cwd: folder, env: { ...process.env, PACKETWALK_RUN_DIR: folder } });
    children.push(child);
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      err += String(chunk);
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const until = (met: () => void): Promise<void> =>
      Promise.race([
        vi.waitFor(met, 15_000),
        ended.then((status) => {
          throw new Error(`it ended with status ${status}: ${err}`);
        }),
      ]);
    return { child, out: () => Buffer.concat(out), err: () => err, ended, until };
  }

  it('forwards, answers and refuses what the capture holds, and ends by itself', async () => {
    const { ended, err } = start('pcap-router.yaml');
    expect(await ended, err()).toBe(0);
    expect(packets(readFileSync(at('captures/wan-out.pcapng')))).toEqual([
      'eth rwan > isp / ip 192.168.1.10 > 198.51.100.7 ttl 63 id 2 df / icmp echo id 7 seq 2 / "packetwalk"',
      'eth rwan > isp / ip 192.168.1.10 > 198.51.100.7 ttl 63 id 3 / udp 40000 > 9000 / "query"',
      'eth rwan > isp / ip 192.168.1.10 > 198.51.100.7 ttl 1 id 5 / udp 40001 > 33435 / "probe"',
    ]);
    const answers = packets(readFileSync(at('captures/lan-out.pcapng'))).map((line) => line.replace(/ id \d+/, ''));
    const head = 'eth r > a / ip 192.168.1.1 > 192.168.1.10';
    expect(answers).toEqual([
      'eth r > a / arp reply 192.168.1.1 is-at r tell 192.168.1.10',
      `${head} / icmp echo-reply id 7 seq 1 / "packetwalk"`,
      `${head} tos 0xc0 / icmp ttl-exceeded / ip 192.168.1.10 > 198.51.100.7 ttl 1 id 4 / udp 40001 > 33434 / "probe"`,
      `${head} tos 0xc0 / icmp admin-prohibited / ip 192.168.1.10 > 10.1.2.3 id 6 / udp 40000 > 9000 / "query"`,
      `${head} tos 0xc0 / icmp port-unreachable / ip 192.168.1.10 > 192.168.1.1 id 7 / udp 40000 > 9000 / "query"`,
    ]);
    expect(err()).toContain('captures/lan.pcapng: read to the end, 10 frames');
  });

  it('takes the capture from a pipe and gives one to a pipe', async () => {
    const config = readFileSync(at('pcap-router.yaml'), 'utf8');
    writeFileSync(at('pipes.yaml'), config.replaceAll('captures/lan.pcapng', '"-"').replaceAll('captures/wan-out.pcapng', '"-"'));
    const { child, ended, err, out, until } = start('pipes.yaml');
    const input = readFileSync(at('captures/lan.pcapng'));
    // The first half alone gets the router going: what it forwards comes out before the rest is there.
    child.stdin?.write(input.subarray(0, input.length >> 1));
    await until(() => expect(out().length).toBeGreaterThan(100));
    child.stdin?.end(input.subarray(input.length >> 1));
    expect(await ended, err()).toBe(0);
    expect(packets(out()).map((line) => / id (\d+)/.exec(line)?.[1])).toEqual(['2', '3', '5']);
  });

  it('ends at a signal while it waits for a pipe', async () => {
    const config = readFileSync(at('pcap-router.yaml'), 'utf8');
    writeFileSync(at('pipes.yaml'), config.replaceAll('captures/lan.pcapng', '"-"'));
    const { child, ended, err, until } = start('pipes.yaml');
    await until(() => expect(err()).toContain('is running'));
    process.kill(child.pid as number, 'SIGTERM');
    expect(await ended, err()).toBe(0);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('has on the disk at %s what it reports as written', async (signal) => {
    const config = readFileSync(at('pcap-router.yaml'), 'utf8')
      .replaceAll('lan.pcapng', 'long.pcap')
      .replace('replay: fast', 'replay: timestamps');
    writeFileSync(at('timed.yaml'), config.replaceAll('wan-out.pcapng', 'wan-out.pcap'));
    writeFileSync(at('captures/long.pcap'), longCapture(5000));
    const { child, ended, err, until } = start('timed.yaml');
    // The last frame is due in an hour; the signal comes while the others are on their way, or behind them.
    const output = at('captures/wan-out.pcap');
    await until(() => expect(existsSync(output) && statSync(output).size).toBeGreaterThan(PCAP_HEADER));
    process.kill(child.pid as number, signal);
    expect(await ended, err()).toBe(0);
    const reported = /captures\/wan-out\.pcap: (\d+) frames written/.exec(err())?.[1];
    expect(packets(readFileSync(output))).toHaveLength(Number(reported));
    expect(Number(reported)).toBeGreaterThan(0);
  });

  it('keeps what came before the end of a truncated capture', async () => {
    const whole = readFileSync(at('captures/lan.pcapng'));
    writeFileSync(at('captures/lan.pcapng'), whole.subarray(0, whole.length - 10));
    const { ended, err } = start('pcap-router.yaml');
    await ended;
    expect(err()).toMatch(
      /error: .*captures\/lan\.pcapng: byte \d+: the capture ends inside a block: \d+ of \d+ bytes are there; 9 frames were read before/,
    );
    expect(packets(readFileSync(at('captures/wan-out.pcapng')))).toHaveLength(3);
  });

  it('does not start with a file that is no capture, and says where', async () => {
    writeFileSync(at('captures/lan.pcapng'), 'hello, world');
    const { ended, err } = start('pcap-router.yaml');
    expect(await ended).toBe(2);
    expect(err()).toMatch(
      /^pcap-router\.yaml:\d+:3: devices\.lan: captures\/lan\.pcapng: byte 0: neither pcap nor pcapng: it starts with 68656c6c\n$/,
    );
  });
});

/** `count` datagrams at one moment, and one an hour later. */
function longCapture(count: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = new PcapWriter(new OutputBuffer((bytes) => pieces.push(bytes.slice())), false);
  writer.begin();
  const frame = new CaptureFrame();
  const bytes = parsePacket('eth a > r / ip a > far ttl 64 id 1 / udp 40000 > 9000 / "query"', NAMES);
  frame.head = new SkbHead(bytes);
  frame.length = bytes.length;
  frame.originalLength = bytes.length;
  for (let i = 0; i < count; i++) writer.write(frame);
  frame.seconds = 3600;
  writer.write(frame);
  writer.out.flush();
  return Buffer.concat(pieces);
}
