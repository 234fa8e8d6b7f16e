import { expect, test } from 'vitest';

import { announcement } from './announce';
import { attempt, failure, signIn, snapshot, window } from './fixtures/build';

const NOW = new Date(2026, 10, 22, 15, 0).getTime();

test('the first snapshot is not announced', () => {
  expect(announcement(null, snapshot({ windows: [window('web-01', NOW, 1, 60)] }), NOW)).toBe('');
});

test('a new headline and a new window are announced', () => {
  const before = snapshot({ attempts: [attempt(1, 'web-01', NOW, { headline: 'asking for access' })] });
  const after = snapshot({
    windows: [window('web-01', NOW, 0, 60)],
    attempts: [attempt(1, 'web-01', NOW, { headline: 'starting the VM' })],
  });
  expect(announcement(before, after, NOW)).toBe('web-01: starting the VM. web-01: open until 16:00');
});

test('a failure is announced by its title', () => {
  const before = snapshot({ attempts: [attempt(1, 'web-01', NOW)] });
  const failed = attempt(1, 'web-01', NOW, {
    outcome: { kind: 'failed', ...failure('portSilent', { title: 'No answer.' }) },
  });
  expect(announcement(before, snapshot({ attempts: [failed] }), NOW)).toBe('web-01: No answer.');
});

test('a window that was closed before its time is announced with the reason', () => {
  const open = snapshot({ windows: [window('web-01', NOW, 1, 60)] });
  const text = 'A newer request took its place.';
  const closed = [{ name: 'web-01', port: 22, endTimeUtc: new Date(NOW).toISOString(), text }];
  expect(announcement(open, snapshot({ closed }), NOW)).toBe(`web-01: ${text}`);
});

test('a window whose favourite was removed is not said to be closed', () => {
  const open = window('shop', NOW, 1, 60);
  const after = snapshot({ windows: [{ ...open, name: 'web-01' }] });
  expect(announcement(snapshot({ windows: [open] }), after, NOW)).toBe('web-01: open until 16:00');
});

test('the last quarter hour and the end of a window are announced once', () => {
  const open = snapshot({ windows: [window('web-01', NOW, 40, 20)] });
  const ending = snapshot({ windows: open.windows.map((known) => ({ ...known, ending: true })) });
  expect(announcement(open, ending, NOW)).toBe('web-01: ends within a quarter of an hour');
  expect(announcement(ending, ending, NOW)).toBe('');
  expect(announcement(ending, snapshot(), NOW)).toBe(
    'web-01: closed to new connections; yours stays until you leave it',
  );
});

test('a sign-in is announced stage by stage, its code letter by letter', () => {
  const at = (stage: Parameters<typeof signIn>[0]) => snapshot({ signIn: signIn(stage) });
  const beginning = at({ kind: 'beginning' });
  const expiresAt = new Date(NOW + 900_000).toISOString();
  const code = at({ kind: 'deviceCode', userCode: 'HT4', url: 'https://microsoft.com/devicelogin', expiresAt });
  const done = at({ kind: 'done', name: 'ada', username: 'ada@contoso.example', kept: { place: 'keychain' } });
  expect(announcement(snapshot(), beginning, NOW)).toBe('Asking Azure where to sign in');
  expect(announcement(beginning, code, NOW)).toBe(
    'Type this code on any device. H T 4. It is good until 15:15, on this page: https://microsoft.com/devicelogin',
  );
  expect(announcement(code, done, NOW)).toBe('Signed in as ada@contoso.example.');
  expect(announcement(done, done, NOW)).toBe('');
});
