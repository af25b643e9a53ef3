/**
 * wasm-code.ts — WebAssembly, written in TypeScript: expressions of 64-bit words, and the module around a few functions
 * of the kind (from, to) → nothing (WebAssembly Core Specification §5). Only what ctr-ghash.ts needs.
 */

/** An expression that leaves one i64 on the stack, as its instructions. */
export type Word = readonly number[];

const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const I64_LOAD = 0x29;
const I32_STORE = 0x36;
const I64_STORE = 0x37;
const I32_CONST = 0x41;
const I64_CONST = 0x42;
const I32_LT_U = 0x49;
const I32_ADD = 0x6a;
const I64_ADD = 0x7c;
const I64_MUL = 0x7e;
const I64_AND = 0x83;
const I64_OR = 0x84;
const I64_XOR = 0x85;
const I64_SHL = 0x86;
const I64_SHR_U = 0x88;
const I32_WRAP_I64 = 0xa7;
const LOOP = 0x03;
const BR_IF = 0x0d;
const END = 0x0b;
const I32 = 0x7f;
const I64 = 0x7e;
const FUNC = 0x60;
const EMPTY = 0x40;

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

function signed(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asIntN(64, value);
  for (;;) {
    const low = Number(rest & 127n);
    rest >>= 7n;
    if (rest === ((low & 64) === 0 ? 0n : -1n)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

export const constant = (value: bigint): Word => [I64_CONST, ...signed(value)];
export const add = (a: Word, b: Word): Word => [...a, ...b, I64_ADD];
export const mul = (a: Word, b: Word): Word => [...a, ...b, I64_MUL];
export const and = (a: Word, b: Word): Word => [...a, ...b, I64_AND];
export const or = (a: Word, b: Word): Word => [...a, ...b, I64_OR];
export const xor = (first: Word, ...others: Word[]): Word => [...first, ...others.flatMap((other) => [...other, I64_XOR])];
export const shl = (a: Word, bits: number): Word => [...a, ...constant(BigInt(bits)), I64_SHL];
export const shr = (a: Word, bits: number): Word => [...a, ...constant(BigInt(bits)), I64_SHR_U];
/** The word at a fixed address, little-endian as all of WebAssembly. */
export const loadAt = (address: number): Word => [I32_CONST, 0, I64_LOAD, 0, ...unsigned(address)];

/** One function with the two i32 parameters `from` and `to`, written down instruction by instruction. */
export class WasmFunction {
  private readonly code: number[] = [];
  private readonly locals: number[] = [];

  /** A new variable with this value; what is returned reads it. */
  let(value: Word): Word {
    const index = 2 + this.locals.push(I64) - 1;
    this.code.push(...value, LOCAL_SET, ...unsigned(index));
    return [LOCAL_GET, ...unsigned(index)];
  }

  /** Gives a variable that `let` made another value. */
  set(variable: Word, value: Word): void {
    this.code.push(...value, LOCAL_SET, ...variable.slice(1));
  }

  /** The word at `from` + offset. */
  load(offset: number): Word {
    return [LOCAL_GET, 0, I64_LOAD, 0, ...unsigned(offset)];
  }

  store(offset: number, value: Word): void {
    this.code.push(LOCAL_GET, 0, ...value, I64_STORE, 0, ...unsigned(offset));
  }

  /** Stores the lower 32 bits. */
  store32(offset: number, value: Word): void {
    this.code.push(LOCAL_GET, 0, ...value, I32_WRAP_I64, I32_STORE, 0, ...unsigned(offset));
  }

  storeAt(address: number, value: Word): void {
    this.code.push(I32_CONST, 0, ...value, I64_STORE, 0, ...unsigned(address));
  }

  /** Does `body` with `from` rising by `step` until it has reached `to`; at least once. */
  loop(step: number, body: () => void): void {
    this.code.push(LOOP, EMPTY);
    body();
    this.code.push(LOCAL_GET, 0, I32_CONST, ...signed(BigInt(step)), I32_ADD, LOCAL_SET, 0);
    this.code.push(LOCAL_GET, 0, LOCAL_GET, 1, I32_LT_U, BR_IF, 0, END);
  }

  /** @internal */
  body(): number[] {
    const declared = [1, ...unsigned(this.locals.length), I64];
    return sized([...declared, ...this.code, END]);
  }
}

function sized(bytes: readonly number[]): number[] {
  return [...unsigned(bytes.length), ...bytes];
}

function section(id: number, entries: readonly (readonly number[])[]): number[] {
  return [id, ...sized([...unsigned(entries.length), ...entries.flat()])];
}

function exported(name: string, kind: number, index: number): number[] {
  return [...sized(Array.from(name, (c) => c.charCodeAt(0))), kind, index];
}

/** The binary of a module that exports `memory` (in pages of 64 KiB) and these functions. */
export function wasmModule(pages: number, functions: Readonly<Record<string, WasmFunction>>): Uint8Array<ArrayBuffer> {
  const names = Object.keys(functions);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [[FUNC, 2, I32, I32, 0]]),
    ...section(
      3,
      names.map(() => [0]),
    ),
    ...section(5, [[0, pages]]),
    ...section(7, [exported('memory', 2, 0), ...names.map((name, index) => exported(name, 0, index))]),
    ...section(
      10,
      names.map((name) => functions[name].body()),
    ),
  ]);
}
