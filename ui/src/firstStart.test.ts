import { fireEvent, screen } from '@testing-library/svelte';
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';

import { account, favourite, signIn } from './fixtures/build';
import { APPLICATION, asked, beNow, dialog, NOW, open, press } from './fixtures/signing';
import * as states from './fixtures/snapshots';
import { applicationMessage } from './words';

beNow();

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
