/**
 * fib.ts — the seam between routing and its lookup structure. A backend knows prefixes and numbers, nothing else:
 * what a number stands for, rules, aliases and next hops live above, once for all backends.
 */

/** Answers lookups; another thread may hold one over the same storage. */
export interface FibReader {
  /** Value of the longest prefix that holds `address` (int32), or -1. */
  lookup(address: number): number;
  /** The same for `n` addresses at once. */
  lookupBatch?(addresses: Int32Array, out: Int32Array, n: number): void;
}

/**
 * One table's lookup structure. Prefixes are int32 with host bits 0, lengths 0–32, values 0 … 2^24−1.
 * The caller knows which prefixes are there: it never removes one that is not.
 */
export interface FibBackend extends FibReader {
  /** Adds a prefix, or replaces its value. */
  insert(prefix: number, length: number, value: number): void;
  /**
   * Takes a prefix out. The next shorter prefix that covers it, `coverLength` bits long with `coverValue`, takes over;
   * both are -1 when nothing covers it.
   */
  remove(prefix: number, length: number, coverLength: number, coverValue: number): void;
  clear(): void;
  /** Bytes of the structure, exactly: typed arrays as allocated. */
  memory(): number;
}

/** Largest value a backend must hold. */
export const FIB_VALUE_MAX = 0xffffff;

export interface FibBackendFactory {
  /** Name in the config: `fib: {backend: NAME}`. */
  readonly name: string;
  create(options: FibBackendOptions): FibBackend;
  /** A reader over storage that another thread fills. */
  attach?(storage: FibStorage): FibReader;
}

export interface FibBackendOptions {
  /** Table id, 255 for local and 254 for main. */
  readonly table: number;
  readonly storage: FibStorage;
}

/**
 * Where a backend gets its arrays from, so that they can lie in shared memory. Arrays are named: a reader in another
 * thread asks for the same name. Growth makes a new array under the old name and then publishes a new generation;
 * a reader that sees the generation change asks again. Cells may be used again only after {@link quiesce}.
 */
export interface FibStorage {
  int32(name: string, length: number): Int32Array;
  uint32(name: string, length: number): Uint32Array;
  uint16(name: string, length: number): Uint16Array;
  uint8(name: string, length: number): Uint8Array;
  /** Makes all writes before it visible to readers that see the new generation. */
  publish(): void;
  readonly generation: number;
  /** Calls `free` when no lookup that began before now can still be running: at the next burst boundary. */
  quiesce(free: () => void): void;
}

/** Storage in this thread's own memory: lookups and changes never overlap, so cells are free at once. */
export class LocalFibStorage implements FibStorage {
  private readonly arrays = new Map<string, Int32Array | Uint32Array | Uint16Array | Uint8Array>();
  generation = 0;

  int32(name: string, length: number): Int32Array {
    return this.keep(name, new Int32Array(length));
  }

  uint32(name: string, length: number): Uint32Array {
    return this.keep(name, new Uint32Array(length));
  }

  uint16(name: string, length: number): Uint16Array {
    return this.keep(name, new Uint16Array(length));
  }

  uint8(name: string, length: number): Uint8Array {
    return this.keep(name, new Uint8Array(length));
  }

  publish(): void {
    this.generation++;
  }

  quiesce(free: () => void): void {
    free();
  }

  private keep<A extends Int32Array | Uint32Array | Uint16Array | Uint8Array>(name: string, array: A): A {
    this.arrays.set(name, array);
    return array;
  }
}
