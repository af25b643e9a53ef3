import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  ssr: { resolve: { conditions: ['source', 'node', 'import', 'module', 'default'] } },
  test: {
    include: ['test/**/*.test.ts', 'framework/src/**/*.test.ts', 'plugins/*/src/**/*.test.ts', 'cli/{src,templates}/**/*.test.ts'],
    pool: 'forks',
    execArgv: ['--conditions=source'],
    // For a busy machine; a test that waits for something says how long itself.
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
export default config;
