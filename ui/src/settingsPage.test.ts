import { screen, within } from '@testing-library/svelte';
import { describe, expect, test } from 'vitest';

import type { Reply } from './bindings/Reply';
import { failure, settings } from './fixtures/build';
import { asked, dialog, open, press, region } from './fixtures/signing';
import * as states from './fixtures/snapshots';
import { allFolders, saidInWords } from './profile';

/** The page with something set of everything. */
async function looking(state: states.State = states.set) {
  const opened = await open(state(0));
  await opened.user.click(press('Settings'));
  return opened;
}

describe('the settings', () => {
  test('are reached from the footer and by the keyboard, and left by Esc, the search and the back button', async () => {
    const { engine, user } = await open(states.idle(0));
    const shown = () => screen.queryByRole('heading', { name: 'Settings' }) !== null;
    await user.click(press('Settings'));
    expect([shown(), document.activeElement?.textContent]).toEqual([true, 'Settings']);
    await user.keyboard('{Escape}');
    expect([shown(), engine.closed]).toEqual([false, 0]);
    await user.keyboard('{Control>},{/Control}');
    expect(shown()).toBe(true);
    await user.click(press('Back'));
    expect(shown()).toBe(false);
    await user.keyboard('{Control>},{/Control}');
    await user.keyboard('web');
    expect(shown()).toBe(false);
  });

  test('tell where they are, and what is set of everything', async () => {
    const { engine, user } = await looking();
    expect(screen.getByText('/home/anna/.config/ajar/config.toml')).toBeTruthy();
    await user.click(press('Open the file'));
    await user.click(press('Copy the path'));
    expect([engine.files, engine.copied]).toEqual([1, ['/home/anna/.config/ajar/config.toml']]);
    const value = (name: string) => screen.getByLabelText<HTMLInputElement>(name).value;
    expect(value('SSH')).toBe('/usr/local/bin/ssh');
    expect(value('Terminal')).toBe('xterm\n-e');
    expect(value('Before access ends')).toBe('30, 5');
    expect(value('Application (client) ID')).toBe('6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01');
    expect(screen.getByRole<HTMLSelectElement>('combobox', { name: /^Cloud/ }).value).toBe('usgov');
    expect(region('Networks').getByText('203.0.113.7')).toBeTruthy();
    expect(region('Clouds of your own').getByText(/login\.own\.example/)).toBeTruthy();
    const inherits = region('What favourites inherit');
    expect(inherits.getByText('User: azureuser · Access for: 2h')).toBeTruthy();
    expect(inherits.getByText('Start the VM where it rests: no · Ask for a reason each time: yes')).toBeTruthy();
    expect(inherits.getAllByRole('button').map((button) => button.getAttribute('aria-label'))).toEqual(
      ['All favourites', 'Team/Prod', 'Team', 'Attic'].map((whom) => `Edit what is inherited by ${whom}`),
    );
  });

  test('are kept one by one when somebody leaves the field or presses Enter, and can be undone', async () => {
    const { engine, user } = await looking();
    const ssh = screen.getByLabelText('SSH');
    await user.clear(ssh);
    await user.type(ssh, ' my-ssh {Enter}');
    await user.type(screen.getByLabelText('Browser for signing in'), 'firefox{Enter}--private-window');
    await user.tab();
    expect(asked(engine)).toEqual([
      { ask: 'set', setting: { key: 'ssh', value: 'my-ssh' } },
      { ask: 'set', setting: { key: 'browser', value: ['firefox', '--private-window'] } },
    ]);
    await user.click(press('Undo'));
    const after = { key: 'browser', value: ['firefox', '--private-window'] };
    const done = { what: 'setting', before: { key: 'browser', value: null }, after };
    expect(asked(engine).at(-1)).toEqual({ ask: 'undo', done });
    await user.clear(screen.getByLabelText('Terminal'));
    await user.tab();
    expect(asked(engine).at(-1)).toEqual({ ask: 'set', setting: { key: 'terminal', value: null } });
    await user.clear(screen.getByLabelText('Application (client) ID'));
    await user.tab();
    expect(asked(engine).at(-1)).toEqual({ ask: 'setClientId', clientId: null });
    await user.selectOptions(screen.getByRole('combobox', { name: /^Cloud/ }), 'own');
    expect(asked(engine).at(-1)).toEqual({ ask: 'set', setting: { key: 'cloud', value: 'own' } });
  });

  test('have minutes before the end, or never, and say what is none of these', async () => {
    const { engine, user } = await looking();
    const field = screen.getByLabelText('Before access ends');
    const type = async (text: string) => {
      await user.clear(field);
      await user.type(field, text);
      await user.tab();
    };
    await type('10 2');
    await type('never');
    await type('soon');
    expect(await screen.findByText(/Up to five numbers of minutes/)).toBeTruthy();
    expect(asked(engine)).toEqual([
      { ask: 'set', setting: { key: 'beforeEnd', value: [10, 2] } },
      { ask: 'set', setting: { key: 'beforeEnd', value: [] } },
    ]);
  });

  test('say what is done when the address changes, and the usual takes the line out', async () => {
    const { engine, user } = await looking();
    const choice = screen.getByRole<HTMLSelectElement>('combobox', { name: /^When your address changes/ });
    expect(choice.value).toBe('ask');
    await user.selectOptions(choice, 'request');
    await user.selectOptions(choice, 'ask');
    expect(asked(engine)).toEqual([
      { ask: 'set', setting: { key: 'onNewAddress', value: 'request' } },
      { ask: 'set', setting: { key: 'onNewAddress', value: null } },
    ]);
  });

  test('that were left as they were are not written', async () => {
    const { engine, user } = await looking();
    await user.type(screen.getByLabelText('SSH'), ' ');
    await user.tab();
    expect(asked(engine)).toEqual([]);
  });

  test('that others change meanwhile are shown at once', async () => {
    const { see } = await looking();
    await see({ ...states.set(0), settings: settings({ clients: { ssh: 'theirs' } }) });
    expect(screen.getByLabelText('SSH')).toHaveProperty('value', 'theirs');
    expect(region('Networks').queryByText('203.0.113.7')).toBeNull();
  });

  test('that are refused say so beside the field', async () => {
    const { engine, user } = await looking();
    engine.reply = { answer: 'refused', failure: failure('clientIdUnfit', { title: 'This is no application’s ID.' }) };
    const field = screen.getByLabelText('Application (client) ID');
    await user.type(field, 'x');
    await user.tab();
    expect((await screen.findByText(/This is no application’s ID\./)).id).toBe(field.getAttribute('aria-describedby'));
    expect(field).toHaveProperty('value', '6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01x');
  });

  test('have networks added and removed, if they can be ones', async () => {
    const { engine, user } = await looking();
    const networks = region('Networks');
    await user.type(networks.getByLabelText('Name'), '2nd');
    await user.type(networks.getByLabelText('Address'), '10.0.0.0/8');
    await user.click(press('Add network'));
    expect(networks.getAllByRole('textbox').map((field) => field.getAttribute('aria-invalid'))).toEqual(['true', 'true']);
    expect(asked(engine)).toEqual([]);
    await user.clear(networks.getByLabelText('Name'));
    await user.type(networks.getByLabelText('Name'), 'home');
    await user.clear(networks.getByLabelText('Address'));
    await user.type(networks.getByLabelText('Address'), '198.51.100.9{Enter}');
    expect(networks.getByLabelText('Name')).toHaveProperty('value', '');
    const inUse: Reply = { answer: 'refused', failure: failure('networkInUse', { title: 'The network “office” is still in use.' }) };
    engine.reply = inUse;
    await user.click(press('Remove the network office'));
    expect((await networks.findByRole('alert')).textContent).toContain('still in use');
    expect(asked(engine)).toEqual([
      { ask: 'set', setting: { key: 'network', value: { name: 'home', address: '198.51.100.9' } } },
      { ask: 'set', setting: { key: 'network', value: { name: 'office', address: null } } },
    ]);
  });

  test('have what favourites inherit changed in a form like theirs, with what holds above', async () => {
    const { engine, user } = await looking();
    engine.inherited = [{ field: 'user', text: 'azureuser, from the defaults' }];
    await user.click(press('Edit what is inherited by Team/Prod'));
    const user_ = dialog().getByLabelText('User');
    expect(await dialog().findByPlaceholderText('azureuser, from the defaults')).toBe(user_);
    expect(engine.inheriting.at(-1)).toEqual({ ask: 'inherited', folder: 'Team', said: { start: false, ask_justification: true } });
    expect(dialog().queryByLabelText('Name')).toBeNull();
    await user.type(user_, 'ada');
    await user.type(dialog().getByLabelText('Port'), '70000');
    await user.click(press('Save'));
    expect(asked(engine)).toEqual([]);
    await user.clear(dialog().getByLabelText('Port'));
    await user.click(press('Save'));
    const said = { user: 'ada', start: false, ask_justification: true };
    const before = { start: false, ask_justification: true };
    expect(asked(engine)).toEqual([{ ask: 'editDefaults', folder: 'Team/Prod', before, said }]);
    await user.click(press('Undo'));
    const done = { what: 'defaults', folder: 'Team/Prod', before, after: said };
    expect(asked(engine).at(-1)).toEqual({ ask: 'undo', done });
    await user.click(press('Edit what is inherited by All favourites'));
    expect(engine.inheriting.at(-1)).toEqual({ ask: 'inherited', said: { user: 'azureuser', for: '2h' }, ofAll: true });
  });

  test.each([
    ['cannot be read', states.settings, 'One line of the settings cannot be read.'],
    ['a later Ajar wrote', states.newer, 'The configuration is a newer Ajar’s.'],
  ] as const)('that %s are told of, and not changed', async (_what, state, title) => {
    const { engine, user } = await looking(state);
    expect(within(screen.getByRole('alert')).getByText(title)).toBeTruthy();
    const fields = [...screen.getAllByRole('textbox'), press('Edit what is inherited by All favourites'), press('Add network')];
    expect(fields.every((field) => (field as HTMLInputElement).disabled)).toBe(true);
    await user.click(press('Open the file'));
    expect(engine.files).toBe(1);
  });
});

test('folders are those that something lies in, those around them, and those that hand something down', () => {
  expect(allFolders(states.set(0))).toEqual(['Team/Prod', 'Team', 'Attic']);
});

test('what is said is told in one line', () => {
  expect(saidInWords({ port: 2222, start: false, client_arguments: ['-A', '-X'], user: null })).toBe(
    'Port: 2222 · Start the VM where it rests: no · Arguments of the program: -A -X',
  );
});
