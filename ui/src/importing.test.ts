import { screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';

import { failure } from './fixtures/build';
import { asked, dialog, open, press, region } from './fixtures/signing';
import * as states from './fixtures/snapshots';

async function choosing() {
  const opened = await open(states.idle(0));
  opened.engine.import = states.importing;
  await opened.user.click(press('Settings'));
  await opened.user.click(region('Favourites').getByRole('button', { name: 'Import…' }));
  return opened;
}

const choice = (name: string) => dialog().getByRole<HTMLSelectElement>('combobox', { name: `What to do with ${name}` });

test('what taking files in would do is shown before anything is done', async () => {
  const { engine, user } = await choosing();
  expect(dialog().getByRole('status').textContent).toContain('team.toml: favourites of Ajar. 4 can be favourites.');
  expect(dialog().getByText('differs: start – → false')).toBeTruthy();
  expect(dialog().getByText(/web-01.account is left out/)).toBeTruthy();
  expect(dialog().getAllByRole('combobox').map((choice) => choice.getAttribute('aria-label'))).toEqual(['What to do with web-01', 'What to do with ops.jump']);
  await user.click(dialog().getByRole('button', { name: 'Cancel' }));
  expect([screen.queryByRole('dialog'), engine.taken, asked(engine)]).toEqual([null, [], []]);
});

test('it is taken in as somebody has chosen, and can be undone', async () => {
  const { engine, user } = await choosing();
  await user.selectOptions(choice('web-01'), 'Change mine');
  const undo = { ask: 'undoImport' as const, add: [], change: [] };
  engine.imported = { text: 'Added 1 favourite: cache. Changed 1 favourite: web-01.', added: ['cache'], changed: ['web-01'], undo };
  await user.click(dialog().getByRole('button', { name: 'Add 1, change 1' }));
  expect(engine.taken).toEqual([[{ name: 'web-01', choice: 'replace' }, { name: 'ops.jump', choice: 'skip' }]]);
  expect(screen.queryByRole('dialog')).toBe(null);
  expect(screen.getByText(/Changed 1 favourite: web-01/)).toBeTruthy();
  await user.click(press('Undo'));
  await waitFor(() => expect(asked(engine)).toEqual([undo]));
});

test('what was chosen for other files is not done to these', async () => {
  const { engine, user } = await choosing();
  await user.selectOptions(choice('web-01'), 'Change mine');
  await user.click(dialog().getByRole('checkbox', { name: /These are my own/ }));
  expect(choice('web-01').value).toBe('replace');
  const untouched = () => expect(choice('web-01').value).toBe('skip');
  await user.click(dialog().getByRole('button', { name: 'Other files…' }));
  await waitFor(untouched);
  await user.selectOptions(choice('web-01'), 'Change mine');
  engine.drop();
  await waitFor(untouched);
});

test('what has a team’s name is left or added as another, and never changed', async () => {
  const { engine, user } = await choosing();
  expect([...choice('ops.jump').options].map(({ text }) => text)).toEqual(['Leave it out', 'Add as another']);
  await user.selectOptions(choice('ops.jump'), 'Add as another');
  await user.click(dialog().getByRole('button', { name: 'Add 2' }));
  expect(engine.taken).toEqual([[{ name: 'web-01', choice: 'skip' }, { name: 'ops.jump', choice: 'rename' }]]);
});

test('two clicks take files in once', async () => {
  const { engine, user } = await choosing();
  await user.dblClick(dialog().getByRole('button', { name: 'Add 1' }));
  expect(engine.taken).toEqual([[{ name: 'web-01', choice: 'skip' }, { name: 'ops.jump', choice: 'skip' }]]);
});

test('files of one’s own are taken in with what is one’s own', async () => {
  const { engine, user } = await choosing();
  await user.click(dialog().getByRole('checkbox', { name: /These are my own/ }));
  expect(engine.looks).toEqual([false, true]);
  expect(dialog().queryByText(/left out/)).toBe(null);
  expect(dialog().getByRole<HTMLInputElement>('checkbox', { name: /These are my own/ }).checked).toBe(true);
});

test('files that are dropped are looked at, wherever somebody is', async () => {
  const { engine } = await open(states.idle(0));
  engine.import = states.importing;
  engine.drop();
  await waitFor(() => expect(dialog().getByText(/team.toml/)).toBeTruthy());
});

test('what cannot be read, or not be taken in, is told in place', async () => {
  const { engine, user } = await choosing();
  engine.imported = failure('favouriteExists', { title: 'There is a favourite called “cache” already.' });
  await user.click(dialog().getByRole('button', { name: 'Add 1' }));
  expect(dialog().getByRole('alert').textContent).toContain('called “cache” already');
  expect(dialog().getByText('differs: start – → false')).toBeTruthy();
  engine.import = failure('fileUnfit', { title: 'team.toml is no file of favourites.' });
  await user.click(dialog().getByRole('button', { name: 'Other files…' }));
  expect(dialog().getByText('team.toml is no file of favourites.')).toBeTruthy();
  expect(dialog().queryByRole('list')).toBe(null);
});

test('where no file is chosen nothing happens, and what was written is told', async () => {
  const { engine, user } = await open(states.idle(0));
  await user.click(press('Settings'));
  engine.chooses = false;
  await user.click(press('Import…'));
  expect([screen.queryByRole('dialog'), engine.looks]).toEqual([null, []]);
  await user.click(press('Export…'));
  expect(screen.queryByText(/^Wrote/)).toBe(null);
  engine.exported = 'Wrote 6 favourites to team.toml.';
  await user.click(press('Export…'));
  expect(screen.getByText('Wrote 6 favourites to team.toml.')).toBeTruthy();
});
