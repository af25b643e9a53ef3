/**
 * ctr-ghash.ts — what counter mode and GCM need besides AES (NIST SP 800-38D): counter blocks, XOR, GHASH. AES itself is
 * the host's, one ECB object kept for a key: its update costs 0.6 µs, where a GCM object for one packet costs 4.5.
 *
 * Memory of the module, in bytes:
 *      0      16     32                  TEXT                          KEYSTREAM
 *      +------+------+-- … --------------+-----------------------------+-----------------------------+
 *      |  H   |  Y   |                   | AAD | text | lengths        | counter blocks → keystream  |
 *      +------+------+-- … --------------+-----------------------------+-----------------------------+
 *
 * Constant time: no branch and no address depends on a key or on text. GHASH multiplies with integer multiplications of
 * operands with holes, so that no carry reaches a bit that counts (T. Pornin, BearSSL, ghash_ctmul64; "Constant-time
 * multiplication" there): every fourth bit is kept, sums of at most 15 fit the gaps, a sixteenth falls out of the word.
 * The upper half of a product is the lower half of the product of the reversed operands, reversed. i64.mul takes constant
 * time on x86-64 and AArch64.
 */
import type { BlockCipher } from '@packetwalk/framework/crypto';
import type { PacketBytes } from './aead.ts';
import { add, and, constant, loadAt, mul, or, shl, shr, WasmFunction, type Word, wasmModule, xor } from './wasm-code.ts';

/** Where the hash key H and the hash Y lie, as GCM writes them. */
export const GHASH_KEY = 0;
export const GHASH_STATE = 16;
/** Text that fits, in bytes: an IP packet's. */
const MAX_TEXT = 0x10000;
/** Block with the additional data; the text is behind it. */
export const AAD = 64;
export const TEXT = 80;
/** Block of the tag's mask, which counter 1 makes; the text's keystream is behind it. */
export const KEYSTREAM: number = TEXT + MAX_TEXT + 16;
const PAGES = 3;

const HOLES = [0x1111111111111111n, 0x2222222222222222n, 0x4444444444444444n, 0x8888888888888888n].map(constant);

/** A word's bits in four parts, every fourth bit each. */
function parts(f: WasmFunction, word: Word): Word[] {
  return HOLES.map((holes) => f.let(and(word, holes)));
}

/** Lower 64 bits of the carry-less product. */
function product(f: WasmFunction, x: readonly Word[], y: readonly Word[]): Word {
  const sums = HOLES.map((holes, k) => and(xor(mul(x[0], y[k]), ...[1, 2, 3].map((i) => mul(x[i], y[(k - i + 4) & 3]))), holes));
  return f.let(or(or(sums[0], sums[1]), or(sums[2], sums[3])));
}

/** Exchanges neighbouring groups of `bits` bits; `mask` has the lower of each pair. */
function swap(f: WasmFunction, word: Word, bits: number, mask: bigint): Word {
  return f.let(or(shl(and(word, constant(mask)), bits), and(shr(word, bits), constant(mask))));
}

function reverseBytes(f: WasmFunction, word: Word): Word {
  const pairs = swap(f, swap(f, f.let(word), 8, 0x00ff00ff00ff00ffn), 16, 0x0000ffff0000ffffn);
  return f.let(or(shl(pairs, 32), shr(pairs, 32)));
}

function reverseBits(f: WasmFunction, word: Word): Word {
  const nibbles = swap(f, swap(f, f.let(word), 1, 0x5555555555555555n), 2, 0x3333333333333333n);
  return reverseBytes(f, swap(f, nibbles, 4, 0x0f0f0f0f0f0f0f0fn));
}

/** A 128-bit factor as Karatsuba wants it: low, high and their sum, each forwards and reversed. */
function factor(f: WasmFunction, high: Word, low: Word): Word[][] {
  const lowReversed = reverseBits(f, low);
  const highReversed = reverseBits(f, high);
  const words = [low, high, f.let(xor(low, high)), lowReversed, highReversed, f.let(xor(lowReversed, highReversed))];
  return words.map((word) => parts(f, word));
}

/** Y = (Y ⊕ X) · H for each block X of [from, to). */
function ghash(): WasmFunction {
  const f = new WasmFunction();
  const h = factor(f, reverseBytes(f, loadAt(GHASH_KEY)), reverseBytes(f, loadAt(GHASH_KEY + 8)));
  const high = reverseBytes(f, loadAt(GHASH_STATE));
  const low = reverseBytes(f, loadAt(GHASH_STATE + 8));
  f.loop(16, () => {
    f.set(high, xor(high, reverseBytes(f, f.load(0))));
    f.set(low, xor(low, reverseBytes(f, f.load(8))));
    const y = factor(f, high, low);
    const [z0, z1, middle, r0, r1, middleReversed] = y.map((word, i) => product(f, word, h[i]));
    const upper = (reversed: Word): Word => shr(reverseBits(f, reversed), 1);
    const v0 = f.let(z0);
    const v1 = f.let(xor(upper(r0), middle, z0, z1));
    const v2 = f.let(xor(z1, upper(xor(middleReversed, r0, r1))));
    const v3 = f.let(upper(r1));
    // GCM's bits run the other way: the 255-bit product moves up by one, then what is below x^128 is folded in.
    f.set(v3, or(shl(v3, 1), shr(v2, 63)));
    f.set(v2, or(shl(v2, 1), shr(v1, 63)));
    f.set(v1, or(shl(v1, 1), shr(v0, 63)));
    f.set(v0, shl(v0, 1));
    for (const [v, next, afterNext] of [
      [v0, v1, v2],
      [v1, v2, v3],
    ]) {
      f.set(afterNext, xor(afterNext, v, shr(v, 1), shr(v, 2), shr(v, 7)));
      f.set(next, xor(next, shl(v, 63), shl(v, 62), shl(v, 57)));
    }
    f.set(low, v2);
    f.set(high, v3);
  });
  f.storeAt(GHASH_STATE, reverseBytes(f, high));
  f.storeAt(GHASH_STATE + 8, reverseBytes(f, low));
  return f;
}

/** Writes counter blocks 1, 2, … to [from, to): the 12 bytes at the state, then the counter. */
function counters(): WasmFunction {
  const f = new WasmFunction();
  const nonce = f.let(loadAt(GHASH_STATE));
  const rest = f.let(and(loadAt(GHASH_STATE + 8), constant(0xffffffffn)));
  const counter = f.let(constant(1n));
  f.loop(16, () => {
    f.store(0, nonce);
    f.store(8, or(rest, shl(shr(reverseBytes(f, counter), 32), 32)));
    f.set(counter, add(counter, constant(1n)));
  });
  return f;
}

/** Text ⊕= keystream, for the text of [from, to); its keystream lies as far behind it for each block. */
function xorKeystream(): WasmFunction {
  const f = new WasmFunction();
  const distance = KEYSTREAM + 16 - TEXT;
  f.loop(16, () => {
    f.store(0, xor(f.load(0), f.load(distance)));
    f.store(8, xor(f.load(8), f.load(distance + 8)));
  });
  return f;
}

interface CtrGhash {
  readonly memory: { readonly buffer: ArrayBuffer };
  ghash(from: number, to: number): void;
  counters(from: number, to: number): void;
  xorKeystream(from: number, to: number): void;
}

/** The part of the JavaScript embedding that is used here; the compiler's own library has it only for browsers. */
interface WebAssemblyNamespace {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { readonly exports: unknown };
}

function instantiate(): CtrGhash {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyNamespace }).WebAssembly;
  const binary = wasmModule(PAGES, { ghash: ghash(), counters: counters(), xorKeystream: xorKeystream() });
  return new Instance(new Module(binary)).exports as CtrGhash;
}

/** One instance serves all keys: packets are handled one after the other. Whoever uses it leaves no secret behind. */
export const ctrGhash: CtrGhash = instantiate();
export const memory: Uint8Array<ArrayBuffer> = new Uint8Array(ctrGhash.memory.buffer);
export const memoryView: DataView<ArrayBuffer> = new DataView(ctrGhash.memory.buffer);
/** The same two, as packets have them. */
export const moduleBytes: PacketBytes = { buf: memory, view: memoryView };

/** Views of counter blocks, by their number: made once, since making one costs 60 ns. */
const withTag: Uint8Array[] = [];
const textOnly: Uint8Array[] = [];

/**
 * Counter blocks 1, 2, … through the cipher, from the nonce in the module's state. For GCM the first of `blocks` is the
 * tag's; for counter mode alone they are all the text's.
 */
export function keystream(ecb: BlockCipher, blocks: number, tag: boolean): void {
  const at = tag ? KEYSTREAM : KEYSTREAM + 16;
  const views = tag ? withTag : textOnly;
  views[blocks] ??= memory.subarray(at, at + 16 * blocks);
  if (at + 16 * blocks > used) used = at + 16 * blocks;
  ctrGhash.counters(at, at + 16 * blocks);
  memory.set(ecb.update(views[blocks]), at);
}

/** How far the memory was written to. */
let used = KEYSTREAM;

/** Leaves nothing of keys and packets in the module's memory. */
export function wipe(): void {
  memory.fill(0, 0, used);
  used = KEYSTREAM;
}
