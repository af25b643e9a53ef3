/** errno.ts — numbers of errors that calls return with a minus in front (errno(3)). */

export const ENOENT = 2;
export const EBUSY = 16;
export const EEXIST = 17;
export const EINVAL = 22;
export const EMFILE = 24;
export const ESHUTDOWN = 108;
export const EALREADY = 114;
