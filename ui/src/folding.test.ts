import { screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';

import { attempt, failure, favourite, snapshot, vmId } from './fixtures/build';
import { asked, beNow, card, NOW, open, press } from './fixtures/signing';

beNow();

const filed = (name: string, folder?: string) =>
  favourite(name, folder === undefined ? {} : { profile: { vm: vmId(name), folder } });
const inFolders = snapshot({
  favourites: [filed('api', 'Team/Prod'), filed('web'), filed('lab', 'Team'), filed('db', 'Team/Prod')],
});

const rows = () => screen.getAllByRole('row').map((row) => row.querySelector('.name')?.textContent.trim());

test('favourites stand below the names of their folders, which fold them away', async () => {
  const { user } = await open(inFolders);
  expect(rows()).toEqual(['web', 'lab', 'api', 'db']);
  expect(screen.getAllByRole('heading', { level: 3 }).map(({ textContent }) => textContent.trim())).toEqual(['Team', 'Team/Prod']);
  await user.click(press('Team/Prod'));
  expect([rows(), press('Team/Prod 2').getAttribute('aria-expanded')]).toEqual([['web', 'lab'], 'false']);
  await user.click(press('Team'));
  expect([rows(), press('Team 3').getAttribute('aria-expanded')]).toEqual([['web'], 'false']);
  expect(screen.queryByRole('button', { name: /Prod/ })).toBeNull();
  await user.keyboard('db');
  expect(rows()).toEqual(['db']);
});

test('a folder controls what lies in it, also where another is called alike', async () => {
  await open(snapshot({ favourites: ['a b', 'a_b', 'Ä', 'Ö'].map((folder, at) => filed(`vm-${at}`, folder)) }));
  const controlled = (folder: string) => document.getElementById(press(folder).getAttribute('aria-controls') ?? '');
  const labels = ['a b', 'a_b', 'Ä', 'Ö'].map((folder) => controlled(folder)?.getAttribute('aria-label'));
  expect(labels).toEqual(['a b', 'a_b', 'Ä', 'Ö']);
});

test('arrows pass by what is folded away', async () => {
  const { user } = await open(inFolders);
  await user.click(press('Team'));
  await user.keyboard('{ArrowDown}{ArrowDown}{ArrowDown}');
  expect(document.activeElement?.querySelector('.name')?.textContent.trim()).toBe('web');
});

test('a favourite is moved among those of its folder by Alt and an arrow, and in its menu', async () => {
  const { engine, user } = await open(inFolders);
  await user.keyboard('{ArrowDown}{ArrowDown}{ArrowDown}{Alt>}{ArrowDown}{/Alt}');
  expect(asked(engine)).toEqual([{ ask: 'move', name: 'api' }]);
  await user.keyboard('{ArrowDown}{Alt>}{ArrowDown}{/Alt}');
  expect(asked(engine)).toHaveLength(1);
  await user.keyboard('{Shift>}{F10}{/Shift}');
  expect(screen.queryByText('Move down')).toBeNull();
  await user.click(await screen.findByText('Move up'));
  expect(asked(engine)[1]).toEqual({ ask: 'move', name: 'db', before: 'api' });
});

test('who has to say why is asked in the row, with what the settings propose', async () => {
  const wanting = failure('reasonWanted', { title: 'web wants a reason.', choices: ['Deploy'] });
  const failed = attempt(1, 'web', NOW, { outcome: { kind: 'failed', ...wanting } });
  const { engine, user } = await open({ ...inFolders, attempts: [failed] });
  const reason = card('web').getByLabelText('Reason');
  expect(reason).toHaveProperty('value', 'Deploy');
  await user.clear(reason);
  expect(card('web').getByRole('button', { name: /Connect/ })).toHaveProperty('disabled', true);
  await user.type(reason, 'Ticket 7{Enter}');
  expect(asked(engine)).toEqual([{ ask: 'connect', name: 'web', launch: true, reason: 'Ticket 7' }]);
});

test('the form shows what is inherited where nothing is typed, and asks anew when the folder changes', async () => {
  const { engine, user } = await open(inFolders);
  engine.inherited = [
    { field: 'user', text: 'azureuser, from Team' },
    { field: 'for', text: '1 hour, from the defaults' },
  ];
  await user.keyboard('{ArrowDown}{F2}');
  expect(await screen.findByPlaceholderText('azureuser, from Team')).toBeTruthy();
  expect(screen.getByRole('option', { name: '1 hour, from the defaults' })).toHaveProperty('selected', true);
  await user.type(screen.getByLabelText('Folder'), 'X');
  expect(engine.inheriting.at(-1)).toMatchObject({ ask: 'inherited', folder: 'X', said: {} });
  await user.click(press('Save'));
  expect(asked(engine)).toMatchObject([{ ask: 'edit', name: 'web', before: { vm: vmId('web') }, profile: { vm: vmId('web'), folder: 'X' } }]);
});
