/** The rules of a run, on a router made for the purpose: a plugin that writes down what it is given, and when. */
import {
  allocSkb,
  CommandError,
  consumeSkb,
  definePlugin,
  devQueueXmit,
  ETH_P_ARP,
  type NetDevice,
  skbBytes,
  skbPutData,
  type Timer,
} from '@packetwalk/framework';
import { COMPARE_ALL, parsePacket, type Scenario, type ScenarioEvent } from '@packetwalk/framework/testing';
import { describe, expect, it } from 'vitest';
import { playScenario } from './scenario.ts';

const NAMES = { p0: { mac: '02:00:00:00:00:10' }, p1: { mac: '02:00:00:00:00:11' }, a: { mac: '02:00:00:00:0a:02', ip: '10.0.0.2' } };
const TYPE = 0x9000;

const frame = (text: string): Uint8Array => parsePacket(`eth a > p0 type 0x9000 / "${text}"`, NAMES);
const ask = parsePacket('eth p0 > broadcast / arp who-has 10.0.0.2 tell 10.0.0.1', NAMES);

/** Plays events on two ports; what happened, in order: `t what`. */
async function play(events: ScenarioEvent[], more: Partial<Scenario> = {}): Promise<{ log: string[]; sent: string[] }> {
  const log: string[] = [];
  const plugin = definePlugin({
    name: 'witness',
    setup(ctx) {
      const { softirq } = ctx.net;
      const note = (what: string): void => void log.push(`${softirq.jiffies} ${what}`);
      const send = (dev: NetDevice, bytes: Uint8Array): void => {
        const skb = allocSkb(ctx.net, dev, bytes.length);
        skbPutData(skb, bytes);
        devQueueXmit(skb);
      };
      ctx.packetType({
        type: TYPE,
        func: (skb, dev) => {
          const text = new TextDecoder().decode(skbBytes(skb));
          note(`${dev.name} ${text}`);
          if (text === 'ask') send(dev, ask);
          note(`done ${text}`);
          consumeSkb(skb);
          if (text === 'throw') throw new Error('on purpose');
          return 0;
        },
      });
      ctx.packetType({
        type: ETH_P_ARP,
        func: (skb) => {
          note(`answer of ${skbBytes(skb).length} bytes`);
          consumeSkb(skb);
          return 0;
        },
      });
      const timers: Timer[] = [];
      ctx.command({
        name: 'timer',
        summary: '',
        usage: '',
        run([delay, name]) {
          const timer = ctx.timer(() => note(`timer ${name}`));
          timers.push(timer);
          softirq.modTimer(timer, Number(delay));
        },
      });
      ctx.command({
        name: 'slow',
        summary: '',
        usage: '',
        run: (_args, io) =>
          new Promise<void>((done) => {
            const timer = ctx.timer(() => {
              io.out('took its time\n');
              done();
            });
            softirq.modTimer(timer, 1000);
          }),
      });
      ctx.command({
        name: 'fail',
        summary: '',
        usage: '',
        run() {
          throw new CommandError('refused');
        },
      });
    },
  });
  const records = await playScenario(
    {
      name: 'rules',
      about: '',
      ports: [
        { name: 'p0', mac: NAMES.p0.mac, mtu: 100 },
        { name: 'p1', mac: NAMES.p1.mac, mtu: 100 },
      ],
      hosts: [{ name: 'a', port: 'p0', ...NAMES.a }],
      setup: [],
      events,
      endMs: 100,
      compare: COMPARE_ALL,
      ...more,
    },
    { plugins: [{ id: 'witness', plugin, options: {} }] },
  );
  return { log, sent: records.map((record) => `${record.t} ${record.after} ${'port' in record ? record.port : record.text}`) };
}

describe('playScenario', () => {
  it('runs timers before the event at their time, by due time and then as they were set', async () => {
    const { log } = await play([
      { t: 0, cmd: 'timer 20 late' },
      { t: 0, cmd: 'timer 10 first' },
      { t: 0, cmd: 'timer 10 second' },
      { t: 10, port: 'p0', frame: frame('x') },
    ]);
    expect(log).toEqual(['10 timer first', '10 timer second', '10 p0 x', '10 done x', '20 timer late']);
  });

  it('runs timers up to the end and not beyond', async () => {
    const { log } = await play([], { setup: ['timer 100 last', 'timer 100.5 never'] });
    expect(log).toEqual(['100 timer last']);
  });

  it('lets a station answer once the work is done, before any timer or event', async () => {
    const { log, sent } = await play([
      { t: 5, port: 'p0', frame: frame('ask') },
      { t: 5, port: 'p1', frame: frame('next') },
    ]);
    expect(log).toEqual(['5 p0 ask', '5 done ask', '5 answer of 28 bytes', '5 p1 next', '5 done next']);
    expect(sent).toEqual(['5 0 p0']);
  });

  it('has no stations behind the other port', async () => {
    const { log } = await play([{ t: 5, port: 'p1', frame: frame('ask') }]);
    expect(log).toEqual(['5 p1 ask', '5 done ask']);
  });

  it('loses frames that are longer than MTU and 18 bytes, or come to a port that is down', async () => {
    const { log } = await play([
      { t: 1, port: 'p0', frame: frame('f'.repeat(104)) },
      { t: 2, port: 'p0', frame: frame('g'.repeat(105)) },
      { t: 3, cmd: 'ip link set p0 down' },
      { t: 4, port: 'p0', frame: frame('h') },
    ]);
    expect(log.filter((line) => line.includes('p0 '))).toEqual([`1 p0 ${'f'.repeat(104)}`]);
  });

  it('gives commands that wait the time they need, and takes none from the scenario', async () => {
    const { log, sent } = await play([
      { t: 5, dump: 'slow', as: 'x' },
      { t: 6, port: 'p0', frame: frame('x') },
    ]);
    expect(sent).toEqual(['5 0 took its time\n']);
    expect(log).toEqual(['1006 p0 x', '1006 done x']);
  });

  it.each([
    [{ cmd: 'nothing of the kind' }, 'no such command: nothing of the kind'],
    [{ cmd: 'nothing of the kind', fails: true }, 'no such command: nothing of the kind'],
    [{ cmd: 'fail now' }, 'ended with 1: fail now\nrefused'],
    [{ cmd: 'timer 1 x', fails: true }, 'was not refused: timer 1 x'],
    [{ dump: 'nothing of the kind', as: 'x' }, 'no such command: nothing of the kind'],
    [{ port: 'p0', frame: frame('throw') }, 'on purpose'],
  ])('ends with %j', async (event, message) => {
    await expect(play([{ t: 1, ...event } as ScenarioEvent])).rejects.toThrow(message);
  });

  it('ends when a command of the set-up fails', async () => {
    await expect(play([], { setup: ['fail'] })).rejects.toThrow('ended with 1: fail\nrefused');
  });
});
