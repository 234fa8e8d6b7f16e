import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { tick } from 'svelte';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import App from './App.svelte';
import type { FoundVm } from './bindings/FoundVm';
import type { Snapshot } from './bindings/Snapshot';
import { RecordingEngine } from './engine.recording';
import { attempt, failure, favourite, found, snapshot, vmId, window } from './fixtures/build';
import * as states from './fixtures/snapshots';

async function open(first: Snapshot) {
  const engine = new RecordingEngine(first);
  const user = userEvent.setup();
  render(App, { engine });
  await tick();
  return { engine, user };
}

const NOW = Date.parse('2026-11-22T15:00:00Z');
beforeAll(() => void vi.useFakeTimers({ now: NOW, toFake: ['Date'] }));
afterAll(() => void vi.useRealTimers());

const card = (name: string) => within(screen.getByRole('article', { name }));
const press = (where: ReturnType<typeof card> | typeof screen, name: string) => where.getByRole('button', { name });
const selectedRow = () => screen.queryByRole('row', { selected: true });

describe('an attempt under way', () => {
  test('shows each step with what was found and how long it took', async () => {
    await open(states.connecting(NOW));
    const steps = card('web-01')
      .getAllByRole('listitem')
      .map(({ textContent }) => textContent);
    expect(steps[0]).toMatch(/Your address.*\(done\).*203\.0\.113\.7, three sources agree.*0\.3 s/s);
    expect(steps[4]).toMatch(/Starting the VM.*\(under way\).*was deallocated.*36 s/s);
    expect(steps[5]).toMatch(/Waiting until SSH answers.*\(waiting\)/s);
    expect(card('web-01').getByRole('progressbar').getAttribute('aria-valuenow')).toBe('4');
  });

  test('is cancelled by its button', async () => {
    const { engine, user } = await open(states.connecting(NOW));
    await user.click(press(card('web-01'), 'Cancel web-01'));
    expect(engine.requests).toEqual([{ ask: 'cancel', name: 'web-01' }]);
  });
});

describe('a failure', () => {
  test('with addresses to choose from sends the chosen one', async () => {
    const { engine, user } = await open(states.failures(NOW));
    await user.click(press(card('db-replica-3'), 'Connect to db-replica-3 from 203.0.113.7'));
    expect(engine.requests).toEqual([{ ask: 'connect', name: 'db-replica-3', launch: true, source: '203.0.113.7' }]);
  });

  test('is tried again and dismissed, and its details are copied', async () => {
    const { engine, user } = await open(states.failures(NOW));
    const denied = card('finance-app');
    await user.click(press(denied, 'Details of finance-app'));
    await user.click(press(denied, 'Copy the details of finance-app'));
    await user.click(press(denied, 'Try again to open finance-app'));
    await user.click(press(denied, 'Dismiss finance-app'));
    expect(engine.copied).toEqual([states.accessDenied.details]);
    expect(engine.requests).toEqual([
      { ask: 'connect', name: 'finance-app', launch: true },
      { ask: 'dismiss', name: 'finance-app' },
    ]);
  });
});

describe('every control', () => {
  const { idle, connecting, ending, failures, empty, settings, long, first, signInBrowser, signInCode, wanting } = states;
  const all: Record<string, states.State> = { idle, connecting, ending, failures, empty, settings, long };
  Object.assign(all, { first, signInBrowser, signInCode, wanting, moved: states.moved });

  test.each(Object.keys(all))('has a name of its own and says whose it is: %s', async (state) => {
    await open((all[state] as states.State)(NOW));
    const names = screen.getAllByRole('button').map((button) => button.getAttribute('aria-label') ?? button.textContent.trim());
    // A favourite that is open has a row among the open windows, too: both connect to it.
    const rows = names.filter((name) => !/^Connect to \S+$/.test(name));
    expect(rows).toEqual([...new Set(rows)]);
    for (const card of [...screen.queryAllByRole('row'), ...screen.queryAllByRole('article')]) {
      const whose = card.querySelector('.name')?.textContent.trim() ?? '';
      expect(whose).not.toBe('');
      for (const button of within(card).queryAllByRole('button', { hidden: true })) {
        expect(button.getAttribute('aria-label')).toContain(whose);
        // Who says what is written on a button means that button (WCAG 2.5.3).
        expect(button.getAttribute('aria-label')).toContain(button.textContent.trim());
      }
    }
  }, 60_000);

  test.each(Object.keys(all))('is as the rules of accessibility say: %s', async (state) => {
    await open((all[state] as states.State)(NOW));
    // What is to be seen is judged in the real window.
    const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false }, region: { enabled: false } } });
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  }, 60_000);
});

describe('the keyboard', () => {
  test('finds by typing, and Enter connects the best finding', async () => {
    const { engine, user } = await open(states.idle(NOW));
    await user.keyboard('gpu{Enter}');
    expect(screen.getByRole('combobox')).toHaveProperty('value', 'gpu');
    expect(engine.requests).toEqual([{ ask: 'connect', name: 'gpu-lab', launch: true }]);
  });

  test('asks for more time on Ctrl+E, and by a button near the end', async () => {
    const { engine, user } = await open(states.ending(NOW));
    const [row] = screen.getAllByRole('row').filter((row) => within(row).queryByRole('button', { name: /^Extend / }));
    const extend = within(row as HTMLElement).getByRole('button', { name: /^Extend / });
    const name = extend.getAttribute('aria-label')?.slice('Extend '.length);
    await user.click(extend);
    await user.keyboard('{Control>}e{/Control}');
    const wish = { ask: 'connect', name, launch: false, extends: true };
    expect(engine.requests).toEqual([wish, wish]);
  });

  test('goes through open windows and favourites by arrows', async () => {
    const { engine, user } = await open(states.idle(NOW));
    await user.keyboard('{ArrowDown}{ArrowDown}');
    expect(selectedRow()?.textContent).toContain('web-01');
    expect(document.activeElement).toBe(selectedRow());
    await user.keyboard('{ArrowUp}{Enter}');
    expect(engine.requests).toEqual([{ ask: 'connect', name: 'build-win-02', launch: true }]);
  });

  test('reaches no window that is still being opened, but the first row that is shown', async () => {
    const granted = { windows: [window('web-01', NOW, 1, 59)], attempts: [attempt(1, 'web-01', NOW)] };
    const { engine, user } = await open(snapshot({ ...granted, favourites: [favourite('jump-eu')] }));
    expect(screen.getByRole('row').getAttribute('tabindex')).toBe('0');
    await user.keyboard('{ArrowDown}');
    expect(document.activeElement).toBe(selectedRow());
    await user.keyboard('{Enter}');
    expect(engine.requests).toEqual([{ ask: 'connect', name: 'jump-eu', launch: true }]);
  });

  test('stays in the search field while arrows choose among the findings', async () => {
    const { engine, user } = await open(states.idle(NOW));
    await user.keyboard('fin{ArrowDown}');
    expect(document.activeElement).toBe(screen.getByRole('combobox'));
    expect(screen.getByRole('combobox').getAttribute('aria-activedescendant')).toBe(selectedRow()?.id);
    await user.keyboard('{Enter}');
    expect(engine.requests).toEqual([{ ask: 'connect', name: 'finops-etl', launch: true }]);
  });

  test('clears the search on Esc and closes the window on the next', async () => {
    const { engine, user } = await open(states.idle(NOW));
    await user.keyboard('zzz');
    expect(await screen.findByText('No favourite and no VM matches “zzz”.')).toBeTruthy();
    await user.keyboard('{Escape}');
    expect([screen.getByRole('combobox')].map((field) => (field as HTMLInputElement).value)).toEqual(['']);
    expect(engine.closed).toBe(0);
    await user.keyboard('{Escape}');
    expect(engine.closed).toBe(1);
  });

  test('leaves Enter on a button to the button', async () => {
    const { engine, user } = await open(states.connecting(NOW));
    press(card('web-01'), 'Cancel web-01').focus();
    await user.keyboard('{Enter}');
    expect(engine.requests).toEqual([{ ask: 'cancel', name: 'web-01' }]);
  });
});

describe('all VMs', () => {
  const inventory = { count: 3, readAt: new Date(NOW - 120_000).toISOString(), reading: false, gaps: [] };
  const two = snapshot({ favourites: [favourite('web-01'), favourite('jump-eu')], inventory });
  const vms = ['db-01', 'db-02'].map((name) => found(name));

  test('are read when the window is shown, and when the engine asks for another look', async () => {
    const { engine, user } = await open(snapshot({ ...two, accounts: states.accounts(NOW).accounts }));
    expect(engine.lookups).toEqual([{ ask: 'readInventory', anew: false }]);
    await user.click(screen.getByRole('button', { name: 'Look for open windows and VMs again' }));
    expect(engine.lookups.slice(1)).toEqual([{ ask: 'readInventory', anew: true }]);
  });

  test('are searched as one types, and Enter opens the one that fits best without making it a favourite', async () => {
    const { engine, user } = await open(two);
    engine.vms = { vms, total: 2, favourites: [] };
    await user.keyboard('db');
    expect(engine.lookups.at(-1)).toEqual({ ask: 'findVms', query: 'db', apart: true, skip: 0, limit: 100 });
    expect(await screen.findByRole('heading', { name: '2 of 3 VMs' })).toBeTruthy();
    await waitFor(() => expect(selectedRow()?.textContent).toContain('db-01'));
    await user.keyboard('{Enter}');
    expect(engine.requests).toEqual([{ ask: 'connect', name: 'db-01', profile: { vm: vmId('db-01'), for: '3h' }, launch: true }]);
  });

  test('show the address that they are found by, and until when they are open', async () => {
    const { engine, user } = await open({ ...two, windows: [window('db-02', NOW, 30, 30, { cloud: 'sim' })] });
    const addresses = (vm: FoundVm, address: string) => ({ ...vm, vm: { ...vm.vm, privateAddresses: [address] } });
    engine.vms = { vms: [addresses(vms[0]!, '10.1.0.7'), addresses(vms[1]!, '10.2.0.7')], total: 2, favourites: [] };
    await user.keyboard('10.1.0');
    await waitFor(() => expect(selectedRow()?.textContent).toContain('10.1.0.7'));
    const other = screen.getAllByRole('row').find((row) => row.textContent.includes('db-02'))?.textContent ?? '';
    expect([other.includes('10.2'), other]).toEqual([false, expect.stringContaining('open until')]);
  });

  test('come first where they have the address that is typed and a favourite’s only begins so', async () => {
    const { engine, user } = await open(two);
    const exact = { ...vms[1]!, vm: { ...vms[1]!.vm, privateAddresses: ['10.1.0.7'] } };
    engine.vms = { vms: [exact], total: 1, favourites: ['jump-eu', 'web-01'] };
    await user.keyboard('10.1.0.7');
    await waitFor(() => expect(selectedRow()?.textContent).toContain('db-02'));
    const rows = screen.getAllByRole('row').map((row) => row.textContent);
    expect([rows[0], rows[1]]).toEqual([expect.stringContaining('jump-eu'), expect.stringContaining('web-01')]);
  });

  test('wait for what is found where Enter comes first', async () => {
    const { engine, user } = await open(two);
    engine.vms = { vms, total: 2, favourites: [] };
    await user.keyboard('db{Enter}');
    await waitFor(() => expect(engine.requests.map(({ ask }) => ask)).toEqual(['connect']));
  });

  test('become favourites by their star, which can be undone', async () => {
    const { engine, user } = await open(two);
    engine.vms = { vms, total: 2, favourites: [] };
    await user.keyboard('db');
    await user.click(await screen.findByRole('button', { name: 'Make db-01 a favourite', hidden: true }));
    await user.click(await screen.findByRole('button', { name: 'Undo' }));
    expect(engine.requests).toEqual([
      { ask: 'add', name: 'db-01', profile: { vm: vmId('db-01'), for: '3h' } },
      { ask: 'remove', name: 'db-01' },
    ]);
  });

  test('have the favourites found by what is known of their VMs alone, such as a tag', async () => {
    const { engine, user } = await open(two);
    engine.vms = { vms: [], total: 0, favourites: ['jump-eu'] };
    await user.keyboard('owner=ada');
    expect(await screen.findByText('jump-eu')).toBeTruthy();
    expect(screen.queryByText('web-01')).toBeNull();
  });

  test('are told with what could not be read of them, and why', async () => {
    const { engine, user } = await open(states.inventory(NOW));
    engine.vms = { vms, total: 2, favourites: [] };
    await user.keyboard('db-0');
    await user.click(await screen.findByText('Not all VMs are known'));
    expect(screen.getByText('grace has to sign in again.')).toBeTruthy();
    const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false }, region: { enabled: false } } });
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  });

  test('are there only as far as they are in sight, and arrows lead to the others and to the next page', async () => {
    const { engine, user } = await open(two);
    const many = Array.from({ length: 100 }, (_, at) => found(`db-${at + 10}`));
    engine.vms = { vms: many, total: 250, favourites: [] };
    await user.keyboard('db');
    await screen.findByRole('heading', { name: '250 of 3 VMs' });
    const rows = () => screen.getAllByRole('row').length;
    await waitFor(() => expect(rows()).toBeGreaterThan(9));
    expect(rows()).toBeLessThan(40);
    expect(screen.getByRole('grid', { name: '250 of 3 VMs' }).getAttribute('aria-rowcount')).toBe('250');
    await user.keyboard('{ArrowDown}'.repeat(92));
    expect(selectedRow()?.getAttribute('aria-rowindex')).toBe('93');
    expect(engine.lookups.at(-1)).toEqual({ ask: 'findVms', query: 'db', apart: true, skip: 100, limit: 100 });
  });

  test('are asked for once more after a page that did not come', async () => {
    const { engine, user } = await open(two);
    const page = (first: number) => Array.from({ length: 100 }, (_, at) => found(`db-${at + first}`));
    engine.vms = { vms: page(100), total: 250, favourites: [] };
    await user.keyboard('db');
    await screen.findByRole('heading', { name: '250 of 3 VMs' });
    engine.silent = true;
    await user.keyboard('{ArrowDown}'.repeat(92));
    const pages = () => engine.lookups.filter((asked) => asked.ask === 'findVms' && asked.skip === 100).length;
    expect(pages()).toBeGreaterThan(0);
    const before = pages();
    Object.assign(engine, { silent: false, vms: { vms: page(200), total: 250, favourites: [] } });
    await user.keyboard('{ArrowDown}');
    expect(pages()).toBe(before + 1);
  });

  test('are looked for anew when more of them are known', async () => {
    const { engine, user } = await open(snapshot({ ...two, inventory: { ...inventory, count: 0, readAt: null, reading: true } }));
    await user.keyboard('db');
    expect(await screen.findByText('Reading the VMs of your accounts…')).toBeTruthy();
    engine.vms = { vms, total: 2, favourites: [] };
    engine.see(two);
    expect(await screen.findByRole('heading', { name: '2 of 3 VMs' })).toBeTruthy();
  });
});

describe('a favourite', () => {
  const two = snapshot({ favourites: [favourite('web-01', { user: 'anna' }), favourite('jump-eu')] });

  test('connects on a double click', async () => {
    const { engine, user } = await open(two);
    await user.dblClick(screen.getByText('jump-eu'));
    expect(engine.requests).toEqual([{ ask: 'connect', name: 'jump-eu', launch: true }]);
  });

  test('is removed from its menu, and comes back whole on Undo', async () => {
    const { engine, user } = await open(two);
    await user.keyboard('{ArrowDown}{Shift>}{F10}{/Shift}');
    await user.click(await screen.findByText('Remove'));
    expect(engine.requests).toEqual([{ ask: 'remove', name: 'web-01' }]);
    engine.see(snapshot({ favourites: two.favourites.slice(1) }));
    await user.click(await screen.findByRole('button', { name: 'Undo' }));
    expect(engine.requests[1]).toEqual({
      ask: 'bringBack',
      name: 'web-01',
      profile: two.favourites[0]?.profile,
    });
    expect(screen.queryByText('Removed web-01')).toBeNull();
  });

  test('and the one that was removed before it come back one after the other', async () => {
    const { engine, user } = await open(two);
    const remove = async () => {
      await user.keyboard('{ArrowDown}{Shift>}{F10}{/Shift}');
      await user.click(await screen.findByText('Remove'));
    };
    await remove();
    engine.see(snapshot({ favourites: two.favourites.slice(1) }));
    await remove();
    const undo = async () => user.click(await screen.findByRole('button', { name: 'Undo' }));
    await undo();
    await undo();
    const back = engine.requests.filter(({ ask }) => ask === 'bringBack');
    expect(back.map((request) => 'name' in request && request.name)).toEqual(['jump-eu', 'web-01']);
  });

  test('keeps the window open when Esc closes its menu', async () => {
    const { engine, user } = await open(two);
    await user.keyboard('{ArrowDown}{ContextMenu}');
    await screen.findByText('Copy resource ID');
    await user.keyboard('{Escape}');
    await waitFor(() => expect(screen.queryByText('Copy resource ID')).toBeNull());
    expect(engine.closed).toBe(0);
    expect(document.activeElement).toBe(selectedRow());
  });

  test('tells why a request for it was refused', async () => {
    const { engine, user } = await open(two);
    const unknown = failure('unknownFavourite', { title: 'There is no favourite “web-01”.' });
    engine.reply = { answer: 'refused', failure: unknown };
    await user.dblClick(screen.getByText('web-01'));
    expect((await screen.findByRole('alert')).textContent).toContain('There is no favourite “web-01”.');
  });
});

describe('changing a favourite', () => {
  const profile = { vm: vmId('web-01'), user: 'anna', start: false };
  const known = snapshot({ favourites: [favourite('web-01', { profile }), favourite('jump-eu')], host: states.accounts(NOW).host, accounts: states.accounts(NOW).accounts });

  test('begins with F2 or in its menu, with all that is known filled in', async () => {
    const { user } = await open(known);
    await user.keyboard('{ArrowDown}{F2}');
    expect(screen.getByRole('dialog', { name: 'Edit web-01' })).toBeTruthy();
    expect(screen.getByLabelText('User')).toHaveProperty('value', 'anna');
    await user.click(press(screen, 'Cancel'));
    expect(screen.queryByRole('dialog')).toBeNull();
    await user.keyboard('{Shift>}{F10}{/Shift}');
    await user.click(await screen.findByText('Edit'));
    expect(screen.getByLabelText('Name')).toHaveProperty('value', 'web-01');
  });

  test('sends what has changed with what stays, and Undo takes it back', async () => {
    const { engine, user } = await open(known);
    await user.keyboard('{ArrowDown}{F2}');
    await user.clear(screen.getByLabelText('Name'));
    await user.type(screen.getByLabelText('Name'), 'front');
    await user.selectOptions(screen.getByLabelText('Account'), 'grace-gov');
    await user.type(screen.getByLabelText('Tenant'), 'contoso.example');
    await user.click(press(screen, 'Save'));
    const changed = { ...profile, account: 'grace-gov', tenant: 'contoso.example' };
    expect(engine.requests).toEqual([{ ask: 'edit', name: 'web-01', rename: 'front', before: profile, profile: changed }]);
    await user.click(await screen.findByRole('button', { name: 'Undo' }));
    const done = { what: 'favourite', name: 'web-01', called: 'front', before: profile, after: changed };
    expect(engine.requests[1]).toEqual({ ask: 'undo', done });
  });

  test('that is answered late leaves the next form open', async () => {
    const { engine, user } = await open(known);
    await user.keyboard('{ArrowDown}{F2}');
    const answer = engine.hold();
    await user.click(press(screen, 'Save'));
    await user.click(press(screen, 'Cancel'));
    await user.keyboard('{ArrowDown}{F2}');
    expect(press(screen, 'Save')).toHaveProperty('disabled', false);
    await answer({ answer: 'done' });
    await screen.findByText('Changed web-01');
    expect(screen.getByRole('dialog', { name: 'Edit jump-eu' })).toBeTruthy();
    expect(selectedRow()?.textContent).toContain('jump-eu');
  });

  test('keeps what was typed when the engine refuses, in words without commands', async () => {
    const { engine, user } = await open(known);
    await user.keyboard('{ArrowDown}{F2}');
    await user.type(screen.getByLabelText('User'), '-b');
    engine.reply = { answer: 'refused', failure: failure('unknownAccount', { action: 'Say “ajar edit”.', actionInWindow: 'Choose another.' }) };
    await user.click(press(screen, 'Save'));
    expect((await screen.findByRole('alert')).textContent).toContain('Choose another.');
    expect(screen.getByLabelText('User')).toHaveProperty('value', 'anna-b');
  });
});

describe('adding a favourite', () => {
  test('asks for the account where there are several, the default one named', async () => {
    const { engine, user } = await open({ ...states.accounts(NOW), favourites: [] });
    await user.click(press(screen, 'Add a VM'));
    await user.click(screen.getByLabelText('VM resource ID'));
    await user.paste(vmId('web-01'));
    const [usual, first] = [...screen.getByLabelText<HTMLSelectElement>('Account').options];
    expect([usual?.text, first?.text]).toEqual(['The default (ada)', 'ada · ada.lovelace@contoso.example']);
    await user.selectOptions(screen.getByLabelText('Account'), 'konrad');
    await user.click(press(screen, 'Add'));
    expect(engine.requests.at(-1)).toMatchObject({ ask: 'add', name: 'web-01', profile: { account: 'konrad' } });
  });

  test('asks for none where there is one', async () => {
    const { user } = await open(states.empty(NOW));
    await user.click(press(screen, 'Add a VM'));
    expect(screen.queryByLabelText('Account')).toBeNull();
  });

  test('takes the name from the resource ID, and keeps what was typed when the engine refuses', async () => {
    const { engine, user } = await open(states.empty(NOW));
    await user.click(press(screen, 'Add a VM'));
    await user.click(screen.getByLabelText('VM resource ID'));
    await user.paste(vmId('web-01'));
    expect(screen.getByLabelText('Name')).toHaveProperty('value', 'web-01');

    engine.reply = { answer: 'refused', failure: failure('favouriteExists', { title: 'It is there already.' }) };
    await user.click(press(screen, 'Add'));
    expect((await screen.findByRole('alert')).textContent).toContain('It is there already.');
    expect(screen.getByLabelText('VM resource ID')).toHaveProperty('value', vmId('web-01'));

    engine.reply = { answer: 'done' };
    await user.type(screen.getByLabelText('Name'), '-b');
    await user.click(press(screen, 'Add'));
    expect(engine.requests.at(-1)).toMatchObject({ ask: 'add', name: 'web-01-b', profile: { vm: vmId('web-01') } });
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  test('asks nothing of the engine while a field is wrong', async () => {
    const { engine, user } = await open(states.empty(NOW));
    await user.click(press(screen, 'Add a VM'));
    await user.type(screen.getByLabelText('VM resource ID'), 'web-01');
    await user.click(press(screen, 'Add'));
    expect(screen.getByLabelText('VM resource ID').getAttribute('aria-invalid')).toBe('true');
    expect(engine.requests).toEqual([]);
  });
});

test('an engine that does not answer is told of, not waited for', async () => {
  const engine = new RecordingEngine(snapshot());
  engine.follow = () => Promise.reject(new Error('connection refused'));
  render(App, { engine });
  expect((await screen.findByRole('alert')).textContent).toContain('connection refused');
});

test('a problem with the settings opens its text from the footer', async () => {
  const { user } = await open(states.settings(NOW));
  await user.click(press(screen, 'One line of the settings cannot be read.'));
  expect(screen.getByRole('dialog').textContent).toContain('line 14');
});

test('a favourite of which Azure has said nothing has no mark, one that is closed says so', async () => {
  const favourites = [favourite('web', { state: 'closed' }), favourite('db', { state: 'unknown' })];
  await open(snapshot({ favourites }));
  expect(screen.getByRole('row', { name: /web/ }).textContent).toContain('Locked');
  expect(screen.getByRole('row', { name: /db/ }).querySelector('.chip')).toBeNull();
});

test('what kept Azure from being read stands in the footer too', async () => {
  const { user } = await open({
    ...states.idle(NOW),
    refreshProblem: failure('notSignedIn', { title: 'You are not signed in to Azure.', message: 'Nobody is.' }),
  });
  await user.click(press(screen, 'You are not signed in to Azure.'));
  expect(screen.getByRole('dialog').textContent).toContain('Nobody is.');
});

test('a host of another account than is meant here is told of in the footer', async () => {
  const title = 'Ajar is already running as another account.';
  const { user } = await open({
    ...states.idle(NOW),
    hostProblem: failure('otherAccount', { title, action: 'Quit the other Ajar first to use it.' }),
  });
  await user.click(press(screen, title));
  expect(screen.getByRole('dialog').textContent).toContain('Quit the other Ajar first');
});
