import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  build: {
    // The oldest web views that know `light-dark()`, on which the tokens rest.
    target: ['chrome123', 'safari17.5'],
    // A `data:` script would fall foul of the page's content security policy.
    assetsInlineLimit: 0,
  },
  server: { port: 1420, strictPort: true },
  test: {
    environment: 'jsdom',
    setupFiles: ['src/test-setup.ts'],
    include: ['src/**/*.test.ts'],
    // A machine that runs other tests beside these is slow, not wrong.
    testTimeout: 30_000,
    // Much of the time went into compiling the same components again.
    experimental: { fsModuleCache: true },
  },
});
