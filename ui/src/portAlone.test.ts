import { screen, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';

import { favourite, snapshot, vmId, window as openWindow } from './fixtures/build';
import { asked, open, press } from './fixtures/signing';
import { empty } from './fixtures/snapshots';

const vm = vmId('orders-db');
const profile = { vm, protocol: 'port' as const, port: 5432 };
const db = favourite('db', { vm, protocol: 'port', port: 5432, profile });
const rowOf = (name: string) =>
  within(screen.getAllByRole('row').find((row) => row.querySelector('.name')?.textContent.trim() === name) as HTMLElement);

test('a port alone is opened, not connected to', async () => {
  const { engine, user } = await open(snapshot({ favourites: [db] }));
  expect(rowOf('db').getByText('Port')).toBeTruthy();
  await user.click(press('Open the port of db'));
  expect(engine.requests.find(({ ask }) => ask === 'connect')).toMatchObject({ ask: 'connect', name: 'db' });
});

test('where it was reached stands beside what is open, to be copied', async () => {
  const at = { vm, protocol: 'port' as const, port: 5432, endpoint: { host: '203.0.113.50', port: 5432 } };
  const { engine, user } = await open(snapshot({ favourites: [db], windows: [openWindow('db', Date.now(), 5, 100, at)] }));
  expect(rowOf('db').getByText('Port 5432')).toBeTruthy();
  expect(rowOf('db').getByText('Reached at 203.0.113.50:5432')).toBeTruthy();
  await user.click(press('Copy 203.0.113.50:5432'));
  expect(engine.copied).toEqual(['203.0.113.50:5432']);
});

test('the form offers it, and says it with its port', async () => {
  const { engine, user } = await open(empty(0));
  await user.click(press('Add a VM'));
  await user.click(screen.getByLabelText('VM resource ID'));
  await user.paste(vm);
  await user.click(screen.getByRole('radio', { name: 'Port only' }));
  await user.click(press('Add'));
  expect(asked(engine)).toEqual([]);
  expect(screen.getByText('Say which port: nothing stands for one')).toBeTruthy();
  await user.type(screen.getByLabelText('Port'), '5432');
  await user.click(press('Add'));
  expect(asked(engine)).toEqual([{ ask: 'add', name: 'orders-db', profile }]);
});

test('a new favourite says what only its VM tells, and one that is there does not', async () => {
  const { engine, user } = await open(empty(0));
  engine.inherited = [{ field: 'protocol', text: 'RDP, from the VM: Windows' }];
  engine.says = 'rdp';
  await user.click(press('Add a VM'));
  await user.click(screen.getByLabelText('VM resource ID'));
  await user.paste(vm);
  expect(engine.inheriting.at(-1)).toMatchObject({ vm, isNew: true });
  expect(screen.getByRole<HTMLInputElement>('radio', { name: 'RDP' }).checked).toBe(true);
  await user.click(press('Add'));
  expect(asked(engine)).toEqual([{ ask: 'add', name: 'orders-db', profile: { vm, protocol: 'rdp' } }]);
});
