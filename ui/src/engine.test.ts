import { emit } from '@tauri-apps/api/event';
import { clearMocks, mockIPC } from '@tauri-apps/api/mocks';
import { afterEach, expect, test } from 'vitest';

import type { Snapshot } from './bindings/Snapshot';
import { problemFrom, tauriEngine } from './engine';
import { failure, snapshot } from './fixtures/build';

afterEach(() => clearMocks());

test('the state as it is comes first, then each change', async () => {
  mockIPC(() => snapshot({ revision: 1 }), { shouldMockEvents: true });
  const seen: number[] = [];
  await tauriEngine.follow(({ revision }) => seen.push(revision));
  await emit('snapshot', snapshot({ revision: 2 }));
  expect(seen).toEqual([1, 2]);
});

test('a change that overtakes the first answer is not undone by it', async () => {
  let answer: (first: Snapshot) => void = () => {};
  mockIPC(() => new Promise<Snapshot>((resolve) => (answer = resolve)), { shouldMockEvents: true });
  const seen: number[] = [];
  const following = tauriEngine.follow(({ revision }) => seen.push(revision));
  await Promise.resolve();
  await emit('snapshot', snapshot({ revision: 8 }));
  answer(snapshot({ revision: 7 }));
  await following;
  expect(seen).toEqual([8]);
});

test('a request goes to the shell whole', async () => {
  const calls: unknown[] = [];
  mockIPC((command, payload) => {
    calls.push([command, payload]);
    return { answer: 'done' };
  });
  expect(await tauriEngine.request({ ask: 'cancel', name: 'web-01' })).toEqual({ answer: 'done' });
  expect(calls).toEqual([['request', { request: { ask: 'cancel', name: 'web-01' } }]]);
});

test('what the engine says of a failure is kept, what the shell throws is put into words', () => {
  const refused = failure('internal');
  expect(problemFrom(refused)).toBe(refused);
  expect(problemFrom('command request not found')).toMatchObject({
    code: 'noAnswer',
    message: 'command request not found',
  });
});
