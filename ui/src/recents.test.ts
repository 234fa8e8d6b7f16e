import { screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';

import { window } from './fixtures/build';
import { asked, open, press, region } from './fixtures/signing';
import { recents } from './fixtures/snapshots';

test('what was opened lately and is no favourite is opened again by a click and by the keyboard', async () => {
  const { engine, user } = await open(recents(0));
  const rows = region('Opened lately').getAllByRole('row');
  expect(rows.map((row) => row.textContent?.includes('rg-lab · opened 11:05'))).toEqual([true, true]);
  await user.click(press('Connect to lab-07'));
  await user.keyboard('{End}{Enter}');
  const [lab, win] = recents(0).recents.map(({ opens }) => opens);
  expect(asked(engine)).toEqual([
    { ask: 'connect', ...lab, launch: true },
    { ask: 'connect', ...win, launch: true },
  ]);
});

test('what was opened lately becomes a favourite by its star', async () => {
  const { engine, user } = await open(recents(0));
  await user.click(press('Make win-test a favourite'));
  expect(asked(engine)).toEqual([{ ask: 'add', ...recents(0).recents[1]?.opens }]);
});

test('what was opened lately is not told of where it is open, nor while something is searched for', async () => {
  const { user, see } = await open(recents(0));
  await see({ ...recents(0), windows: [window('lab-07', 0, 1, 50)] });
  expect(region('Opened lately').getAllByRole('row')).toHaveLength(1);
  await user.keyboard('web');
  expect(screen.queryByRole('region', { name: 'Opened lately' })).toBeNull();
});
