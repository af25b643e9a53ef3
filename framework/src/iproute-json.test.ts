import { expect, test } from 'vitest';
import { iprouteJson } from './iproute-json.ts';

const entries = [
  { dst: '10.0.0.1', dev: 'd0', proxy: null, state: ['PERMANENT'] },
  { dst: '10.0.0.2', used: 0, lladdr: undefined, nested: [{ a: 1 }], none: [] },
];

test('one line, without what is undefined', () => {
  expect(iprouteJson(entries, false)).toBe(
    '[{"dst":"10.0.0.1","dev":"d0","proxy":null,"state":["PERMANENT"]},{"dst":"10.0.0.2","used":0,"nested":[{"a":1}],"none":[]}]',
  );
  expect(iprouteJson([], false)).toBe('[]');
});

// The layout below is what `ip -j -p neigh` of iproute2 6.1 prints.
test('pretty', () => {
  expect(iprouteJson(entries, true)).toBe(`[ {
        "dst": "10.0.0.1",
        "dev": "d0",
        "proxy": null,
        "state": [ "PERMANENT" ]
    },{
        "dst": "10.0.0.2",
        "used": 0,
        "nested": [ {
                "a": 1
            } ],
        "none": [ ]
    } ]`);
  expect(iprouteJson([], true)).toBe('[ ]');
});

test('what was printed parses back', () => {
  expect(JSON.parse(iprouteJson(entries, true))).toEqual(JSON.parse(JSON.stringify(entries)));
});
