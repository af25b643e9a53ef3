/** command/change.ts — does in a draft what a command line says. */
import { type Ebtables, EbtProblem } from '@packetwalk/framework';
import type { TableDraft } from '../table-draft.ts';
import type { CommandLine, CounterChange } from './command-line.ts';
import type { Source } from './rule-builder.ts';

/** @param check false: the draft is checked later, as a whole */
export function change(line: CommandLine, draft: TableDraft, ebtables: Ebtables, source: Source, check = true): void {
  const { chain, numbers } = line;
  const rule = () => line.rule.build(ebtables, (name) => draft.find(name), source);
  switch (line.operation) {
    case 'A':
      draft.insert(chain, rule());
      break;
    case 'I':
      draft.insert(chain, rule(), numbers === null ? 0 : numbers[0] - 1);
      break;
    case 'D':
      if (numbers !== null) draft.remove(chain, ...indexes(numbers, draft.length(chain)));
      else {
        const at = draft.indexOf(chain, rule());
        draft.remove(chain, at, at);
      }
      break;
    case 'C': {
      const at = numbers === null ? draft.indexOf(chain, rule()) : 0;
      const [from, to] = numbers === null ? [at, at] : indexes(numbers, draft.length(chain));
      const [packets, bytes] = line.counterChanges;
      for (let i = from; i <= to; i++) {
        draft.setCounters(chain, i, (counters) => {
          counters[0] = changed(counters[0], packets);
          counters[1] = changed(counters[1], bytes);
        });
      }
      break;
    }
    case 'F':
      draft.flush(chain || undefined);
      break;
    case 'Z':
      draft.zero(chain || undefined);
      break;
    case 'L':
      if (line.zeroToo) draft.zero(chain || undefined);
      break;
    case 'P':
      draft.policy(chain, line.policy as number);
      break;
    case 'N':
      draft.create(chain, line.policy ?? undefined);
      break;
    case 'X':
      draft.delete(chain || undefined);
      break;
    case 'E':
      draft.rename(chain, line.newName);
      break;
    case 'init':
      draft.reset();
      break;
  }
  if (check) draft.check(line.operation === 'I' ? 'RULE_INSERT' : 'RULE_APPEND');
}

/** Indexes from 0 of rule numbers, of which those below 0 count from the end. */
function indexes([from, to]: readonly [number, number], length: number): [number, number] {
  const first = from < 0 ? length + from : from - 1;
  const last = to < 0 ? length + to : to - 1;
  // Beyond the end: the draft says so.
  if (first >= length) return [first, first];
  if (first < 0 || last < first)
    throw new EbtProblem(`Problem with the specified rule number(s) '${from === to ? from : `${from}:${to}`}'`);
  return [first, last];
}

function changed(now: number, { sign, value }: CounterChange): number {
  if (sign === '') return value;
  return sign === '+' ? now + value : Math.max(now - value, 0);
}
