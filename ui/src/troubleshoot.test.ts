import { screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { expect, test } from 'vitest';

import type { DiagnosisView } from './bindings/DiagnosisView';
import type { Reply } from './bindings/Reply';
import { failure, favourite, snapshot } from './fixtures/build';
import { asked, beNow, dialog, open } from './fixtures/signing';

beNow();

const fleet = snapshot({ favourites: [favourite('api'), favourite('web')] });

const fine: DiagnosisView = {
  name: 'api',
  cloud: 'public',
  vm: favourite('api').vm,
  port: 22,
  account: 'az',
  checks: [
    { check: 'account', state: 'passed', label: 'Account', text: 'az, who is ada@contoso.example' },
    { check: 'access', state: 'noted', label: 'Access', text: 'none now; it is asked for when it is opened' },
  ],
  summary: 'Nothing stands in the way: opening api would ask for access.',
  failure: null,
};

const shut: DiagnosisView = {
  ...fine,
  checks: [{ check: 'port', state: 'failed', label: 'Port', text: '198.51.100.5:22 does not answer' }],
  summary: 'Opening api would fail: api does not answer.',
  failure: failure('portSilent', { title: 'api does not answer.', action: 'Look at its firewall.' }),
};

async function troubleshoot(reply: Reply | Promise<Reply>) {
  const opened = await open(fleet);
  opened.engine.reply = reply;
  const row = screen.getAllByRole('row').find((one) => one.querySelector('.name')?.textContent.trim() === 'api')!;
  row.focus();
  await opened.user.keyboard('{Shift>}{F10}{/Shift}');
  await opened.user.keyboard('t{Enter}');
  return opened;
}

/** An answer that comes when it is told to. */
function awaited() {
  let comes: (reply: Reply) => void = () => {};
  const reply = new Promise<Reply>((resolve) => (comes = resolve));
  return { reply, comes: (answer: Reply) => comes(answer) };
}

test('the way to a favourite is looked at from its menu, and it is opened where nothing is in the way', async () => {
  const answer = awaited();
  const { engine, user } = await troubleshoot(answer.reply);
  expect(dialog().getByRole('heading').textContent).toBe('The way to api');
  expect(dialog().getByRole('status').textContent).toContain('changing nothing');
  answer.comes({ answer: 'diagnosis', diagnosis: fine });
  expect(await dialog().findByText(/Nothing stands in the way/)).toBeTruthy();
  expect(dialog().getByText('(worth knowing)')).toBeTruthy();
  await user.click(dialog().getByRole('button', { name: 'Copy' }));
  expect(engine.copied).toEqual([
    'The way to api\nAccount: az, who is ada@contoso.example\nAccess: none now; it is asked for when it is opened\n' + fine.summary,
  ]);
  engine.reply = { answer: 'done' };
  await user.click(dialog().getByRole('button', { name: 'Connect' }));
  expect(asked(engine)).toEqual([
    { ask: 'diagnose', name: 'api' },
    { ask: 'connect', name: 'api', launch: true },
  ]);
  expect(screen.queryByRole('dialog')).toBeNull();
});

test('what is in the way is told with what to do about it, and is looked at again', async () => {
  const { engine, user } = await troubleshoot({ answer: 'diagnosis', diagnosis: shut });
  expect(await dialog().findByText('Look at its firewall.')).toBeTruthy();
  expect(dialog().getByText('(in the way)')).toBeTruthy();
  expect(dialog().queryByRole('button', { name: 'Connect' })).toBeNull();
  engine.reply = { answer: 'diagnosis', diagnosis: fine };
  await user.click(dialog().getByRole('button', { name: 'Look again' }));
  expect(await dialog().findByText(/Nothing stands in the way/)).toBeTruthy();
});

test('a way that cannot be looked at is told as that, and an answer that comes late opens nothing', async () => {
  const refused: Reply = { answer: 'refused', failure: failure('unknownAccount', { title: 'Nobody is called work.' }) };
  const { engine, user } = await troubleshoot(refused);
  expect(await dialog().findByText('Nobody is called work.')).toBeTruthy();
  const late = awaited();
  engine.reply = late.reply;
  await user.click(dialog().getByRole('button', { name: 'Look again' }));
  await user.click(dialog().getByRole('button', { name: 'Close' }));
  late.comes({ answer: 'diagnosis', diagnosis: fine });
  await tick();
  expect(screen.queryByRole('dialog')).toBeNull();
});
