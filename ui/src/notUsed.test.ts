import { screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';

import { favourite, snapshot, window as accessWindow } from './fixtures/build';
import { NOW, asked, beNow, card, open, press } from './fixtures/signing';

beNow();

const startedAt = new Date(NOW - 185 * 60_000).toISOString();
const text = 'Nobody at this machine is connected any more. Ajar started it at 09:10, and its compute is billed while it runs.';
const web = favourite('web', { startedAt });
const which = { name: 'web', cloud: web.cloud, vm: web.vm, startedAt };
const unused = { ...which, deallocatesAt: null, text };
const running = snapshot({ favourites: [web, favourite('db')] });

test('a VM that nobody uses any more is asked about, announced, and kept or deallocated by its buttons', async () => {
  const { engine, user, see } = await open(running);
  await see({ ...running, afterUse: [unused] });
  expect(card('web').getByText(text)).toBeTruthy();
  expect(screen.getAllByRole('status').some(({ textContent }) => textContent.includes(`web: ${text}`))).toBe(true);
  await user.click(press('Ask about web in an hour'));
  await user.click(press('Leave web running'));
  await user.click(press('Deallocate web'));
  expect(asked(engine)).toEqual([
    { ask: 'keepRunning', unused: which, keep: 'later' },
    { ask: 'keepRunning', unused: which, keep: 'running' },
    { ask: 'deallocateUnused', unused: which },
  ]);
  await see(running);
  expect(screen.queryByText(text)).toBeNull();
});

test('a VM that Ajar has started says for how many hours it runs, and no other does', async () => {
  await open(running);
  expect(screen.getAllByText(/started by Ajar/).map(({ textContent }) => textContent)).toEqual([
    expect.stringContaining('started by Ajar 3 hours ago'),
  ]);
});

test('how it stands with its renewal is told in the row of a window', async () => {
  const told = 'Renewed by itself while you are connected, until 18:00 at most.';
  const renewal = { renews: true, at: null, since: startedAt, times: 0, text: told };
  await open(snapshot({ favourites: [web], windows: [accessWindow('web', NOW, 10, 60, { renewal })] }));
  expect(screen.getByText(told)).toBeTruthy();
});
