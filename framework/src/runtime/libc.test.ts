import { describe, expect, it, vi } from 'vitest';
import { SkbHead } from '../skbuff.ts';
import { loadLibc } from './libc.ts';

describe.runIf(process.platform === 'linux')('Libc', () => {
  const libc = loadLibc(import.meta.url);

  it('is one for the process', () => {
    expect(loadLibc(import.meta.url)).toBe(libc);
  });

  it('names what went wrong', () => {
    expect(() => libc.check(libc.open('/nowhere/at/all', 0), 'open')).toThrow(
      expect.objectContaining({ name: 'SyscallError', code: 'ENOENT', message: 'open: No such file or directory' }),
    );
    expect(libc.close(-1)).toBe(-1);
    expect(libc.errno()).toBe(libc.errors.EBADF);
  });

  it('finds bytes where they are, however small the array', () => {
    const fd = libc.eventfd();
    const bytes = new Uint8Array(24);
    const part = bytes.subarray(9, 17);
    part.fill(1);
    expect(libc.write(fd, libc.addressOf(part), 8)).toBe(8);
    part.fill(0);
    expect(libc.read(fd, libc.addressOf(part), 8)).toBe(8);
    expect([...bytes]).toEqual([...Array(9).fill(0), ...Array(8).fill(1), ...Array(7).fill(0)]);
    libc.close(fd);
  });

  it('asks for the address of a packet’s memory once', () => {
    const head = new SkbHead(new Uint8Array(2048));
    const address = libc.skbAddress(head);
    expect(address).toBe(libc.addressOf(head.buf));
    const ask = vi.spyOn(libc, 'addressOf');
    expect(libc.skbAddress(head)).toBe(address);
    expect(ask).not.toHaveBeenCalled();
    ask.mockRestore();
  });

  it('says in one line that koffi is missing', async () => {
    vi.resetModules();
    const fresh = await import('./libc.ts');
    expect(() => fresh.loadLibc('file:///nowhere/driver.js')).toThrow(/^koffi, .* does not load on linux-\w+: Cannot find module 'koffi'$/);
  });
});
