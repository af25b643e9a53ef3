/**
 * engine.ts — settings of the JavaScript engine that suit a packet path: many short functions, each called by one other.
 * See docs/decisions/inlining.md for what was measured.
 */
import { setFlagsFromString } from 'node:v8';

/** Bytecode that one optimized function may take in (V8's own limits: 920 and 460). */
const FLAGS = ['--max-inlined-bytecode-size-cumulative=3000', '--max-inlined-bytecode-size=900'];

/** Lets V8 inline the path into few functions. Call it before the first packet: what is compiled already stays as it is. */
export function tuneEngine(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
