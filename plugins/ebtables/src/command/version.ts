/** command/version.ts — the ebtables whose syntax and words are followed. */
export const VERSION = '1.8.9 (nf_tables)';
