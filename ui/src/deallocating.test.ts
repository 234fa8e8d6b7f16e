import { screen, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';

import { deallocation, failure, favourite, snapshot, window as accessWindow } from './fixtures/build';
import { NOW, asked, beNow, card, dialog, open, press, region } from './fixtures/signing';

beNow();

const fleet = snapshot({
  favourites: [favourite('api'), favourite('web'), favourite('lab', { state: 'deallocating' })],
  windows: [
    accessWindow('api', NOW, 10, 60, { openedBy: 'bob@contoso.example' }),
    accessWindow('web', NOW, 10, 60, { openedBy: 'you', port: 8443 }),
  ],
});

const row = (name: string) => screen.getAllByRole('row').filter((one) => one.querySelector('.name')?.textContent.trim() === name).at(-1)!;

test('a VM is deallocated from its menu by the keyboard alone, and only after a yes that says what is lost', async () => {
  const { engine, user } = await open(fleet);
  row('api').focus();
  await user.keyboard('{Shift>}{F10}{/Shift}');
  await user.keyboard('d{Enter}');
  const said = dialog();
  expect(said.getByRole('heading').textContent).toBe('Deallocate api?');
  expect(said.getByText(/memory and temporary disk are lost/)).toBeTruthy();
  expect(said.getByText(/api is open until .* to somebody else: bob@contoso.example/)).toBeTruthy();
  await user.click(said.getByRole('button', { name: 'Leave running' }));
  expect(asked(engine)).toEqual([]);
  row('api').focus();
  await user.keyboard('{Shift>}{F10}{/Shift}');
  await user.keyboard('d{Enter}');
  await user.click(dialog().getByRole('button', { name: 'Deallocate' }));
  expect(asked(engine)).toEqual([{ ask: 'deallocate', name: 'api' }]);
});

test('what is selected is deallocated together, and nobody is warned of their own windows', async () => {
  const { engine, user } = await open(fleet);
  for (const name of ['api', 'web']) {
    row(name).focus();
    await user.keyboard(' ');
  }
  await user.click(press('Deallocate…'));
  expect(dialog().getByRole('heading').textContent).toBe('Deallocate 2 VMs?');
  expect(dialog().queryByText(/to somebody else: you/)).toBeNull();
  await user.click(dialog().getByRole('button', { name: 'Deallocate' }));
  expect(asked(engine)).toEqual([
    { ask: 'deallocate', name: 'api' },
    { ask: 'deallocate', name: 'web' },
  ]);
  expect(screen.queryByRole('group', { name: /selected/ })).toBeNull();
});

test('how long it takes is shown, what came of it is told, and both are announced', async () => {
  const { engine, user, see } = await open(fleet);
  await see({ ...fleet, deallocations: [deallocation(7, 'lab', NOW - 12_000)] });
  expect(region('Deallocating').getByText('12 s')).toBeTruthy();
  expect(within(row('lab')).queryByRole('button', { name: 'Connect to lab' })).toBeNull();
  expect(screen.getAllByRole('status').some(({ textContent }) => textContent.includes('lab: deallocating'))).toBe(true);
  const text = 'is deallocated: its compute is not billed any more, its disks are.';
  await see({
    ...fleet,
    deallocations: [
      deallocation(7, 'lab', NOW, { outcome: { kind: 'deallocated', already: false, text, windowUntil: null, elapsedMs: 40_000 } }),
      deallocation(8, 'web', NOW, { outcome: { kind: 'failed', ...failure('accessDenied', { title: 'Your account may not deallocate web.' }) } }),
    ],
  });
  expect(screen.getByText((_, element) => element?.tagName === 'P' && element.textContent.trim() === `lab ${text}`)).toBeTruthy();
  expect(card('web').getByText('Your account may not deallocate web.')).toBeTruthy();
  await user.click(press('Dismiss web'));
  expect(asked(engine)).toEqual([{ ask: 'dismiss', name: 'web' }]);
});
