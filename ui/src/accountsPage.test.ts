import { cleanup, screen } from '@testing-library/svelte';
import { describe, expect, test } from 'vitest';

import type { Reply } from './bindings/Reply';
import { failure } from './fixtures/build';
import { APPLICATION, asked, beNow, card, dialog, NOW, open, OTHER_APPLICATION, press } from './fixtures/signing';
import * as states from './fixtures/snapshots';

beNow();

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
