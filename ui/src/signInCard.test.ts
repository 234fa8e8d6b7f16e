import { cleanup, screen } from '@testing-library/svelte';
import { describe, expect, test } from 'vitest';

import type { Reply } from './bindings/Reply';
import { attempt, failure, signIn } from './fixtures/build';
import { APPLICATION, asked, beNow, dialog, NOW, open, OTHER_APPLICATION, press, region } from './fixtures/signing';
import * as states from './fixtures/snapshots';

beNow();

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
