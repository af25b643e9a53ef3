/** registries.ts — what plugins add by name and others look up: drivers, link kinds, FIB backends, /proc files. */
import { CommandError } from './errors.ts';
import type { FibBackendFactory } from './fib.ts';
import type { NetDevice } from './netdevice.ts';
import type { Driver, LinkKind } from './plugin.ts';
import { type Token, token } from './token.ts';

/** Named things of one kind; two of one name are a mistake. */
export class NamedRegistry<T> {
  private readonly what: string;
  private readonly items = new Map<string, T>();

  /** @param what the kind of thing, for messages: `driver` */
  constructor(what: string) {
    this.what = what;
  }

  /** Adds an item; returns its undo. */
  add(name: string, item: T): () => void {
    if (this.items.has(name)) throw new Error(`${this.what} ${name} is registered twice`);
    this.items.set(name, item);
    return () => this.items.delete(name);
  }

  get(name: string): T | undefined {
    return this.items.get(name);
  }

  names(): string[] {
    return [...this.items.keys()];
  }

  values(): T[] {
    return [...this.items.values()];
  }
}

/** One file below /proc. */
export interface ProcFile {
  read(): string;
  write?(text: string): void;
}

/** The /proc files of a router, by path without the leading slash; sysctls appear as files through their own names. */
export class ProcFiles extends NamedRegistry<ProcFile> {
  constructor() {
    super('/proc file');
  }

  /** Text of a file; throws what `cat` says when there is none. */
  read(path: string): string {
    const file = this.get(path);
    if (file === undefined) throw new CommandError(`cat: ${path}: No such file or directory`);
    return file.read();
  }
}

/** Finds the other end of a virtual cable. A lab provides it; devices without a cable have no peer. */
export interface Cables {
  /** The device at the other end, or null when the cable ends nowhere. */
  peer(dev: NetDevice): NetDevice | null;
}

export const Cables: Token<Cables> = token<Cables>('Cables');
export const Drivers: Token<NamedRegistry<Driver>> = token<NamedRegistry<Driver>>('Drivers');
export const LinkKinds: Token<NamedRegistry<LinkKind>> = token<NamedRegistry<LinkKind>>('LinkKinds');
export const FibBackends: Token<NamedRegistry<FibBackendFactory>> = token<NamedRegistry<FibBackendFactory>>('FibBackends');
export const ProcFs: Token<ProcFiles> = token<ProcFiles>('ProcFiles');
