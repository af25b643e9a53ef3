/**
 * token.ts — names under which plugins provide and find each other's services. A token's identity is a registered
 * symbol with the contract's version in it, so that two copies of a package still mean the same.
 */

/** Version of the contracts in services/: raised when one changes incompatibly. */
export const CONTRACT_VERSION = 1;

export interface Token<T> {
  readonly key: symbol;
  readonly name: string;
  /** Only for the type checker. */
  readonly type?: T;
}

/** Makes a token. By convention it has the name of the interface it stands for: one identifier is both. */
export function token<T>(name: string): Token<T> {
  return { key: Symbol.for(`packetwalk:${CONTRACT_VERSION}:${name}`), name };
}
