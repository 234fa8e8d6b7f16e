import { screen, within } from '@testing-library/svelte';
import { describe, expect, test, vi } from 'vitest';

import { account, attempt, failure, favourite, snapshot, vmId } from './fixtures/build';
import { APPLICATION, asked, beNow, card, dialog, NOW, open, press } from './fixtures/signing';
import * as states from './fixtures/snapshots';

beNow();

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
