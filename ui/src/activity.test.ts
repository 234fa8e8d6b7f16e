import { screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { expect, test } from 'vitest';

import type { ActivityLogView } from './bindings/ActivityLogView';
import type { Reply } from './bindings/Reply';
import { failure, favourite, snapshot } from './fixtures/build';
import { asked, beNow, dialog, open } from './fixtures/signing';

beNow();

const fleet = snapshot({ favourites: [favourite('api'), favourite('web')] });

const log: ActivityLogView = {
  name: 'api',
  vm: favourite('api').vm,
  since: '2026-11-17T12:00:00Z',
  activities: [
    {
      at: '2026-11-24T11:00:00Z',
      when: '11:00',
      action: 'Microsoft.Compute/virtualMachines/deallocate/action',
      what: 'deallocated the VM',
      caller: 'grace@contoso.example',
      source: '198.51.100.9',
      result: 'failed',
      isInJournal: false,
    },
    {
      at: '2026-11-24T10:00:00Z',
      when: '10:00',
      action: 'Microsoft.Compute/virtualMachines/start/action',
      what: 'started the VM',
      caller: null,
      source: null,
      result: 'succeeded',
      isInJournal: true,
    },
  ],
  summary: 'Azure’s Activity Log has 2 changes of api.',
};

async function ask(reply: Reply | Promise<Reply>) {
  const opened = await open(fleet);
  opened.engine.reply = reply;
  const row = screen.getAllByRole('row').find((one) => one.querySelector('.name')?.textContent.trim() === 'api')!;
  row.focus();
  await opened.user.keyboard('{Shift>}{F10}{/Shift}');
  await opened.user.keyboard('w{Enter}');
  return opened;
}

test('who opened or changed a VM is asked from its menu, and told with what came of it and what was done here', async () => {
  const { engine, user } = await ask({ answer: 'activityLog', log });
  expect(asked(engine)).toEqual([{ ask: 'activityLog', name: 'api', days: 7 }]);
  expect(await dialog().findByText('11:00 · grace@contoso.example · from 198.51.100.9')).toBeTruthy();
  expect(dialog().getByText('10:00 · by Ajar here')).toBeTruthy();
  expect(dialog().getByText('(failed)')).toBeTruthy();
  expect(dialog().getByRole('status').textContent).toBe(log.summary);
  await user.click(dialog().getByRole('button', { name: 'Copy' }));
  expect(engine.copied).toEqual([
    'Who opened or changed api\n' +
      'deallocated the VM · failed · 11:00 · grace@contoso.example · from 198.51.100.9\n' +
      'started the VM · done · 10:00 · by Ajar here\n' +
      log.summary,
  ]);
  await user.click(dialog().getByRole('button', { name: 'Close' }));
  expect(screen.queryByRole('dialog')).toBeNull();
});

test('a log that may not be read is told as that and asked for again, and one that comes late opens nothing', async () => {
  const { engine, user } = await ask({ answer: 'refused', failure: failure('accessDenied', { title: 'Your account may not read it.' }) });
  expect(await dialog().findByText('Your account may not read it.')).toBeTruthy();
  let comes: (reply: Reply) => void = () => {};
  engine.reply = new Promise<Reply>((resolve) => (comes = resolve));
  await user.click(dialog().getByRole('button', { name: 'Ask again' }));
  expect(dialog().getByRole('status').textContent).toBe('Asking Azure’s Activity Log…');
  await user.click(dialog().getByRole('button', { name: 'Close' }));
  comes({ answer: 'activityLog', log });
  await tick();
  expect(screen.queryByRole('dialog')).toBeNull();
});
