import { screen, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';

import { failure } from './fixtures/build';
import { asked, open, press, region } from './fixtures/signing';
import * as states from './fixtures/snapshots';

const rowOf = (name: string) => document.getElementById(`row-favourite_${name}`) as HTMLElement;
const menuOf = async (user: Awaited<ReturnType<typeof open>>['user'], name: string) => {
  await user.click(within(rowOf(name)).getByRole('button', { name: `More for ${name}` }));
  await screen.findByText('Connect', { selector: '[role=menuitem]' });
  const items = [...document.querySelectorAll<HTMLElement>('[role=menuitem]')];
  return items.map((item) => item.firstChild?.textContent?.trim());
};

test('a team’s favourites lie in its folder, which tells that it could not be read', async () => {
  await open(states.teams(0));
  const headings = screen.getAllByRole('heading', { level: 3 }).map((heading) => heading.textContent.trim());
  expect(headings.map((text) => text.replace(/\s+/g, ' '))).toEqual(['ops team', 'ops/Prod', 'away team']);
  expect(screen.getAllByText(/could not be read/).map((chip) => chip.getAttribute('title'))).toEqual([
    expect.stringContaining('does not answer'),
  ]);
});

test('a team’s favourite is copied, and neither edited, moved nor removed', async () => {
  const { engine, user } = await open(states.teams(0));
  const items = await menuOf(user, 'ops.db-01');
  expect(items).toContain('Copy to my favourites');
  for (const missing of ['Edit', 'Remove', 'Move up', 'Move down']) expect(items).not.toContain(missing);
  await user.click(screen.getByText('Copy to my favourites', { selector: '[role=menuitem]' }));
  expect(asked(engine)).toEqual([{ ask: 'copyOfTeam', name: 'ops.db-01', called: 'db-01' }]);
  await user.click(press('Undo'));
  expect(asked(engine).at(-1)).toEqual({ ask: 'remove', name: 'db-01' });
});

test('a copy is called as the team calls it, or by a name that is free', async () => {
  const { engine, user } = await open(states.teams(0));
  await menuOf(user, 'ops.web-01');
  await user.click(screen.getByText('Copy to my favourites', { selector: '[role=menuitem]' }));
  expect(asked(engine)).toEqual([{ ask: 'copyOfTeam', name: 'ops.web-01', called: 'web-01-2' }]);
});

test('the keys for editing and moving tell whose it is, and move nothing', async () => {
  const { engine, user } = await open(states.teams(0));
  rowOf('ops.db-01').focus();
  await user.keyboard('{Alt>}{ArrowUp}{ArrowDown}{/Alt}');
  await user.keyboard('{F2}');
  expect(screen.getByText(/ops.db-01 is a favourite of the team ops/)).toBeTruthy();
  expect(screen.queryByRole('dialog')).toBe(null);
  expect(asked(engine)).toEqual([]);
  await user.click(press('Copy to my favourites'));
  expect(asked(engine)).toEqual([{ ask: 'copyOfTeam', name: 'ops.db-01', called: 'db-01' }]);
});

test('one’s own in a team’s folder is moved among one’s own alone', async () => {
  const { user } = await open(states.teams(0));
  const items = await menuOf(user, 'mine');
  expect(items).toContain('Edit');
  expect(items).not.toContain('Move down');
});

test('the settings show the teams, add them and take them away', async () => {
  const { engine, user } = await open(states.teams(0));
  await user.click(press('Settings'));
  const teams = region('Teams');
  expect(teams.getByText('3 favourites · read at 15:00')).toBeTruthy();
  expect(teams.getByRole('status').textContent).toContain('it does not answer');
  expect(teams.getByText(/password is left out/)).toBeTruthy();
  await user.click(teams.getByRole('button', { name: 'Add team' }));
  expect([teams.getByText(/at most 32/), teams.getByText(/begins with https/)].length).toBe(2);
  expect(asked(engine)).toEqual([]);
  await user.type(teams.getByLabelText('Name'), 'OPS');
  expect(teams.getByText(/There is a team of that name/)).toBeTruthy();
  await user.clear(teams.getByLabelText('Name'));
  await user.type(teams.getByLabelText('Name'), 'dev');
  await user.type(teams.getByLabelText('Path or address'), 'http://x.example/t');
  await user.click(teams.getByRole('button', { name: 'Add team' }));
  expect(teams.getByText(/begins with https/)).toBeTruthy();
  await user.clear(teams.getByLabelText('Path or address'));
  await user.type(teams.getByLabelText('Path or address'), 'https://x.example/t?sig=1');
  engine.reply = { answer: 'refused', failure: failure('settings', { title: 'The settings cannot be written' }) };
  await user.click(teams.getByRole('button', { name: 'Add team' }));
  expect(teams.getByRole('alert').textContent).toContain('The settings cannot be written');
  engine.reply = { answer: 'done' };
  await user.click(teams.getByRole('button', { name: 'Add team' }));
  expect(asked(engine).at(-1)).toEqual({ ask: 'set', setting: { key: 'team', value: { name: 'dev', from: 'https://x.example/t?sig=1' } } });
  expect(teams.getByLabelText<HTMLInputElement>('Name').value).toBe('');

  await user.click(teams.getByRole('button', { name: 'Remove the team away' }));
  expect(asked(engine).at(-1)).toEqual({ ask: 'set', setting: { key: 'team', value: { name: 'away', from: null } } });
  await user.click(press('Undo'));
  expect(asked(engine).at(-1)).toEqual({ ask: 'bringTeamBack', name: 'away' });
});
