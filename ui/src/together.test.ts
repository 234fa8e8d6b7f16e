import { screen, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';

import { favourite, snapshot, vmId } from './fixtures/build';
import { asked, beNow, open, press } from './fixtures/signing';

beNow();

const filed = (name: string, folder?: string, state: 'closed' | 'open' = 'closed') =>
  favourite(name, { state, profile: { vm: vmId(name), ...(folder === undefined ? {} : { folder }) } });
const fleet = snapshot({ favourites: [filed('api', 'Team/Prod', 'open'), filed('web'), filed('lab', 'Team')] });

const row = (name: string) => screen.getAllByRole('row').find((candidate) => candidate.querySelector('.name')?.textContent.trim() === name)!;
const bar = () => screen.queryByRole('group', { name: /selected/ });
/** What is asked, but for the number that tells it from others. */
const askedTogether = (requests: ReturnType<typeof asked>) =>
  requests.map((request) => ('together' in request ? { ...request, together: request.together?.many } : request));

test('favourites are picked by Space, by Ctrl and a click and in their menus, and opened by one press', async () => {
  const { engine, user } = await open(fleet);
  await user.keyboard('{ArrowDown} ');
  expect(within(row('web')).getByRole('img', { name: 'Selected' })).toBeTruthy();
  await user.keyboard('{Control>}');
  await user.click(row('lab'));
  await user.keyboard('{/Control}');
  expect(within(bar()!).queryByRole('button', { name: 'Extend' })).toBeNull();
  await user.click(within(bar()!).getByRole('button', { name: 'Connect' }));
  expect(askedTogether(asked(engine))).toEqual([
    { ask: 'connect', name: 'web', launch: true, together: 2 },
    { ask: 'connect', name: 'lab', launch: true, together: 2 },
  ]);
  expect(bar()).toBeNull();
});

test('Enter opens all that are picked, and not the one alone that has the focus', async () => {
  const { engine, user } = await open(fleet);
  await user.keyboard('{ArrowDown} ');
  await user.keyboard('{Control>}');
  await user.click(row('lab'));
  await user.keyboard('{/Control}{Enter}');
  expect(asked(engine).map((request) => 'name' in request && request.name)).toEqual(['web', 'lab']);
});

test('Esc lets go of what is picked before it closes the window, and another Space does, too', async () => {
  const { engine, user } = await open(fleet);
  await user.keyboard('{ArrowDown} ');
  expect(bar()?.textContent).toContain('1 selected');
  await user.keyboard('{Escape}');
  expect([bar(), engine.closed]).toEqual([null, 0]);
  await user.keyboard('  ');
  expect(bar()).toBeNull();
});

test('a folder is opened with the folders in it, and what of it is open gets more time', async () => {
  const { engine, user } = await open(fleet);
  await user.click(press('Connect all of Team'));
  await user.click(press('Extend all of Team'));
  expect(askedTogether(asked(engine))).toEqual([
    { ask: 'connect', name: 'lab', launch: true, together: 2 },
    { ask: 'connect', name: 'api', launch: true, together: 2 },
    { ask: 'connect', name: 'api', launch: false, extends: true, together: 1 },
  ]);
});
