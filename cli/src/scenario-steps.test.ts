import { parsePacket } from '@packetwalk/framework/testing';
import { describe, expect, it } from 'vitest';
import { readSteps, rewriteSteps, type StepContext } from './scenario-steps.ts';

const FRAME = 'eth 02:00:00:00:0a:02 > p0 type 0x9000 / "one"';
const OTHER = 'eth 02:00:00:00:0a:02 > p0 type 0x9000 / "two"';

const context: StepContext = {
  names: { p0: { mac: '02:00:00:00:00:10' } },
  ports: ['p0', 'p1'],
  gap: 5,
  capture: (file) => {
    if (file === 'two.pcap') return [Uint8Array.of(1), Uint8Array.of(2)];
    throw new Error('no such file');
  },
};

const read = (...lines: string[]): ReturnType<typeof readSteps> => readSteps(lines.join('\n'), context);

describe('readSteps', () => {
  it('puts events on one clock: frames move it, commands do not', () => {
    const { events, end } = read(
      `send p0 ${FRAME}`,
      'run ip link set p1 down',
      'wait 1.5s',
      'refuse ip nothing',
      'gap 0.5ms',
      `send p1 ${FRAME}`,
      'dump x ip route',
    );
    expect(events.map(({ t, ...event }) => [t, Object.keys(event).join()])).toEqual([
      [0, 'port,frame'],
      [5, 'cmd'],
      [1505, 'cmd,fails'],
      [1505, 'port,frame'],
      [1505.5, 'dump,as'],
    ]);
    expect(end).toBe(1505.5);
  });

  it('takes all frames of a capture', () => {
    const { events, end } = read('send p0 pcap two.pcap');
    expect(events.map((event) => [event.t, 'frame' in event && event.frame[0]])).toEqual([
      [0, 1],
      [5, 2],
    ]);
    expect(end).toBe(10);
  });

  it('knows what an expected frame comes after', () => {
    const { expect: records } = read(`expect p0 ${FRAME}`, `send p0 ${FRAME}`, `expect p1 ${FRAME}`, 'wait 1s', `expect p1 ${OTHER}`);
    expect(records.map(({ t, after }) => [t, after])).toEqual([
      [0, -1],
      [0, 0],
      [1005, 0],
    ]);
  });

  it('compares the dumps whose lines it is given', () => {
    const { dumps, expect: records } = read('dump a ip route', '| one', '| two', 'dump b ip rule', '~ three', 'dump c ip link');
    expect(dumps).toEqual({ a: 'exact', b: 'sorted' });
    expect(records.map((record) => 'text' in record && record.text)).toEqual(['one\ntwo\n', 'three\n']);
  });

  it('goes on with lines that start with a slash, and passes over comments', () => {
    const { events, issues } = read('# first', 'send p0 eth 02:00:00:00:0a:02 > p0 type 0x9000', '  / "one"', '', '# last');
    expect(issues).toEqual([]);
    expect(events).toEqual(read(`send p0 ${FRAME}`).events);
  });

  it.each([
    ['sned p0 x', '"sned" is no step'],
    [`send p7 ${FRAME}`, '"p7" is no port (there are p0, p1)'],
    ['send p0 eth p0', 'column 7: ">" is missing here'],
    ['send p0 pcap none.pcap', 'none.pcap: no such file'],
    ['wait 30', '"30" is no duration like 30ms or 1.5s'],
    ['run', 'run is followed by a command'],
    ['dump routes', 'dump is followed by a name and a command'],
    ['| line', 'lines of output follow a dump'],
    ['dump a x\ndump a y', 'a second dump named "a"'],
    ['dump a x\n| one\n~ two', 'the lines of one output stand together, with the same mark'],
  ])('says what is wrong with %j, and on which line', (line, message) => {
    const { issues } = read(`send p0 ${FRAME}`, '', line);
    expect(issues).toHaveLength(1);
    expect(issues[0].message).toContain(message);
    expect(issues[0].line).toBe(2 + line.split('\n').length - 1);
  });

  it('says everything that is wrong', () => {
    expect(read('a', 'b', 'c').issues.map((issue) => issue.line)).toEqual([0, 1, 2]);
  });
});

describe('rewriteSteps', () => {
  const text = [
    '# what for',
    `send p0 ${FRAME}`,
    `  expect p1 ${FRAME}`,
    '# and then',
    'wait 1s',
    'dump a ip route',
    '  | old',
    `  expect p1 ${FRAME}`,
    '',
  ].join('\n');

  it('leaves the file as it is when all came as expected', () => {
    expect(rewriteSteps(text, context, readSteps(text, context).expect)).toBe(text);
  });

  it('puts what came in place of what was expected, behind what it came of', () => {
    const frame = parsePacket(OTHER, context.names);
    const records = [
      { t: 0, after: 0, port: 'p1', frame },
      { t: 500, after: 0, port: 'p0', frame },
      { t: 1005, after: 1, dump: 'a', text: 'new\n\n  lines\n' },
    ];
    expect(rewriteSteps(text, context, records).split('\n')).toEqual([
      '# what for',
      `send p0 ${FRAME}`,
      `  expect p1 ${OTHER}`,
      '# and then',
      'wait 1s',
      `  expect p0 ${OTHER}`,
      'dump a ip route',
      '  | new',
      '  | lines',
      '',
    ]);
  });
});
