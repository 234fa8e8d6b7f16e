import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { readFileSync } from 'node:fs';
import { tick } from 'svelte';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import App from './App.svelte';
import type { Reply } from './bindings/Reply';
import type { Snapshot } from './bindings/Snapshot';
import { RecordingEngine } from './engine.recording';
import { account, attempt, failure, favourite, signIn, snapshot, vmId } from './fixtures/build';
import * as states from './fixtures/snapshots';
import { applicationMessage } from './words';

async function open(first: Snapshot) {
  const engine = new RecordingEngine(first);
  const user = userEvent.setup();
  render(App, { engine });
  await tick();
  return { engine, user, see: (next: Snapshot) => (engine.see(next), tick()) };
}

const NOW = Date.parse('2026-11-22T15:00:00Z');
beforeAll(() => void vi.useFakeTimers({ now: NOW, toFake: ['Date'] }));
afterAll(() => void vi.useRealTimers());

const press = (name: string | RegExp) => screen.getByRole('button', { name });
const dialog = () => within(screen.getByRole('dialog'));
const asked = (engine: RecordingEngine) => engine.requests.filter(({ ask }) => ask !== 'readAccounts');
const region = (name: string) => within(screen.getByRole('region', { name }));
const card = (name: string) => within(screen.getByRole('article', { name }));

const APPLICATION = '6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01';
const OTHER_APPLICATION = '0b7d1e54-6a2f-4c38-8d19-5e3fa4c7b602';

describe('a first start', () => {
  const withApplication = { ...states.first(NOW), signInWays: { clientId: APPLICATION, az: { kind: 'missing' as const } } };

  test('has two ways on: to sign in, and to try it without Azure', async () => {
    const { engine, user } = await open(states.first(NOW));
    expect(screen.queryByRole('button', { name: 'Add a VM' })).toBeNull();
    await user.click(press('Try it without Azure'));
    expect(engine.demos).toBe(1);
    expect((await screen.findByText('The demo opens in a window of its own')).textContent).toBeTruthy();
  });

  test('asks for the application where none is known, stores it, and goes on to the browser', async () => {
    const { engine, user } = await open(states.first(NOW));
    await user.click(press('Sign in'));
    await user.type(dialog().getByLabelText('Application (client) ID'), 'nonsense');
    await user.click(press('Save and sign in'));
    expect(dialog().getByLabelText('Application (client) ID').getAttribute('aria-invalid')).toBe('true');
    expect(asked(engine)).toEqual([]);

    await user.clear(dialog().getByLabelText('Application (client) ID'));
    await user.type(dialog().getByLabelText('Application (client) ID'), `${APPLICATION}{Enter}`);
    expect(asked(engine)).toEqual([
      { ask: 'setClientId', clientId: APPLICATION },
      { ask: 'signIn', method: 'browser' },
    ]);
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  test('has a message for the administrator, as the page on permissions has it', async () => {
    const { engine, user } = await open(states.first(NOW));
    await user.click(press('Sign in'));
    await user.click(press('Copy a message for your administrator'));
    expect(engine.copied).toEqual([applicationMessage]);
    const page = readFileSync('../docs/azure-permissions.md', 'utf8');
    const command = /az ad app create[^]*?\}\]'/.exec(applicationMessage)?.[0];
    expect(page).toContain(command);
  });

  test('has the way that needs no application in sight, and sees when it was gone', async () => {
    const { engine, user } = await open(states.first(NOW));
    expect(screen.getByText('az login')).toBeTruthy();
    await user.click(press('Sign in'));
    expect(dialog().getByText('Without an application').closest('details')).toBeNull();
    await user.click(dialog().getByRole('button', { name: 'Copy az login' }));
    expect(engine.copied).toEqual(['az login']);
    engine.requests.length = 0;
    await fireEvent.focus(globalThis.window);
    expect(engine.requests).toEqual([{ ask: 'readAccounts' }]);
  });

  test('has nobody to call all right in the footer', async () => {
    await open(states.first(NOW));
    expect(screen.getByRole('contentinfo').querySelector('.dot')?.classList.contains('nobody')).toBe(true);
  });

  test('asks the Azure CLI once, however long it takes', async () => {
    const unread = { ...states.first(NOW), signInWays: { clientId: null, az: { kind: 'unread' as const } } };
    const { engine, see } = await open(unread);
    await see({ ...unread, revision: 2, accounts: [...unread.accounts] });
    expect(engine.requests).toEqual([{ ask: 'readAccounts' }]);
    expect(screen.getByText('Asking the Azure CLI who is signed in to it')).toBeTruthy();
  });

  test('goes to the browser at once where the application is known', async () => {
    const { engine, user } = await open(withApplication);
    await user.click(press('Sign in'));
    expect(asked(engine)).toEqual([{ ask: 'signIn', method: 'browser' }]);
  });

  test('uses the Azure CLI where somebody is signed in to it', async () => {
    const accounts = [{ user: 'ada@contoso.example', tenantId: 't', cloud: 'public', subscriptions: 1, isDefault: true, account: null }];
    await open({ ...states.first(NOW), signInWays: { clientId: null, az: { kind: 'read', accounts } } });
    expect(screen.getByText(/Signed in by the Azure CLI as ada@contoso.example/)).toBeTruthy();
    expect(press('Add a VM')).toBeTruthy();
  });

  test('asks for a VM where the Azure Developer CLI acts, and says so', async () => {
    const detail = 'whoever is signed in to the Azure Developer CLI (azd auth login)';
    const azd = account('azd', { method: 'azd', username: null, state: 'elsewhere', detail, isDefault: true });
    await open({ ...states.first(NOW), accounts: [azd] });
    expect(press('Add a VM')).toBeTruthy();
    expect(screen.getByText(/^Favourites act as whoever is signed in to the Azure Developer CLI/)).toBeTruthy();
    expect(screen.getByRole('contentinfo').textContent).toContain('1 account');
  });

  test('goes on by the keyboard alone, up to the first VM', async () => {
    const { engine, user, see } = await open(withApplication);
    press('Sign in').focus();
    await user.keyboard('{Enter}');
    await see({ ...withApplication, signIn: signIn({ kind: 'browser', url: 'https://login.example/' }) });
    await see(states.signedIn(NOW));
    press('Add a VM').focus();
    await user.keyboard('{Enter}');
    const vm = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-01';
    // A real dialog puts the keyboard there itself.
    screen.getByLabelText('VM resource ID').focus();
    await user.paste(vm);
    await user.keyboard('{Tab}{Enter}');
    // The engine's answer may come before its news.
    await see({ ...states.signedIn(NOW), favourites: [favourite('web-01')] });
    await vi.waitFor(() => expect(screen.queryByRole('row', { selected: true })?.textContent).toContain('web-01'));
    await user.keyboard('{Enter}');
    expect(asked(engine).at(-1)).toEqual({ ask: 'connect', name: 'web-01', launch: true });
  });
});

describe('the card of a sign-in', () => {
  test('in the browser has its page opened again by the shell, and its address copied', async () => {
    const { engine, user } = await open(states.signInBrowser(NOW));
    await user.click(press('Open it again'));
    await user.click(press('Copy the address'));
    expect(engine.pages).toBe(1);
    expect(engine.copied[0]).toMatch(/^https:\/\/login\.microsoftonline\.com\//);
    await user.click(press('Cancel the sign-in'));
    expect(asked(engine)).toEqual([{ ask: 'cancelSignIn' }]);
  });

  test('by a code shows it, until when it is good, and where to type it', async () => {
    const { engine, user } = await open(states.signInCode(NOW));
    expect(region('Signing in').getByText('HT4KX9QRD')).toBeTruthy();
    expect(region('Signing in').getByText(/It is good until/)).toBeTruthy();
    await user.click(press('Copy the code'));
    await user.click(press('Open the page'));
    expect([engine.copied, engine.pages]).toEqual([['HT4KX9QRD'], 1]);
  });

  test('tells who signed in and where that is kept, and is put away', async () => {
    const { engine, user, see } = await open(states.signInBrowser(NOW));
    const why = 'The keychain is locked.';
    await see({
      ...states.signedIn(NOW),
      signIn: signIn({ kind: 'done', name: 'ada', username: 'ada@contoso.example', kept: { place: 'memoryOnly', why } }),
    });
    expect(region('Signed in').getByText('ada@contoso.example')).toBeTruthy();
    expect(region('Signed in').getByText(why)).toBeTruthy();
    await user.click(press('Dismiss the sign-in'));
    expect(asked(engine)).toEqual([{ ask: 'cancelSignIn' }]);
  });

  test('says nothing of an end that was not seen coming', async () => {
    await open(states.signedIn(NOW));
    expect(screen.queryByText(/The account is called ada/)).toBeNull();
  });

  test('that failed begins again as it was asked for', async () => {
    const { engine, user, see } = await open(states.accounts(NOW));
    engine.reply = { answer: 'signingIn', number: 1 };
    await user.click(press(/^Accounts/));
    await user.click(press('Sign in to grace-gov'));
    const wish = { ask: 'signIn', method: 'browser', name: 'grace-gov' };
    expect(asked(engine)).toEqual([wish]);
    await see({ ...states.accounts(NOW), signIn: signIn({ kind: 'beginning' }) });
    await see({ ...states.accounts(NOW), signIn: signIn({ kind: 'failed', failure: states.signInTimedOut }) });
    expect(region('Nobody signed in in time.').getByText(/five minutes/)).toBeTruthy();
    await user.click(press('Try again'));
    expect(asked(engine)).toEqual([wish, wish]);
  });

  test('begins anew where the process that had its page is gone, and not where it was cancelled', async () => {
    const { engine, user, see } = await open(states.accounts(NOW));
    const { host } = states.accounts(NOW);
    engine.reply = { answer: 'signingIn', number: 1 };
    await user.click(press(/^Accounts/));
    await user.click(press('Sign in to grace-gov'));
    const wish = { ask: 'signIn', method: 'browser', name: 'grace-gov' };
    await see({ ...states.accounts(NOW), signIn: signIn({ kind: 'beginning' }, { number: 1 }) });
    const next = { ...states.accounts(NOW), host: { ...host, pid: host.pid + 1 } };
    await see(next);
    expect(asked(engine)).toEqual([wish, wish]);
    expect((await screen.findByText(/It begins anew/)).textContent).toBeTruthy();
    await see({ ...next, signIn: signIn({ kind: 'beginning' }, { number: 1 }) });
    await see(next);
    expect(asked(engine)).toEqual([wish, wish]);
  });

  test('that is cancelled while the process that had its page goes away does not begin anew', async () => {
    const { engine, user, see } = await open(states.accounts(NOW));
    const { host } = states.accounts(NOW);
    engine.reply = { answer: 'signingIn', number: 1 };
    await user.click(press(/^Accounts/));
    await user.click(press('Sign in to grace-gov'));
    const underWay = { ...states.accounts(NOW), signIn: signIn({ kind: 'beginning' }) };
    await see(underWay);
    engine.requests.length = 0;
    await user.click(press('Cancel the sign-in'));
    // The last word of the old host, which has not heard of it.
    await see(underWay);
    await see({ ...states.accounts(NOW), host: { ...host, pid: host.pid + 1 } });
    expect(asked(engine)).toEqual([{ ask: 'cancelSignIn' }]);
  });

  test('begins anew also where it was seen before it was answered', async () => {
    const { engine, user, see } = await open(states.accounts(NOW));
    const { host } = states.accounts(NOW);
    let answer: (reply: Reply) => void = () => {};
    const answered = new Promise<Reply>((resolve) => (answer = resolve));
    engine.request = (request) => {
      engine.requests.push(request);
      return request.ask === 'signIn' ? answered : Promise.resolve({ answer: 'done' });
    };
    await user.click(press(/^Accounts/));
    await user.click(press('Sign in to grace-gov'));
    await see({ ...states.accounts(NOW), signIn: signIn({ kind: 'browser', url: 'https://login.example/' }, { number: 1 }) });
    answer({ answer: 'signingIn', number: 1 });
    // All that waits for the answer has its turn.
    await new Promise((done) => setTimeout(done));
    await see({ ...states.accounts(NOW), host: { ...host, pid: host.pid + 1 } });
    const wish = { ask: 'signIn', method: 'browser', name: 'grace-gov' };
    expect(asked(engine)).toEqual([wish, wish]);
  });

  test('that failed by a code goes on in the browser', async () => {
    const { engine, user, see } = await open(states.accounts(NOW));
    engine.reply = { answer: 'signingIn', number: 1 };
    await user.click(press(/^Accounts/));
    await user.click(press('Add account'));
    await user.click(press('Use a code on another device'));
    await see({ ...states.accounts(NOW), signIn: signIn({ kind: 'beginning' }) });
    await see({ ...states.accounts(NOW), signIn: signIn({ kind: 'failed', failure: failure('conditionalAccess') }) });
    await user.click(press('Try again'));
    expect(asked(engine)).toEqual([
      { ask: 'signIn', method: 'device-code' },
      { ask: 'signIn', method: 'browser' },
    ]);
  });

  test('whose application Azure does not know asks for another, and keeps where it was to lead', async () => {
    const { engine, user, see } = await open(states.accounts(NOW));
    await user.click(press(/^Accounts/));
    await user.click(press('Add account'));
    await user.type(dialog().getByLabelText('Tenant'), 'fabrikam.example');
    await user.selectOptions(dialog().getByLabelText('Cloud'), 'china');
    engine.reply = { answer: 'signingIn', number: 1 };
    await user.click(press('Sign in with the browser'));
    await see({ ...states.accounts(NOW), signIn: signIn({ kind: 'beginning' }) });
    await see({ ...states.accounts(NOW), signIn: signIn({ kind: 'failed', failure: failure('clientUnknown') }) });
    await user.click(press('Try again'));
    expect(dialog().getByLabelText('Tenant')).toHaveProperty('value', 'fabrikam.example');
    engine.requests.length = 0;
    await user.clear(dialog().getByLabelText('Application (client) ID'));
    await user.type(dialog().getByLabelText('Application (client) ID'), `${OTHER_APPLICATION}{Enter}`);
    expect(asked(engine)).toEqual([
      { ask: 'setClientId', clientId: OTHER_APPLICATION },
      { ask: 'signIn', method: 'browser', clientId: OTHER_APPLICATION, tenant: 'fabrikam.example', cloud: 'china' },
    ]);
  });

  test.each([
    ['clientUnknown', APPLICATION],
    ['noClientId', ''],
  ])('that failed by %s asks for an application although one is known, and says why', async (code, shown) => {
    const { user, see } = await open({ ...states.accounts(NOW), signIn: signIn({ kind: 'beginning' }) });
    await see({ ...states.accounts(NOW), signIn: signIn({ kind: 'failed', failure: failure(code) }) });
    await user.click(press('Try again'));
    expect(dialog().getByLabelText('Application (client) ID')).toHaveProperty('value', shown);
    expect(dialog().getByRole('alert').textContent).toContain('Azure gave no reason.');
  });

  test('that failed for want of an application asks for one', async () => {
    const { user, see } = await open(states.signInBrowser(NOW));
    await see({ ...states.first(NOW), signIn: signIn({ kind: 'failed', failure: failure('noClientId') }) });
    await user.click(press('Try again'));
    expect(dialog().getByLabelText('Application (client) ID')).toBeTruthy();
  });
});

describe('the accounts', () => {
  test('are reached from header and footer, and left by Esc, the search and the back button', async () => {
    const { engine, user } = await open(states.idle(NOW));
    const shown = () => screen.queryByRole('heading', { name: 'Accounts' }) !== null;
    await user.click(press(/favourites$/));
    expect(shown()).toBe(true);
    await user.keyboard('{Escape}');
    expect([shown(), engine.closed]).toEqual([false, 0]);
    await user.click(press('Accounts'));
    await user.click(press('Back'));
    expect(shown()).toBe(false);
    await user.click(press('Accounts'));
    await user.keyboard('web');
    expect(shown()).toBe(false);
    expect(screen.getByRole('row', { name: /web/ })).toBeTruthy();
  });

  test('say who, how, where, for how many, and where the sign-in is kept', async () => {
    const { user } = await open(states.accounts(NOW));
    await user.click(press(/^Accounts/));
    const ada = screen.getByRole('article', { name: 'ada' }).textContent;
    for (const part of ['ada.lovelace@contoso.example', 'Default', 'Signed in', 'Browser', 'Azure', 'tenant contoso.example', '6 favourites', 'kept in the keychain']) {
      expect(ada).toContain(part);
    }
    expect(card('grace-gov').getByText('Azure US Government')).toBeTruthy();
    expect(card('konrad').getByText(/keychain is locked/)).toBeTruthy();
    expect(card('az').getByText('whoever is signed in to the Azure CLI (az login)')).toBeTruthy();
    expect(card('az').queryByRole('button', { name: /Sign out/ })).toBeNull();
  });

  test('a user of the Azure CLI in another tenant becomes an account', async () => {
    const { engine, user } = await open(states.accounts(NOW));
    await user.click(press(/^Accounts/));
    await user.click(press(/^Add ada\.lovelace@contoso\.example in tenant e41b6d70/));
    const tenant = 'e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02';
    const username = 'ada.lovelace@contoso.example';
    expect(asked(engine)).toEqual([{ ask: 'signIn', method: 'az', username, tenant, cloud: 'public' }]);
  });

  test('one more is signed in with tenant and cloud where they are named', async () => {
    const { engine, user } = await open(states.accounts(NOW));
    await user.click(press(/^Accounts/));
    await user.click(press('Add account'));
    await user.type(dialog().getByLabelText('Tenant'), 'fabrikam.example');
    await user.selectOptions(dialog().getByLabelText('Cloud'), 'china');
    await user.click(press('Sign in with the browser'));
    expect(asked(engine)).toEqual([{ ask: 'signIn', method: 'browser', tenant: 'fabrikam.example', cloud: 'china' }]);
  });

  test('one more gets the name that is typed, if it can be one', async () => {
    const { engine, user } = await open(states.accounts(NOW));
    await user.click(press(/^Accounts/));
    await user.click(press('Add account'));
    await user.type(dialog().getByLabelText('Name of the account'), 'my job');
    await user.click(press('Sign in with the browser'));
    expect(dialog().getByLabelText('Name of the account').getAttribute('aria-invalid')).toBe('true');
    expect(asked(engine)).toEqual([]);
    await user.clear(dialog().getByLabelText('Name of the account'));
    await user.type(dialog().getByLabelText('Name of the account'), 'job');
    await user.click(press('Sign in with the browser'));
    expect(asked(engine)).toEqual([{ ask: 'signIn', method: 'browser', name: 'job' }]);
  });

  test('a refused sign-in is told in the form, which keeps what was typed', async () => {
    const { engine, user } = await open(states.accounts(NOW));
    await user.click(press(/^Accounts/));
    await user.click(press('Add account'));
    await user.type(dialog().getByLabelText('Tenant'), 'fabrikam.example');
    engine.reply = { answer: 'refused', failure: failure('unknownCloud', { title: 'There is no cloud “moon”.' }) };
    await user.click(press('Sign in with the browser'));
    expect((await screen.findByRole('alert')).textContent).toContain('There is no cloud “moon”.');
    expect(dialog().getByLabelText('Tenant')).toHaveProperty('value', 'fabrikam.example');
  });

  test('one more may be signed in by another application', async () => {
    const { engine, user } = await open(states.accounts(NOW));
    await user.click(press(/^Accounts/));
    await user.click(press('Add account'));
    await user.click(dialog().getByRole('button', { name: 'Change the application' }));
    const field = dialog().getByLabelText('Application (client) ID');
    expect(document.activeElement).toBe(field);
    await user.type(field, `${OTHER_APPLICATION}{Enter}`);
    expect(asked(engine)).toEqual([
      { ask: 'setClientId', clientId: OTHER_APPLICATION },
      { ask: 'signIn', method: 'browser', clientId: OTHER_APPLICATION },
    ]);
  });

  test('one of a cloud that has no application is asked for one, in the form and without it', async () => {
    const { engine, user } = await open(states.accounts(NOW));
    const none: Reply = { answer: 'refused', failure: failure('noClientId', { title: 'The cloud has no application.' }) };
    await user.click(press(/^Accounts/));
    await user.click(press('Add account'));
    engine.reply = none;
    await user.click(press('Sign in with the browser'));
    expect((await screen.findByRole('alert')).textContent).toContain('The cloud has no application.');
    expect(dialog().getByLabelText('Application (client) ID').getAttribute('aria-invalid')).toBe('false');
    await user.click(press('Cancel'));
    await user.click(press('Sign in to grace-gov'));
    engine.reply = { answer: 'done' };
    engine.requests.length = 0;
    await user.type(dialog().getByLabelText('Application (client) ID'), `${OTHER_APPLICATION}{Enter}`);
    expect(asked(engine).at(-1)).toEqual({ ask: 'signIn', method: 'browser', name: 'grace-gov', clientId: OTHER_APPLICATION });
  });

  test('another is made the one that favourites act as which name none, and that is told', async () => {
    const { engine, user } = await open(states.accounts(NOW));
    await user.click(press(/^Accounts/));
    expect(card('ada').queryByRole('button', { name: /default/ })).toBeNull();
    engine.reply = { answer: 'actsByDefault', acts: 'Favourites that name no account act as “grace-gov” from now on.' };
    await user.click(press('Make grace-gov the default'));
    expect(asked(engine)).toEqual([{ ask: 'setDefaultAccount', account: 'grace-gov' }]);
    expect(await screen.findByText('Favourites that name no account act as “grace-gov” from now on.')).toBeTruthy();
    engine.reply = { answer: 'refused', failure: failure('unknownAccount', { title: 'There is no account called “az”.' }) };
    await user.click(press('Make az the default'));
    expect(await screen.findByText('There is no account called “az”.')).toBeTruthy();
  });

  test('one is forgotten after a question, and what was removed is told', async () => {
    const { engine, user, see } = await open(states.accounts(NOW));
    await user.click(press(/^Accounts/));
    await user.click(press('Sign out of grace-gov'));
    await user.click(dialog().getByRole('button', { name: 'Stay signed in' }));
    expect(asked(engine)).toEqual([]);
    await user.click(press('Sign out of grace-gov'));
    engine.reply = {
      answer: 'signedOut',
      removed: ['its sign-in, from the keychain and from memory', '[accounts.grace-gov] from /home/ada/config.toml'],
      remains: ['gov-portal'],
      acts: 'Favourites that name no account act as “ada” from now on.',
      left: 'The keychain is locked, and may keep a sign-in.',
    };
    await user.click(dialog().getByRole('button', { name: 'Sign out' }));
    await see({ ...states.accounts(NOW), accounts: states.accounts(NOW).accounts.filter(({ name }) => name !== 'grace-gov') });
    expect(asked(engine)).toEqual([{ ask: 'signOut', name: 'grace-gov' }]);
    const told = screen.getByRole('dialog', { name: 'Signed out of grace-gov' }).textContent;
    for (const part of ['from the keychain', '[accounts.grace-gov]', 'may keep a sign-in', 'gov-portal still names it', 'act as “ada”']) expect(told).toContain(part);
  });

  test('an answer that comes when another account is asked about is of the one that it is about', async () => {
    const { engine, user } = await open(states.accounts(NOW));
    await user.click(press(/^Accounts/));
    await user.click(press('Sign out of grace-gov'));
    const answer = engine.hold();
    await user.click(dialog().getByRole('button', { name: 'Sign out' }));
    await user.click(dialog().getByRole('button', { name: 'Stay signed in' }));
    await user.click(press('Sign out of konrad'));
    expect(dialog().getByRole('button', { name: 'Sign out' })).toHaveProperty('disabled', false);
    await answer({ answer: 'signedOut', removed: ['its sign-in'], remains: ['gov-portal'], left: 'The keychain is locked.' });
    const told = await screen.findByText(/Signed out of grace-gov/, { selector: '.toast p' });
    for (const part of ['The keychain is locked.', 'gov-portal still names it']) expect(told.textContent).toContain(part);
    expect(screen.getByRole('dialog', { name: 'Sign out of konrad?' }).textContent).not.toContain('Removed');
  });

  test('an answer to a form that was given up leaves the next one as it is', async () => {
    for (const late of [{ answer: 'refused', failure: failure('unknownCloud') }, { answer: 'signingIn', number: 1 }] as const) {
      const { engine, user } = await open(states.accounts(NOW));
      await user.click(press(/^Accounts/));
      await user.click(press('Add account'));
      const answer = engine.hold();
      await user.click(press('Sign in with the browser'));
      await user.click(press('Cancel'));
      await user.click(press('Add account'));
      await user.type(dialog().getByLabelText('Tenant'), 'fabrikam.example');
      expect(press('Sign in with the browser')).toHaveProperty('disabled', false);
      await answer(late);
      expect(dialog().queryByRole('alert')).toBeNull();
      expect(dialog().getByLabelText('Tenant')).toHaveProperty('value', 'fabrikam.example');
      cleanup();
    }
  });

  test('a form that is given up while the application is written signs nobody in', async () => {
    const { engine, user } = await open(states.first(NOW));
    await user.click(press('Sign in'));
    const answer = engine.hold();
    await user.type(dialog().getByLabelText('Application (client) ID'), `${APPLICATION}{Enter}`);
    await user.click(press('Cancel'));
    await answer({ answer: 'done' });
    expect(asked(engine)).toEqual([{ ask: 'setClientId', clientId: APPLICATION }]);
  });
});

describe('a failure for want of a sign-in', () => {
  test('leads to the sign-in of its account, after which the favourite is opened', async () => {
    const { engine, user } = await open(states.wanting(NOW));
    await user.click(press('Sign in to open gov-portal'));
    expect(asked(engine)).toEqual([{ ask: 'signIn', method: 'browser', name: 'grace-gov', then: 'gov-portal' }]);
  });

  test('leads through the form where there is nothing to sign in with yet', async () => {
    const failed = attempt(1, 'web-01', NOW, { outcome: { kind: 'failed', ...failure('notSignedIn', { wantsSignIn: true }) } });
    const { engine, user } = await open({ ...states.first(NOW), favourites: [favourite('web-01')], attempts: [failed] });
    await user.click(press('Sign in to open web-01'));
    expect(dialog().getByText('Once you are signed in, web-01 is opened again.')).toBeTruthy();
    await user.type(dialog().getByLabelText('Application (client) ID'), `${APPLICATION}{Enter}`);
    expect(asked(engine).at(-1)).toEqual({ ask: 'signIn', method: 'browser', then: 'web-01' });
  });

  test('offers no sign-in for a favourite that was removed meanwhile', async () => {
    const { see } = await open(states.wanting(NOW));
    expect(press('Sign in to open gov-portal')).toBeTruthy();
    await see({ ...states.wanting(NOW), favourites: states.wanting(NOW).favourites.filter(({ name }) => name !== 'gov-portal') });
    expect(card('gov-portal').queryByRole('button', { name: /Sign in/ })).toBeNull();
    expect(card('gov-portal').getByRole('button', { name: 'Dismiss gov-portal' })).toBeTruthy();
  });

  test('is told in the footer, with the way to the account', async () => {
    const { user } = await open(states.wanting(NOW));
    await user.click(press('grace-gov could not be read: sign in again'));
    expect(press('Sign in to grace-gov')).toBeTruthy();
  });
});

describe('a favourite whose account is gone', () => {
  test('leads to a sign-in under its name, or to another account that is written down', async () => {
    const { engine, user } = await open(states.gone(NOW));
    expect(card('web-01').queryByText(/“ajar /)).toBeNull();
    await user.click(press('Sign in to open web-01'));
    expect(asked(engine)).toEqual([{ ask: 'signIn', method: 'browser', name: 'grace', then: 'web-01' }]);
    engine.requests.length = 0;
    await user.click(press('Other account for web-01'));
    // What is typed is for the menu.
    await user.keyboard('k{Escape}');
    expect([screen.getByRole('combobox').getAttribute('aria-expanded'), engine.closed]).toEqual(['false', 0]);
    await user.click(press('Other account for web-01'));
    await user.click(await screen.findByText('konrad'));
    await vi.waitFor(() =>
      expect(asked(engine)).toEqual([
        { ask: 'actAs', name: 'web-01', account: 'konrad' },
        { ask: 'connect', name: 'web-01', launch: true },
      ]),
    );
  });

  test('says so in its row, whose menu signs in as well', async () => {
    const { engine, user } = await open({ ...states.gone(NOW), attempts: [], favourites: [favourite('web-01', { profile: { vm: vmId('web-01'), account: 'grace' } })] });
    const row = screen.getByRole('row', { name: /web-01/ });
    expect(row.textContent).toContain('grace · rg-demo');
    expect(within(row).getByText('Sign in')).toBeTruthy();
    await user.click(press('More for web-01'));
    await user.click(await screen.findByText('Sign in', { selector: '[role=menuitem]' }));
    expect(asked(engine)).toEqual([{ ask: 'signIn', method: 'browser', name: 'grace', then: 'web-01' }]);
  });

  test('gives its name to the form where there is nothing to sign in with yet', async () => {
    const { engine, user } = await open({ ...states.gone(NOW), signInWays: { clientId: null, az: { kind: 'missing' } } });
    await user.click(press('Sign in to open web-01'));
    expect(dialog().getByLabelText('Name of the account')).toHaveProperty('value', 'grace');
    await user.type(dialog().getByLabelText('Application (client) ID'), `${APPLICATION}{Enter}`);
    expect(asked(engine).at(-1)).toEqual({ ask: 'signIn', method: 'browser', name: 'grace', then: 'web-01' });
  });
});

describe('the card that tells who signed in', () => {
  const end = { kind: 'done' as const, name: 'ada', username: 'ada@contoso.example', kept: { place: 'memoryOnly' as const, why: 'The keychain is locked.' } };

  test('makes room once what it was for is under way or has failed, and says it in passing', async () => {
    for (const outcome of [null, { kind: 'failed' as const, ...states.accessDenied }]) {
      const { see } = await open(states.signInBrowser(NOW));
      const then = { ...states.accounts(NOW), windows: [], signIn: signIn(end, { then: 'web-01' }) };
      await see({ ...then, attempts: [attempt(9, 'web-01', NOW, { outcome })] });
      expect(screen.queryByRole('region', { name: 'Signed in' })).toBeNull();
      expect(screen.getByText(/Signed in as ada\./, { selector: '.toast p' }).textContent).toContain('Until Ajar ends');
      expect(press('Dismiss')).toBeTruthy();
      await see({ ...then, attempts: [] });
      expect(screen.queryByRole('region', { name: 'Signed in' })).toBeNull();
      cleanup();
    }
  });

  test('stands below a failure that has nothing to do with it', async () => {
    const { see } = await open(states.signInBrowser(NOW));
    await see({ ...states.failures(NOW), host: states.first(NOW).host, signIn: signIn(end) });
    const failed = screen.getByRole('article', { name: 'finance-app' });
    const signedIn = screen.getByRole('region', { name: 'Signed in' });
    expect(failed.compareDocumentPosition(signedIn) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  });
});

describe('a missing right', () => {
  test('has a message for the administrator', async () => {
    const { engine, user } = await open(states.wanting(NOW));
    const rights = { name: 'finance-app', vm: '', account: 'ada', who: 'ada', rights: [], missing: [], summary: '', message: 'Please give ada …' };
    engine.reply = { answer: 'rights', rights };
    await user.click(press('Message for administrator about finance-app'));
    expect(asked(engine)).toEqual([{ ask: 'rights', name: 'finance-app' }]);
    expect(engine.copied).toEqual(['Please give ada …']);
  });

  test('that is granted meanwhile says so instead', async () => {
    const { engine, user } = await open(states.wanting(NOW));
    const rights = { name: 'finance-app', vm: '', account: 'ada', who: null, rights: [], missing: [], summary: 'Your account may open it.', message: null };
    engine.reply = { answer: 'rights', rights };
    await user.click(press('Message for administrator about finance-app'));
    expect((await screen.findByText(/Your account may open it\./)).textContent).toContain('Try again');
    expect(engine.copied).toEqual([]);
  });

  test('may not be missing for another account', async () => {
    const { engine, user } = await open(states.wanting(NOW));
    await user.click(press('Other account for finance-app'));
    await user.click(await screen.findByText('konrad'));
    await vi.waitFor(() =>
      expect(asked(engine)).toEqual([
        { ask: 'actAs', name: 'finance-app', account: 'konrad' },
        { ask: 'connect', name: 'finance-app', launch: true },
      ]),
    );
  });

  test('offers no other account where there is none', async () => {
    const failed = attempt(1, 'web-01', NOW, { outcome: { kind: 'failed', ...states.accessDenied } });
    const accounts = [account('ada', { isDefault: true })];
    await open(snapshot({ favourites: [favourite('web-01')], accounts, attempts: [failed] }));
    expect(screen.queryByRole('button', { name: /Other account/ })).toBeNull();
  });
});
