/**
 * match/u32-expression.ts — the language of `-m u32` (cf. iptables' libxt_u32.c):
 *
 *      tests     := test { "&&" test }                 at most ten
 *      test      := number { operator number } "=" value { "," value }
 *      operator  := "&" | "<<" | ">>" | "@"
 *      value     := number | number ":" number
 */
import { XtProblem, type XtValue, xtNumeral } from '@packetwalk/framework';

const MAX_TESTS = 10;
const MAX_NUMBERS = 10;

export type U32Operator = '&' | '<<' | '>>' | '@';

export interface U32Step {
  readonly operator: U32Operator;
  readonly operand: number;
}

export interface U32Test {
  /** Offset of the first four bytes. */
  readonly start: number;
  readonly steps: readonly U32Step[];
  /** Inclusive; one of them must hold. */
  readonly ranges: readonly (readonly [number, number])[];
}

export const parseU32: XtValue<readonly U32Test[]> = (text) => new U32Parser(text).tests();

class U32Parser {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  tests(): U32Test[] {
    const tests = [this.test()];
    while (this.skip() !== '') {
      if (!this.take('&&')) throw new XtProblem(`u32: at char ${this.at}: "&&" or the end was expected`);
      if (tests.length === MAX_TESTS) throw new XtProblem(`u32: at char ${this.at}: too many "&&"s`);
      tests.push(this.test());
    }
    return tests;
  }

  private test(): U32Test {
    const start = this.number();
    const steps: U32Step[] = [];
    for (;;) {
      if (this.skip() === '') throw new XtProblem('u32: abrupt end of input after location specifier');
      if (this.take('=')) break;
      const operator = (['&', '<<', '>>', '@'] as const).find((o) => this.take(o));
      if (operator === undefined) throw new XtProblem(`u32: at char ${this.at}: operator expected`);
      if (steps.length === MAX_NUMBERS) throw new XtProblem(`u32: at char ${this.at}: too many operators`);
      steps.push({ operator, operand: this.number() });
    }
    if (this.skip() === '') throw new XtProblem('u32: test ended with no value specified');
    const ranges = [this.range()];
    while (this.take(',')) {
      if (ranges.length === MAX_NUMBERS) throw new XtProblem(`u32: at char ${this.at}: too many ","s`);
      ranges.push(this.range());
    }
    return { start, steps, ranges };
  }

  private range(): readonly [number, number] {
    const min = this.number();
    return [min, this.take(':') ? this.number() : min];
  }

  private number(): number {
    this.skip();
    const rest = this.text.slice(this.at);
    const n = xtNumeral(rest);
    if (n === null) throw new XtProblem(`u32: at char ${this.at}: not a number or out of range`);
    this.at += rest.length - n.rest.length;
    return n.value;
  }

  /** Passes over blanks; what is left. */
  private skip(): string {
    while (/\s/.test(this.text.charAt(this.at))) this.at++;
    return this.text.slice(this.at);
  }

  private take(sign: string): boolean {
    if (!this.skip().startsWith(sign)) return false;
    this.at += sign.length;
    return true;
  }
}

const hex = (n: number): string => `0x${n.toString(16)}`;

/** The tests as they are listed: every number in hexadecimal. */
export function u32Text(tests: readonly U32Test[]): string {
  const texts = tests.map(({ start, steps, ranges }) => {
    const location = hex(start) + steps.map(({ operator, operand }) => operator + hex(operand)).join('');
    return `${location}=${ranges.map(([min, max]) => (min === max ? hex(min) : `${hex(min)}:${hex(max)}`)).join(',')}`;
  });
  return texts.join('&&');
}
