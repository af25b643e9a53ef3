/** ipset/ipset-error.ts — what ipset(8) says when something cannot be done, without its name in front. */

/** Version whose words are followed. */
export const IPSET_VERSION = 'v7.17';

export class IpsetError extends Error {
  override readonly name = 'IpsetError';
  /** Exit status: 2 for a wrong command line, which points at the help, else 1. */
  readonly status: 1 | 2;

  constructor(message: string, status: 1 | 2 = 1) {
    super(message);
    this.status = status;
  }
}

export const syntaxError = (message: string): IpsetError => new IpsetError(`Syntax error: ${message}`);

export const NO_SET = 'The set with the given name does not exist';
export const ALREADY_ADDED = "Element cannot be added to the set: it's already added";
export const NOT_ADDED = "Element cannot be deleted from the set: it's not added";
export const HASH_FULL = 'Hash is full, cannot add more elements';
export const NULL_ELEMENT = 'Null-valued element, cannot be stored in a hash type of set';
export const OUT_OF_RANGE = 'Element is out of the range of the set';
export const RANGE_SIZE = 'The range you specified exceeds the size limit of the set type';
export const BAD_CIDR = 'The value of the CIDR parameter of the IP address is invalid';
